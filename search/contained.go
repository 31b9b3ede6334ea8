package search

import "strings"

// A contained resource (references.html#contained) is searched as a resource of its own, which lives and dies with the one around
// it: of a type of its own, "contained.Medication", with the id "MedicationRequest/23#m1", and the time of change of its container.
// Its index entries are those that it would have by itself, and some that tie it to its container; see search/index. References to
// it are to that type and id.
//
// A Chain to a Medication leads to contained ones as well, and a Has on a contained resource to what is contained beside it: nothing
// else can refer to it. A search without types finds no contained resources.

const containedPrefix = "contained."

// ContainedType is the type that contained resources of a resource type are searched as.
func ContainedType(resourceType string) string { return containedPrefix + resourceType }

// IsContained says whether a type is that of contained resources.
func IsContained(searchedType string) bool { return strings.HasPrefix(searchedType, containedPrefix) }

// ResourceType is the resource type that a type is searched as.
func ResourceType(searchedType string) string {
	return strings.TrimPrefix(searchedType, containedPrefix)
}

// ContainedID is the id of the contained resource that its container calls id.
func ContainedID(containerType, containerID, id string) string {
	return containerType + "/" + containerID + "#" + id
}

// ContainerOf takes the id of a contained resource apart.
func ContainerOf(containedID string) (containerType, containerID, id string) {
	container, id, _ := strings.Cut(containedID, "#")
	containerType, containerID, _ = strings.Cut(container, "/")
	return containerType, containerID, id
}

// Parameters of index entries that tie contained resources to their containers. They are in no registry.
const (
	// ContainedParam are tokens of a container: the resource types of what it contains.
	ContainedParam = "_contained"
	// ContainerParam are a token of a contained resource, the resource type of its container, and a reference to that.
	ContainerParam = "_container"
)

// Containing is the condition that a resource contains one of a resource type.
func Containing(resourceType string) Token { return Token{Param: ContainedParam, Code: resourceType} }

// ContainedIn is the condition that a contained resource is in one of a resource type.
func ContainedIn(containerType string) Token {
	return Token{Param: ContainerParam, Code: containerType}
}

// Inside is the condition that the reference parameter refers to a contained resource of a resource type: only where that holds for
// some resource need a Chain be followed to such.
func Inside(param, resourceType string) Token {
	return Token{Param: param + "/" + resourceType, Code: "#"}
}

// OnContained is what criteria say of contained resources: of an id the one within the container, of types those they are searched
// as. What a Chain or a Has says of other resources stays.
func OnContained(f Filter) Filter {
	switch f := f.(type) {
	case And:
		return And(allOnContained(f))
	case Or:
		return Or(allOnContained(f))
	case Not:
		return Not{OnContained(f.Filter)}
	case ID:
		var ids Or
		for _, id := range f {
			ids = append(ids, Token{Param: idName, Code: id})
		}
		return AnyOf(ids...)
	case Type:
		types := make(Type, len(f))
		for i, t := range f {
			types[i] = ContainedType(t)
		}
		return types
	}
	return f
}

func allOnContained(parts []Filter) []Filter {
	out := make([]Filter, len(parts))
	for i, part := range parts {
		out[i] = OnContained(part)
	}
	return out
}
