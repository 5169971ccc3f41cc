// Image writes an OCI image as a tar file, without a container daemon. The image
// contains the program and an empty state directory, and runs as a user without
// privileges. The file can be read by "docker load", "podman load" and "skopeo".
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	user  = 65532 // conventional id of a user without privileges in small images
	state = "var/lib/overdue"
)

type options struct {
	binary, arch, variant, version, out string
	created                             int64
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "", "static Linux binary")
	flag.StringVar(&o.arch, "arch", "amd64", "architecture, as Go names it")
	flag.StringVar(&o.variant, "variant", "", "variant of the architecture, such as v7")
	flag.StringVar(&o.version, "version", "", "version, which becomes the tag")
	flag.Int64Var(&o.created, "created", 0, "creation time, in seconds since 1970")
	flag.StringVar(&o.out, "out", "", "file to write")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	created := time.Unix(o.created, 0).UTC()
	files, err := layer(o.binary, created)
	if err != nil {
		return err
	}
	img, err := build(o, files, created)
	if err != nil {
		return err
	}
	f, err := os.Create(o.out)
	if err != nil {
		return err
	}
	if err := write(f, img, "overdue:"+o.version, created); err != nil {
		return fmt.Errorf("%s: %w", o.out, err)
	}
	return f.Close()
}

// layer is the file system of the image, as a tar file.
func layer(binary string, created time.Time) ([]byte, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []string{"etc", "tmp", "usr", "usr/bin", "var", "var/lib", state} {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: created, Format: tar.FormatPAX}
		switch dir {
		case state:
			h.Mode, h.Uid, h.Gid = 0o700, user, user
		case "tmp":
			h.Mode = 0o1777
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
	}
	passwd := fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\noverdue:x:%d:%d:Overdue:/%s:/sbin/nologin\n", user, user, state)
	group := fmt.Appendf(nil, "root:x:0:\noverdue:x:%d:\n", user)
	for _, file := range []struct {
		name string
		mode int64
		body []byte
	}{{"etc/group", 0o644, group}, {"etc/passwd", 0o644, passwd}, {"usr/bin/overdue", 0o755, program}} {
		if err := add(w, file.name, file.mode, file.body, created); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

func add(w *tar.Writer, name string, mode int64, body []byte, created time.Time) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(body)), ModTime: created, Format: tar.FormatPAX}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// build adds the layer and the configuration to an empty image.
func build(o options, files []byte, created time.Time) (v1.Image, error) {
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{
		Layer: l, History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "make dist"},
	})
	if err != nil {
		return nil, err
	}
	img, err = mutate.ConfigFile(mutate.ConfigMediaType(img, types.OCIConfigJSON), configuration(o, img, created))
	return img, err
}

func configuration(o options, img v1.Image, created time.Time) *v1.ConfigFile {
	c, err := img.ConfigFile()
	if err != nil {
		panic(err) // the image was built from memory
	}
	c = c.DeepCopy()
	c.Architecture, c.Variant, c.OS, c.Created = o.arch, o.variant, "linux", v1.Time{Time: created}
	c.Config = v1.Config{
		User:         fmt.Sprintf("%d:%d", user, user),
		Env:          []string{"PATH=/usr/bin", "OVERDUE_DATABASE=/" + state + "/overdue.db"},
		Entrypoint:   []string{"/usr/bin/overdue"},
		Cmd:          []string{"serve"},
		WorkingDir:   "/" + state,
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Volumes:      map[string]struct{}{"/" + state: {}},
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", "/usr/bin/overdue", "health"}, Interval: 30 * time.Second, Timeout: 5 * time.Second,
			StartPeriod: 30 * time.Second, Retries: 3,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "Overdue",
			"org.opencontainers.image.description": "Heartbeat monitor for cron jobs and background workers",
			"org.opencontainers.image.version":     o.version,
		},
	}
	return c
}

// write writes an OCI image layout. It adds the manifest.json that older versions of
// Docker read; both name the same blobs.
func write(out io.Writer, img v1.Image, tag string, created time.Time) error {
	files, err := layout(img, tag)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	for _, f := range files {
		if err := add(w, f.name, 0o644, f.body, created); err != nil {
			return err
		}
	}
	return w.Close()
}

// layoutFile is a file of an OCI image layout.
type layoutFile struct {
	name string
	body []byte
}

// layout returns the files of an OCI image layout: indexes first, then the blobs.
func layout(img v1.Image, tag string) ([]layoutFile, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	configDigest, err := img.ConfigName()
	if err != nil {
		return nil, err
	}
	layerDigest, files, err := onlyLayer(img)
	if err != nil {
		return nil, err
	}
	index, err := json.Marshal(v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: []v1.Descriptor{{
			MediaType: types.OCIManifestSchema1, Size: int64(len(manifest)), Digest: digest,
			Annotations: map[string]string{"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": "docker.io/library/" + tag},
		}},
	})
	if err != nil {
		return nil, err
	}
	legacy, err := json.Marshal([]map[string]any{{"Config": blobName(configDigest), "RepoTags": []string{tag}, "Layers": []string{blobName(layerDigest)}}})
	return []layoutFile{
		{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", index},
		{"manifest.json", legacy},
		{blobName(digest), manifest},
		{blobName(configDigest), config},
		{blobName(layerDigest), files},
	}, err
}

// blobName returns the path of a blob in an OCI image layout.
func blobName(h v1.Hash) string { return "blobs/sha256/" + h.Hex }

// onlyLayer returns the digest and the compressed content of the layer.
func onlyLayer(img v1.Image) (digest v1.Hash, content []byte, err error) {
	layers, err := img.Layers()
	if err != nil {
		return digest, nil, err
	}
	if digest, err = layers[0].Digest(); err != nil {
		return digest, nil, err
	}
	packed, err := layers[0].Compressed()
	if err != nil {
		return digest, nil, err
	}
	defer packed.Close()
	content, err = io.ReadAll(packed)
	return digest, content, err
}
