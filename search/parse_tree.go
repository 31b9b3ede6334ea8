package search

// AllOf is the filter that holds where all parts do, in its simplest form: flat and without All. A part may be nil, for All.
func AllOf(parts ...Filter) Filter {
	var flat And
	for _, f := range parts {
		switch f := f.(type) {
		case nil, All:
		case None:
			return f
		case And:
			flat = append(flat, f...)
		default:
			flat = append(flat, f)
		}
	}
	switch len(flat) {
	case 0:
		return All{}
	case 1:
		return flat[0]
	}
	return flat
}

// AnyOf is the filter that holds where one of the parts does, in its simplest form: flat, without None, and with all ids in one.
func AnyOf(parts ...Filter) Filter {
	var flat Or
	ids := -1
	for _, f := range parts {
		switch f := f.(type) {
		case All:
			return f
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
