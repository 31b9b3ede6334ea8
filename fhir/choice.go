package fhir

// Choice is the member that holds a choice element: for "value" it may be valueQuantity or valueString (json.html#choice). is says
// whether what follows the name ("Quantity") is a type that the element can have, since other elements may begin with the same
// word; it must not keep or change its argument.
func (e Element) Choice(name string, is func(suffix []byte) bool) Element {
	if e.Kind() != Object {
		return Element{}
	}
	end := e.i + int32(e.node().size)
	for i := e.i + 1; i < end; i += int32(e.doc.nodes[i].size) {
		n := &e.doc.nodes[i]
		full := e.doc.data[n.name+1 : n.start-2]
		if len(full) > len(name) && string(full[:len(name)]) == name && is(full[len(name):]) {
			return Element{e.doc, i}
		}
	}
	return Element{}
}
