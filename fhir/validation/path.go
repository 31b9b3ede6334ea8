package validation

import (
	"strconv"
	"strings"
)

// path is where the check is: a resource type and element names with the positions of items.
type path []step

type step struct {
	name string
	at   int // position of the item; -1: the element does not repeat
}

func (p *path) push(name string) { *p = append(*p, step{name, -1}) }
func (p *path) pop()             { *p = (*p)[:len(*p)-1] }
func (p path) index(at int)      { p[len(p)-1].at = at }

// String is the FHIRPath expression.
func (p path) String() string {
	var b strings.Builder
	for i, s := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
		if s.at >= 0 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.at))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// plainName says whether a member name can stand in a FHIRPath expression as it is, and is short enough for one.
func plainName(name string) bool {
	for i, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return name != "" && len(name) <= 64
}
