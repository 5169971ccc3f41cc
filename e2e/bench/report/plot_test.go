package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPlot_IsWellFormedAndShowsEveryPoint(t *testing.T) {
	p := Plot{
		Title: "Memory <idle> & under load", X: "heartbeats", Y: "MB",
		Lines: []Line{{"idle", []Point{{1_000_000, 69}, {1000, 42}}}, {"under load", []Point{{1000, 60.5}, {1_000_000, 529}}}},
	}
	svg := p.SVG()
	circles := 0
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			circles++
		}
	}
	if circles != 4 {
		t.Errorf("%d points; want 4", circles)
	}
	// The axis goes from 0 to 1,000 in steps of 200, and from 1,000 to 1,000,000.
	for _, want := range []string{">1,000<", ">1,000,000<", ">200<", `cx="72.0" cy="297.8"`, `cx="592.0" cy="178.9"`, "prefers-color-scheme: dark", `d="M72.0`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in:\n%s", want, svg)
		}
	}
}

func TestPlot_WithoutPointsIsEmpty(t *testing.T) {
	if svg := (Plot{Title: "none"}).SVG(); !strings.HasSuffix(svg, "</svg>\n") || strings.Contains(svg, "NaN") {
		t.Errorf("%s", svg)
	}
}
