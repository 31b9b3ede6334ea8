package resources

import (
	"errors"
	"maps"
	"slices"

	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Searches of contained resources (search.html#contained). One is visible exactly where the resource around it is, which says whom it
// is about: the policy's answer for that type and, in a compartment, its being in there decide. What the policy says of the type
// itself (access.Inner) is asked of the contained resource.

// within is what the policy says of contained resources of a type, where the caller may see what is around them.
func within(p access.Policy, resourceType string) search.Filter {
	inner, ok := p.(access.Inner)
	if !ok {
		return may(p, resourceType, access.Search)
	}
	if f := inner.Within(resourceType, access.Search); f != nil {
		return f
	}
	return search.None{}
}

// container is a type of which some resource contains what is searched, and the condition on such.
type container struct {
	resourceType string
	visible      search.Filter
}

// planContained is the search of contained resources, beside what plan has found for those of their own. The cursor holds the
// containers' types from page to page: positions are those of one search.
func (s *Service) planContained(v view, p access.Policy, q Search, parsed *search.Query, at *cursor) (find store.Search, err error) {
	types, _, err := visible(p, parsed.Types)
	if err != nil {
		return find, err
	}
	asked, err := restricted(p, parsed.Filter)
	if err != nil {
		return find, err
	}
	inner := func(t string) search.Filter { return search.AllOf(search.OnContained(asked), within(p, t)) }
	if at.After == "" {
		if at.Containers, err = containersOf(v, p, types); err != nil {
			return find, err
		}
	}
	containers, err := q.Compartment.around(p, at.Containers)
	if err != nil {
		return find, err
	}
	find.Sort = parsed.Sort
	switch {
	case len(containers) == 0: // as it would be in some
		find.Types, find.Filter = containedTypes(types), search.None{}
	case parsed.Containers:
		find.Types, find.Filter = around(containers, types, inner)
	default:
		find.Types, find.Filter = inside(containers, types, inner)
	}
	if parsed.Contained == search.OnlyContained {
		return find, nil
	}
	own, err := s.plan(p, q, parsed)
	if err != nil {
		return find, err
	}
	return store.Search{
		Types: union(own.Types, find.Types), Sort: parsed.Sort,
		Filter: search.AnyOf(search.AllOf(search.Type(own.Types), own.Filter), search.AllOf(search.Type(find.Types), find.Filter)),
	}, nil
}

// around are resources that contain one that is asked for.
func around(containers []container, types []string, inner func(string) search.Filter) (in []string, some search.Or) {
	var holds search.Or
	for _, t := range types {
		holds = append(holds, search.And{
			search.Containing(t), search.Has{Type: search.ContainedType(t), Param: search.ContainerParam, Filter: inner(t)},
		})
	}
	for _, c := range containers {
		in = append(in, c.resourceType)
		some = append(some, search.AllOf(search.Type{c.resourceType}, c.visible, search.AnyOf(holds...)))
	}
	return in, some
}

// inside are the contained resources that are asked for.
func inside(containers []container, types []string, inner func(string) search.Filter) ([]string, search.Filter) {
	var some, in search.Or
	for _, t := range types {
		some = append(some, search.AllOf(search.Type{search.ContainedType(t)}, inner(t)))
	}
	for _, c := range containers {
		there := search.Filter(search.ContainedIn(c.resourceType))
		if !isAll(c.visible) {
			there = search.And{there, search.Chain{Param: search.ContainerParam, Type: c.resourceType, Filter: c.visible}}
		}
		in = append(in, there)
	}
	return containedTypes(types), search.AllOf(search.AnyOf(some...), search.AnyOf(in...))
}

func containedTypes(types []string) []string {
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = search.ContainedType(t)
	}
	return list
}

// containersOf are the types that the caller may search and that contain resources of the types.
func containersOf(v view, p access.Policy, types []string) (found []string, err error) {
	var holds search.Or
	for _, t := range types {
		holds = append(holds, search.Containing(t))
	}
	left := slices.DeleteFunc(slices.Clone(definitions.ResourceTypes()), func(t string) bool { return isNone(may(p, t, access.Search)) })
	for more := true; more && len(left) > 0; {
		more = false
		for m, err := range v.Search(store.Search{Types: left, Filter: holds, Limit: 1, KeysOnly: true}) {
			if err != nil {
				return nil, err
			}
			found, more = append(found, m.Type), true
			left = slices.DeleteFunc(left, func(t string) bool { return t == m.Type })
		}
	}
	slices.Sort(found)
	return found, nil
}

// around narrows types of containers to those in the compartment (nil: none is asked for), with the condition on each.
func (c *Compartment) around(p access.Policy, types []string) (in []container, err error) {
	for _, t := range types {
		visible := may(p, t, access.Search)
		if c != nil {
			_, member, err := c.within([]string{t})
			if err != nil {
				return nil, err
			}
			visible = search.AllOf(visible, member)
		}
		if !isNone(visible) {
			in = append(in, container{t, visible})
		}
	}
	return in, nil
}

// fullURL is the place of a version below the server's base: of a contained resource the one around it and its id.
func fullURL(k store.Key) string {
	if search.IsContained(k.Type) {
		return k.ID
	}
	return k.Type + "/" + k.ID
}

// containedIn is a contained resource in a version of the one around it, of which it has the damage; false where it is not there.
func (s *Service) containedIn(v store.Version, key store.Key) (inner store.Version, ok bool, err error) {
	if v.Damage != nil {
		v.Key = key
		return v, true, nil
	}
	subject, err := s.subject(v)
	if errors.Is(err, errDamaged) {
		v.Key, v.Body, v.Damage = key, nil, err
		return v, true, nil
	}
	if err != nil {
		return inner, false, err
	}
	for _, c := range subject.Values.Contained {
		if c.ID == key.ID && search.ContainedType(c.Type) == key.Type {
			inner = v
			inner.Key, inner.Body = key, c.Body
			return inner, true, nil
		}
	}
	return inner, false, nil
}

// containerOf is the key of the resource around a contained one.
func containerOf(k store.Key) store.Key {
	containerType, containerID, _ := search.ContainerOf(k.ID)
	return store.Key{Type: containerType, ID: containerID}
}

// readMany are the current versions of those that exist, contained ones included.
func (s *Service) readMany(v view, keys []store.Key) ([]store.Version, error) {
	var outer []store.Key
	inner := map[store.Key][]store.Key{} // by what is around them
	for _, k := range keys {
		if search.IsContained(k.Type) {
			inner[containerOf(k)] = append(inner[containerOf(k)], k)
		} else {
			outer = append(outer, k)
		}
	}
	found, err := v.ReadMany(outer)
	if err != nil || len(inner) == 0 {
		return found, err
	}
	containers, err := v.ReadMany(slices.Collect(maps.Keys(inner)))
	if err != nil {
		return nil, err
	}
	for _, container := range containers {
		for _, k := range inner[container.Key] {
			contained, ok, err := s.containedIn(container, k)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, contained)
			}
		}
	}
	return found, nil
}

// besides are the resources that a contained one refers to by the parameters of an include: what is beside it or around it, and
// others. What "#id" means is known to the resource around it only.
func (in *includer) besides(inc search.Include, v store.Version) (named []referent, err error) {
	containers, err := in.view.ReadMany([]store.Key{containerOf(v.Key)})
	if err != nil || len(containers) == 0 || containers[0].Damage != nil {
		return nil, err
	}
	subject, err := in.s.subject(containers[0])
	if err != nil {
		return nil, err
	}
	for _, c := range subject.Values.Contained {
		if c.ID != v.ID {
			continue
		}
		for _, param := range in.s.references(search.ResourceType(v.Type), inc.Param) {
			for _, ref := range c.Values.References {
				if ref.Param == param.Code && ref.Type != "" && (inc.Target == "" || inc.Target == search.ResourceType(ref.Type)) {
					named = append(named, referent{store.Key{Type: ref.Type, ID: ref.ID}, ref.Version})
				}
			}
		}
	}
	return named, nil
}
