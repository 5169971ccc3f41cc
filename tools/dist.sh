#!/bin/sh
# Builds everything that is released, into dist/ or the folder given: binaries,
# packages, images, an SBOM and checksums. The same commit gives the same bytes with
# the same version of Go, wherever it is built.
set -eu
# The bytes do not depend on the settings of the person who builds.
umask 022
unset GOOS GOARCH GOARM
export LC_ALL=C CGO_ENABLED=0 GOFLAGS=-trimpath GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT=
cd "$(dirname "$0")/.."

out=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

if [ -n "${1:-}" ] && [ -n "$(ls -A "$out")" ]; then
	echo "dist: $out is not empty: name an empty folder" >&2
	exit 1
fi
if [ -n "$(git status --porcelain)" ]; then
	echo "dist: the working tree has changes: commit them first, so that the version names what is built" >&2
	exit 1
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# The version is the tag of the commit. A commit without one gets the time of the commit.
VERSION=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null | sed 's/^v//') || true
[ -n "$VERSION" ] || VERSION="0.0.0-dev.$(TZ=UTC git log -1 --date=format-local:%Y%m%d%H%M%S --format=%cd).g$(git rev-parse --short=12 HEAD)"
MTIME=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
LICENSE=$(head -n 1 LICENSE | cut -d' ' -f1)
DOCS=$work/docs
echo "dist: version $VERSION, into $out"
rm -rf "${out:?}"/*

tool() { go tool -modfile=tools/go.mod "$@"; }

# build GOOS GOARCH GOARM FILE
build() {
	echo "dist: compiling for $1 $2"
	GOOS=$1 GOARCH=$2 GOARM=$3 go build -buildvcs=true \
		-ldflags="-s -w -X overdue/internal/cli.releaseVersion=v$VERSION" -o "$4" .
}

# archive FOLDER FILE: a tar file with the folder, whose bytes depend on the contents only.
# Unpacking does not change the mode of the folder that it is unpacked in.
archive() {
	tar --sort=name --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "${1%/*}" -cf - "${1##*/}" | gzip -n -9 >"$2"
}

build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "" "$work/host"
"$work/host" version | grep -qF "overdue v$VERSION ($(git rev-parse --short=12 HEAD), " || {
	echo "dist: the binary has another version: $("$work/host" version)" >&2
	exit 1
}
mkdir -p "$DOCS/man" "$DOCS/completions"
"$work/host" man --dir "$DOCS/man"
gzip -n -9 "$DOCS"/man/*.1
"$work/host" completion bash >"$DOCS/completions/overdue.bash"
"$work/host" completion zsh >"$DOCS/completions/_overdue"
"$work/host" completion fish >"$DOCS/completions/overdue.fish"

for target in linux/amd64 linux/arm64 linux/arm/7 darwin/amd64 darwin/arm64 windows/amd64; do
	os=${target%%/*} rest=${target#*/}
	arch=${rest%%/*} arm=${rest#*/}
	[ "$arm" != "$arch" ] || arm=""
	name=overdue_${VERSION}_${os}_$arch${arm:+v$arm}
	BUILD=$work/$name
	ARCH=$arch$arm
	mkdir -p "$BUILD"
	if [ "$os" = windows ]; then
		build "$os" "$arch" "" "$out/$name.exe"
		continue
	fi
	build "$os" "$arch" "$arm" "$BUILD/overdue"
	cp -R LICENSE README.md CHANGELOG.md "$DOCS/man" "$DOCS/completions" "$BUILD"
	archive "$BUILD" "$out/$name.tar.gz"
	[ "$os" = linux ] || continue
	# nfpm expands variables in some fields only.
	sed -e "s|\${ARCH}|$ARCH|; s|\${VERSION}|$VERSION|; s|\${LICENSE}|$LICENSE|; s|\${MTIME}|$MTIME|; s|\${BUILD}|$BUILD|; s|\${DOCS}|$DOCS|" \
		packaging/nfpm.yaml >"$work/nfpm.yaml"
	for format in deb rpm; do
		tool nfpm package --config "$work/nfpm.yaml" --packager $format --target "$out/$name.$format" >/dev/null
	done
	go run -C tools/image . -binary "$BUILD/overdue" -arch "$arch" -variant "${arm:+v$arm}" -version "$VERSION" \
		-created "$SOURCE_DATE_EPOCH" -out "$out/$name.oci.tar"
done

tool cyclonedx-gomod bin -json -noserial -notimestamp -std -version "v$VERSION" \
	-output "$work/sbom.json" "$work/overdue_${VERSION}_linux_amd64/overdue" 2>"$work/sbom.log" || {
	cat "$work/sbom.log" >&2
	exit 1
}
# The hashes of cyclonedx-gomod itself depend on the machine that builds.
sed '/"tools": \[/,/^    \]/{/"hashes": \[/,/\]/d}' "$work/sbom.json" >"$out/overdue_$VERSION.sbom.cdx.json"
sed "s/overdue:latest/overdue:$VERSION/; s/VERSION/$VERSION/" packaging/compose.yaml >"$out/compose.yaml"
(cd "$out" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
ls -l "$out"
