package fhir

import "bytes"

// Equal says whether two elements are the same with all that is in them. The order of members does not count, and numbers are
// compared by value: 1.0 equals 1.00.
func (e Element) Equal(o Element) bool {
	if e.Kind() != o.Kind() {
		return false
	}
	if e.doc == nil || bytes.Equal(e.Raw(), o.Raw()) {
		return true
	}
	switch e.Kind() {
	case Number:
		a, err1 := ParseDecimal(e.Text())
		b, err2 := ParseDecimal(o.Text())
		return err1 == nil && err2 == nil && a.Rat().Cmp(b.Rat()) == 0
	case Array:
		return e.equalItems(o)
	case Object:
		return e.equalMembers(o)
	}
	return false
}

func (e Element) equalItems(o Element) bool {
	i, end := e.i+1, e.i+int32(e.node().size)
	j, last := o.i+1, o.i+int32(o.node().size)
	for i < end && j < last {
		if !(Element{e.doc, i}).Equal(Element{o.doc, j}) {
			return false
		}
		i += int32(e.doc.nodes[i].size)
		j += int32(o.doc.nodes[j].size)
	}
	return i == end && j == last
}

func (e Element) equalMembers(o Element) bool {
	if e.Len() != o.Len() {
		return false
	}
	for member := range e.Children() {
		if !member.Equal(o.named(member.rawName())) {
			return false
		}
	}
	return true
}

// named is the member whose name has this text between the quotes.
func (e Element) named(rawName []byte) Element {
	for member := range e.Children() {
		if bytes.Equal(member.rawName(), rawName) {
			return member
		}
	}
	return Element{}
}
