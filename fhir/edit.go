package fhir

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Edits collects changes to a resource. Everything that is not changed stays as it is, byte for byte; the resource itself
// never changes. Raw values must be canonical JSON text; Quote makes it from a string.
//
// An element is changed once: of two changes to one element the later counts, and changes below one that is replaced or
// removed are lost.
type Edits struct {
	r       *Resource
	changes map[int32]*change
}

// change is what happens to one node.
type change struct {
	replaced []byte
	removed  bool
	added    []addition // to a container, in the order they were asked for
}

// addition is a new member, behind the member after (first where after is "", last where there is no such member), or a new
// item before position at.
type addition struct {
	name, after string
	at          int
	raw         []byte
}

const last = "\x00" // no member has this name

// Edit begins changes to the resource.
func (r *Resource) Edit() *Edits { return &Edits{r: r, changes: map[int32]*change{}} }

func (ed *Edits) at(e Element) *change {
	if e.doc == nil {
		return &change{}
	}
	// An element of an enclosing document is found by its place in the shared text.
	i := e.i
	if e.doc != ed.r {
		start := e.node().start
		j, found := slices.BinarySearchFunc(ed.r.nodes, start, func(n node, s uint32) int { return int(int64(n.start) - int64(s)) })
		if !found {
			return &change{}
		}
		i = int32(j)
	}
	c := ed.changes[i]
	if c == nil {
		c = &change{}
		ed.changes[i] = c
	}
	return c
}

// Replace puts another value in the element's place.
func (ed *Edits) Replace(e Element, raw []byte) {
	c := ed.at(e)
	c.replaced, c.removed = raw, false
}

// Remove takes a member or an item away.
func (ed *Edits) Remove(e Element) {
	c := ed.at(e)
	c.replaced, c.removed = nil, true
}

// Set gives an object's member a value; a new one is put at the end.
func (ed *Edits) Set(object Element, name string, raw []byte) { ed.SetAfter(object, last, name, raw) }

// SetAfter gives an object's member a value; a new one is put behind the member named after, or first where after is "".
func (ed *Edits) SetAfter(object Element, after, name string, raw []byte) {
	if m := object.Get(name); m.Exists() {
		ed.Replace(m, raw)
		return
	}
	c := ed.at(object)
	for i := range c.added {
		if c.added[i].name == name {
			c.added[i].raw = raw
			return
		}
	}
	c.added = append(c.added, addition{name: name, after: after, raw: raw})
}

// Insert puts an item before the array's item at that position, or last where there is none.
func (ed *Edits) Insert(array Element, at int, raw []byte) {
	c := ed.at(array)
	c.added = append(c.added, addition{at: min(at, array.Len()), raw: raw})
}

// Bytes is the changed resource's text.
func (ed *Edits) Bytes() []byte {
	changed := make([]int32, 0, len(ed.changes))
	extra := 0
	for i, c := range ed.changes {
		changed = append(changed, i)
		extra += len(c.replaced)
		for _, a := range c.added {
			extra += len(a.raw) + len(a.name) + 4
		}
	}
	slices.Sort(changed)
	w := editWriter{ed, changed, make([]byte, 0, len(ed.r.Bytes())+extra)}
	w.write(0)
	return w.out
}

// Apply is the changed resource. It is parsed as strictly as one that was received.
func (ed *Edits) Apply() (*Resource, error) { return Parse(ed.Bytes()) }

type editWriter struct {
	ed      *Edits
	changed []int32 // in order
	out     []byte
}

// touched says whether the node or anything below it changes.
func (w *editWriter) touched(i int32) bool {
	at, found := slices.BinarySearch(w.changed, i)
	return found || at < len(w.changed) && w.changed[at] < i+int32(w.ed.r.nodes[i].size)
}

func (w *editWriter) write(i int32) {
	n := &w.ed.r.nodes[i]
	if !w.touched(i) {
		w.out = append(w.out, w.ed.r.data[n.start:n.end]...)
		return
	}
	c := w.ed.changes[i]
	if c == nil {
		c = &change{}
	}
	switch {
	case c.replaced != nil:
		w.out = append(w.out, c.replaced...)
	case n.kind == Object:
		w.object(i, n, c)
	case n.kind == Array:
		w.array(i, n, c)
	default:
		w.out = append(w.out, w.ed.r.data[n.start:n.end]...)
	}
}

func (w *editWriter) object(i int32, n *node, c *change) {
	added := slices.Clone(c.added)
	w.out = append(w.out, '{')
	w.members(&added, "")
	for k := i + 1; k < i+int32(n.size); k += int32(w.ed.r.nodes[k].size) {
		m := &w.ed.r.nodes[k]
		name := w.ed.r.data[m.name:m.start] // with quotes and colon
		if x := w.ed.changes[k]; x == nil || !x.removed {
			w.comma('{')
			w.out = append(w.out, name...)
			w.write(k)
		}
		w.members(&added, string(name[1:len(name)-2]))
	}
	for len(added) > 0 {
		w.member(added[0])
		added = added[1:]
	}
	w.out = append(w.out, '}')
}

// members writes the additions that belong behind the named member, and those that belong behind them.
func (w *editWriter) members(added *[]addition, after string) {
	for {
		i := slices.IndexFunc(*added, func(a addition) bool { return a.after == after })
		if i < 0 {
			return
		}
		a := (*added)[i]
		*added = slices.Delete(*added, i, i+1)
		w.member(a)
		w.members(added, a.name)
	}
}

func (w *editWriter) member(a addition) {
	w.comma('{')
	w.out = append(w.out, Quote(a.name)...)
	w.out = append(append(w.out, ':'), a.raw...)
}

func (w *editWriter) array(i int32, n *node, c *change) {
	w.out = append(w.out, '[')
	insert := func(at int) {
		for _, a := range c.added {
			if a.at == at {
				w.comma('[')
				w.out = append(w.out, a.raw...)
			}
		}
	}
	at := 0
	for k := i + 1; k < i+int32(n.size); k += int32(w.ed.r.nodes[k].size) {
		insert(at)
		if x := w.ed.changes[k]; x == nil || !x.removed {
			w.comma('[')
			w.write(k)
		}
		at++
	}
	insert(at)
	w.out = append(w.out, ']')
}

// comma separates from what was written before, unless that was the container's opening bracket.
func (w *editWriter) comma(open byte) {
	if w.out[len(w.out)-1] != open {
		w.out = append(w.out, ',')
	}
}

// Quote is the text as a canonical JSON string. Invalid UTF-8 becomes U+FFFD.
func Quote(text string) []byte {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil && out == nil {
		return strconv.AppendQuote(nil, "")
	}
	return out
}
