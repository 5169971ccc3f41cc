// Command sample prints texts or names of the repository for a reviewer. It
// takes them at equal distances from the sorted list of all, so that everyone
// who runs it on the same commit reviews the same sample.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"overdue/internal/prose"
)

func main() {
	root := flag.String("root", ".", "root of the repository")
	under := flag.String("under", "", "only paths that begin with this text, such as internal/store/ or docs/")
	n := flag.Int("n", 100, "number of items; 0 prints all")
	kind := flag.String("kind", "sentences", "one of "+strings.Join(prose.SampleKinds, ", "))
	shift := flag.Float64("shift", 0, "draws other items: moves them by this part of their distance, from -0.5 to 0.5")
	flag.Parse()
	all, err := prose.Population(*root, *kind)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		os.Exit(1)
	}
	var within []prose.Item
	for _, item := range all {
		if strings.HasPrefix(item.Path, *under) {
			within = append(within, item)
		}
	}
	if *n > 0 {
		within = prose.Draw(within, *n, *shift)
	}
	for i, item := range within {
		fmt.Printf("%d\t%s:%d\t%s\n", i+1, item.Path, item.Line, item.Value)
	}
}
