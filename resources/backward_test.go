package resources

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// stay is a list of matches that nobody changes: the numbers from 1, each its own position.
type stay int

// show is a page of the list: its first and its last match, and the cursors of it and of the page behind.
func (n stay) show(at cursor, count int) (first, last int, here, next cursor) {
	after, _ := strconv.Atoi(at.After)
	first, last = after+1, min(after+count, int(n))
	if at.Until != "" {
		w := way[int]{from: at, count: count, position: strconv.Itoa}
		for m := after + 1; m <= after+at.enough() && m <= int(n) && w.pass(m); m++ {
		}
		var shown []int
		shown, at = w.page()
		first, last = shown[0], shown[len(shown)-1]
	}
	at.first = strconv.Itoa(first)
	return first, last, at, at.advanced(strconv.Itoa(last), 0, count)
}

// TestPagesOfOtherSizes: however many matches each page is asked to have, the page before one ends where that begins.
func TestPagesOfOtherSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, at, end := stay(40_000), cursor{}, 0
		for range rapid.IntRange(1, 40).Draw(t, "pages") {
			_, end, _, at = list.show(at, rapid.SampledFrom([]int{1, 10, 1000}).Draw(t, "size"))
		}
		begin, _, here, _ := list.show(at, 1)
		if begin != end+1 {
			t.Fatalf("the page behind %d begins with %d", end, begin)
		}
		for {
			before, ok := here.previous()
			if !ok {
				break
			}
			count := rapid.SampledFrom([]int{1, 500, 1000}).Draw(t, "size back")
			first, last, it, _ := list.show(before, count)
			if last != begin-1 || first > last || last-first >= count { // it may have fewer
				t.Fatalf("before %d, a page of %d is %d to %d", begin, count, first, last)
			}
			begin, here = first, it
			if count == 1 && rapid.Bool().Draw(t, "enough") {
				return
			}
		}
		if begin != 1 {
			t.Fatalf("the way back ends at %d", begin)
		}
	})
}
