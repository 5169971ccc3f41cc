package postgres

import (
	"fmt"
	"testing"
)

func TestRowCache_IsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	c := NewRowCache[int](100)
	c.Put(map[string]*int{"used": new(int)})
	for n := range 1000 {
		c.Put(map[string]*int{fmt.Sprint(n): &n})
		if len(c.Lookup([]string{"used"})) == 0 {
			t.Fatalf("a row that is used was dropped after %d others", n)
		}
		if size := len(c.recent) + len(c.past); size > 100 {
			t.Fatalf("%d rows; want at most 100", size)
		}
	}
	if found := c.Lookup([]string{"0", "999"}); len(found) != 1 || *found["999"] != 999 {
		t.Errorf("found %v; want only the newest row", found)
	}
	c.Forget("999")
	c.Forget("used")
	if found := c.Lookup([]string{"999", "used"}); len(found) != 0 {
		t.Errorf("found %v after it was forgotten", found)
	}
}
