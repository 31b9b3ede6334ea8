package search

// A chained condition is also judged on the resources that a resource contains (search.html#contained). What those hold is kept
// among the index entries of the resource around them: the entries of a contained Medication that the parameter "medication"
// refers to are those of parameters called "medication/Medication/code" and so on.

// Containing is the condition that the reference parameter refers to a contained resource of a type.
func Containing(param, resourceType string) Token {
	return Token{Param: InsideParam(param, resourceType, ""), Code: ContainedCode, Fold: FoldsCase("")}
}

// ContainedCode is the code of the entries by which Containing finds a resource.
const ContainedCode = "#"

// InsideParam is the name of a parameter on a contained resource of a type that the reference parameter param refers to.
func InsideParam(param, resourceType, code string) string {
	return param + "/" + resourceType + "/" + code
}

// Inside is the filter by which a resource is known to contain another one of the type that f holds for and that the reference
// parameter param refers to: what Chain{param, resourceType, f} means for contained resources. Those have no id of their own, no
// time of change, and nothing that refers to them from elsewhere; a chain goes on from them to other resources, and not to others
// that are contained beside them. A Not is judged on all that is contained and referred to by the parameter, together.
func Inside(f Filter, param, resourceType string) Filter {
	in := insider{param, resourceType}
	return in.filter(f)
}

type insider struct{ param, resourceType string }

func (in insider) name(code string) string {
	if code == "" { // in a tuple
		return ""
	}
	return InsideParam(in.param, in.resourceType, code)
}

func (in insider) filter(f Filter) Filter {
	switch f := f.(type) {
	case All:
		return Containing(in.param, in.resourceType)
	case And:
		parts := make([]Filter, len(f))
		for i, part := range f {
			parts[i] = in.filter(part)
		}
		return AllOf(parts...)
	case Or:
		parts := make([]Filter, len(f))
		for i, part := range f {
			parts[i] = in.filter(part)
		}
		return AnyOf(parts...)
	case Not:
		here := Containing(in.param, in.resourceType)
		if part := in.filter(f.Filter); !isNone(part) {
			return And{here, Not{part}}
		}
		return here
	case Type:
		for _, t := range f {
			if t == in.resourceType {
				return Containing(in.param, in.resourceType)
			}
		}
		return None{}
	case Chain:
		f.Param = in.name(f.Param)
		return f
	}
	return in.leaf(f)
}

func (in insider) leaf(f Filter) Filter {
	switch f := f.(type) {
	case Present:
		return Present{in.name(f.Param)}
	case Token:
		f.Param = in.name(f.Param)
		return f
	case String:
		f.Param = in.name(f.Param)
		return f
	case Reference:
		f.Param = in.name(f.Param)
		return f
	case Date:
		if f.Param == lastUpdatedName {
			return None{}
		}
		f.Param = in.name(f.Param)
		return f
	case Number:
		f.Param = in.name(f.Param)
		return f
	case Quantity:
		f.Param = in.name(f.Param)
		return f
	case URI:
		f.Param = in.name(f.Param)
		return f
	case Near:
		f.Param = in.name(f.Param)
		return f
	case Composite:
		f.Param = in.name(f.Param)
		return f
	}
	return None{} // None, ID and Has
}
