package pingurl

import "testing"

func TestCut_ReadsWhatForBuilds(t *testing.T) {
	for _, base := range []string{"", "/"} {
		if rest, isPing := Cut(For(base, "ID") + "/fail"); !isPing || rest != "ID/fail" {
			t.Errorf("base %q: %q, %t; want ID/fail", base, rest, isPing)
		}
	}
	if _, isPing := Cut("/api/v1/heartbeats"); isPing {
		t.Error("a path of the API is taken for a ping")
	}
}

func TestClean_AcceptsADoubledSlash(t *testing.T) {
	for path, want := range map[string]string{
		"//api/v1/hb/ID": "/api/v1/hb/ID", "/x/../api/v1/hb/ID/fail": "/api/v1/hb/ID/fail", "/api/v1/hb/ID/": "/api/v1/hb/ID/",
	} {
		if got, isPing := Clean(path); !isPing || got != want {
			t.Errorf("%s: %s, %t; want %s", path, got, isPing, want)
		}
	}
	if _, isPing := Clean("/healthz"); isPing {
		t.Error("/healthz is taken for a ping")
	}
}
