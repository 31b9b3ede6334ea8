package fhir

// Choice is the member that holds a choice element: for "value" the member valueQuantity or valueString, whichever there is,
// and the part of its name behind "value" (json.html#choice). The suffix must not be changed.
func (e Element) Choice(name string) (member Element, suffix []byte) {
	if e.Kind() != Object {
		return Element{}, nil
	}
	end := e.i + int32(e.node().size)
	for i := e.i + 1; i < end; i += int32(e.doc.nodes[i].size) {
		n := &e.doc.nodes[i]
		full := e.doc.data[n.name+1 : n.start-2]
		if len(full) > len(name) && string(full[:len(name)]) == name && full[len(name)] >= 'A' && full[len(name)] <= 'Z' {
			return Element{e.doc, i}, full[len(name):]
		}
	}
	return Element{}, nil
}
