package search

// allOf is the filter that holds where all parts do, in its simplest form.
func allOf(parts []Filter) Filter {
	switch len(parts) {
	case 0:
		return All{}
	case 1:
		return parts[0]
	}
	return And(parts)
}

// anyOf is the filter that holds where one of the parts does, in its simplest form: flat, without None, and with
// all ids in one.
func anyOf(parts []Filter) Filter {
	var flat Or
	ids := -1
	for _, f := range parts {
		switch f := f.(type) {
		case None:
		case Or:
			flat = append(flat, f...)
		case ID:
			if ids < 0 {
				ids = len(flat)
				flat = append(flat, ID{})
			}
			flat[ids] = append(flat[ids].(ID), f...)
		default:
			flat = append(flat, f)
		}
	}
	switch len(flat) {
	case 0:
		return None{}
	case 1:
		return flat[0]
	}
	return flat
}

func isNone(f Filter) bool {
	_, none := f.(None)
	return none
}
