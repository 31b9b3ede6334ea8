package mongo

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/search"
)

// Chains and _has are conditions on other resources. Where few of those hold, the condition becomes one on references to them or
// on the ids that they refer to. Where they are many, the resources asked for are walked in the order of the search, and the
// condition is tested for a batch of them at a time.

// maxInner is how many other resources are few.
const maxInner = 4000

// walkBatch is how many resources are tested at a time.
const walkBatch = 100

// rewrite replaces each Chain and Has of a filter; positive says whether more matches of it can only mean more of the filter.
func rewrite(f search.Filter, positive bool, replace func(link search.Filter, positive bool) (search.Filter, error)) (search.Filter, error) {
	list := func(parts []search.Filter) ([]search.Filter, error) {
		made := make([]search.Filter, len(parts))
		for i, part := range parts {
			var err error
			if made[i], err = rewrite(part, positive, replace); err != nil {
				return nil, err
			}
		}
		return made, nil
	}
	switch f := f.(type) {
	case search.Chain, search.Has:
		return replace(f, positive)
	case search.And:
		made, err := list(f)
		return search.And(made), err
	case search.Or:
		made, err := list(f)
		return search.Or(made), err
	case search.Not:
		made, err := rewrite(f.Filter, !positive, replace)
		return search.Not{Filter: made}, err
	}
	return f, nil
}

// follow replaces the chains and _has of which few resources hold. Links are those that are left in the filter, in order.
func (f finder) follow(filter search.Filter) (followed search.Filter, links []search.Filter, err error) {
	filter, err = f.withContained(ofType(filter, f.resourceType))
	if err != nil {
		return nil, nil, err
	}
	limit := maxInner
	if isShort(filter) {
		limit = walkBatch
	} else if limit, err = f.worthReading(filter); err != nil {
		return nil, nil, err
	}
	followed, err = rewrite(filter, true, func(link search.Filter, _ bool) (search.Filter, error) {
		if limit > 0 {
			few, ok, err := f.few(link, limit)
			if err != nil || ok {
				return few, err
			}
		}
		links = append(links, link)
		return link, nil
	})
	return followed, links, err
}

// worthReading is how many resources that a link is about are read before those asked for are tested: none where the conditions beside
// links leave a batch of these. For a _has, whose sources are read with all that they refer to, it looks.
func (f finder) worthReading(filter search.Filter) (int, error) {
	parts, _ := filter.(search.And)
	var own search.And
	sources := false
	for _, part := range parts {
		if search.HasLinks(part) {
			sources = sources || search.HasSources(part)
			continue
		}
		own = append(own, part)
	}
	if !sources || len(own) == 0 {
		return maxInner, nil
	}
	f.limit, f.keysOnly, f.withTerms, f.only, f.sorting = walkBatch+1, true, false, nil, sorting{unordered: true}
	p, err := f.planFor(own, nil)
	if err != nil || !p.bounded {
		return maxInner, err
	}
	n := 0
	for _, err := range f.run(own, nil) {
		if n++; err != nil || n > walkBatch {
			return maxInner, err
		}
	}
	return 0, nil
}

// ofType is what is left of a filter on resources of one type. What holds for other types only, as a policy says it of each, is not
// followed.
func ofType(filter search.Filter, resourceType string) search.Filter {
	list := func(parts []search.Filter) []search.Filter {
		left := make([]search.Filter, len(parts))
		for i, part := range parts {
			left[i] = ofType(part, resourceType)
		}
		return left
	}
	switch f := filter.(type) {
	case search.Type:
		if slices.Contains(f, resourceType) {
			return search.All{}
		}
		return search.None{}
	case search.And:
		return search.AllOf(list(f)...)
	case search.Or:
		return search.AnyOf(list(f)...)
	case search.Not:
		switch left := ofType(f.Filter, resourceType).(type) {
		case search.All:
			return search.None{}
		case search.None:
			return search.All{}
		default:
			return search.Not{Filter: left}
		}
	}
	return filter
}

// isShort says whether other conditions leave so few resources that these are better tested than many other resources read.
func isShort(filter search.Filter) bool {
	parts, ok := filter.(search.And)
	return ok && slices.ContainsFunc(parts, func(part search.Filter) bool {
		_, ids := part.(search.ID)
		return ids || isFew(part)
	})
}

// withContained lets chains lead into contained resources too, where there are any, and a _has on a contained resource to what is
// beside it.
func (f finder) withContained(filter search.Filter) (search.Filter, error) {
	return rewrite(filter, true, func(link search.Filter, _ bool) (search.Filter, error) {
		if has, ok := link.(search.Has); ok && search.IsContained(f.resourceType) {
			has.ByURL = false
			beside := has
			beside.Type = search.ContainedType(has.Type)
			return search.Or{has, beside}, nil
		}
		chain, ok := link.(search.Chain)
		if !ok {
			return link, nil
		}
		one := f
		one.limit, one.keysOnly, one.withTerms, one.only, one.sorting = 1, true, false, nil, sorting{unordered: true}
		for _, err := range one.run(search.Inside(chain.Param, chain.Type), nil) {
			inside := chain
			inside.Type, inside.ByURL = search.ContainedType(chain.Type), false
			return search.Or{chain, inside}, err
		}
		return chain, nil
	})
}

// few is the filter that a link amounts to; ok is false where more resources hold than the limit says.
func (f finder) few(link search.Filter, limit int) (few search.Filter, ok bool, err error) {
	switch link := link.(type) {
	case search.Chain:
		n := 0
		var targets search.Or
		for h, err := range f.inner(link.Type, link.Filter, limit+1) {
			if err != nil || n == limit {
				return nil, false, err
			}
			n++
			targets = append(targets, search.Reference{Param: link.Param, Type: link.Type, ID: h.position.id})
			if !link.ByURL {
				continue
			}
			if name, ok, err := naming(link.Param, h.document); err != nil {
				return nil, false, err
			} else if ok {
				targets = append(targets, name)
			}
		}
		return targets, true, nil
	case search.Has:
		n := 0
		var ids search.ID
		names := map[named]bool{}
		for h, err := range f.inner(link.Type, link.Filter, limit+1) {
			if err != nil || n == limit {
				return nil, false, err
			}
			n++
			ids = append(ids, targetsIn(h.document, link.Type, link.Param, f.resourceType)...)
			if !link.ByURL {
				continue
			}
			list, err := canonicalsIn(h.document, link.Param)
			if err != nil {
				return nil, false, err
			}
			for _, c := range list {
				names[c] = true
			}
		}
		few := search.Or{ids}
		for c := range names {
			few = append(few, search.Named(c.url, c.version))
		}
		return search.AnyOf(few...), true, nil
	}
	return nil, false, fmt.Errorf("a %T is no link", link)
}

// inner are resources of another type, with keys and terms only, in no order; one may come twice.
func (f finder) inner(resourceType string, filter search.Filter, limit int) iter.Seq2[hit, error] {
	other := finder{view: f.view, compiler: newCompiler(resourceType), limit: limit, keysOnly: true, withTerms: true}
	other.sorting = sorting{unordered: true}
	return other.find(filter, nil)
}

// targetsIn are the ids of the resources of a type that a document's reference parameter refers to; holder is the document's type.
func targetsIn(document bson.Raw, holder, param, resourceType string) (ids []string) {
	if other := twinOf(holder, param); other != "" && !slices.Contains(textsOf(document, "apart"), param) {
		param = other
	}
	begin := param + string(refersTo) + resourceType + "/"
	for _, text := range textsOf(document, "t") {
		if strings.HasPrefix(text, begin) {
			ids = append(ids, text[len(begin):])
		}
	}
	return ids
}

// textsOf is an array of texts among a document's index values.
func textsOf(document bson.Raw, name string) (texts []string) {
	list, _ := document.Lookup("index", name).ArrayOK()
	values, _ := list.Values()
	for _, value := range values {
		if text, ok := value.StringValueOK(); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// walk yields what a filter with links finds: it goes through what would match if the links did not count, in batches.
func (f finder) walk(filter search.Filter, links []search.Filter, after *position) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		wide, _ := rewrite(filter, true, func(_ search.Filter, positive bool) (search.Filter, error) {
			if positive {
				return search.All{}, nil
			}
			return search.None{}, nil
		})
		all := f
		all.limit, all.withTerms = 0, true
		t := tester{finder: f, filter: filter, links: links, until: time.Now().Add(f.searchTime())}
		var batch []hit
		flush := func() (more bool) {
			kept, err := t.test(batch)
			if err != nil {
				yield(hit{}, err)
				return false
			}
			for _, h := range batch {
				if kept[h.position.id] && !yield(h, nil) {
					return false
				}
			}
			batch = batch[:0]
			return true
		}
		for h, err := range all.ordered(wide, after) {
			if err != nil {
				yield(hit{}, err)
				return
			}
			h.document = slices.Clone(h.document)
			batch = append(batch, h)
			if len(batch) == walkBatch && !flush() {
				return
			}
		}
		if len(batch) > 0 {
			flush()
		}
	}
}

// tester decides for batches of resources whether a filter with links holds.
type tester struct {
	finder
	filter search.Filter
	links  []search.Filter
	until  time.Time
}

func (t tester) test(batch []hit) (kept map[string]bool, err error) {
	if time.Now().After(t.until) {
		return nil, fmt.Errorf("%w: too many resources of type %s are to be followed", store.ErrTooCostly, t.resourceType)
	}
	held := make([]map[string]bool, len(t.links))
	for i, link := range t.links {
		if held[i], err = t.holding(link, batch); err != nil {
			return nil, err
		}
	}
	if len(held) == 1 && t.isConjunct() {
		return held[0], nil
	}
	return t.combined(batch, held)
}

// isConjunct says whether the one link is a part of a conjunction: then it alone decides about what was found without it.
func (t tester) isConjunct() bool {
	switch f := t.filter.(type) {
	case search.Chain, search.Has:
		return true
	case search.And:
		return slices.ContainsFunc(f, func(part search.Filter) bool {
			switch part.(type) {
			case search.Chain, search.Has:
				return true
			}
			return false
		})
	}
	return false
}

// combined asks for those of the batch for which the filter holds, with what is known of the links in their place.
func (t tester) combined(batch []hit, held []map[string]bool) (kept map[string]bool, err error) {
	ids := make(search.ID, len(batch))
	for i, h := range batch {
		ids[i] = h.position.id
	}
	i := 0
	known, _ := rewrite(t.filter, true, func(search.Filter, bool) (search.Filter, error) {
		var holds search.ID
		for id := range held[i] {
			holds = append(holds, id)
		}
		i++
		return holds, nil
	})
	f := t.finder
	f.limit, f.keysOnly, f.withTerms, f.sorting = 0, true, false, sorting{unordered: true}
	kept = map[string]bool{}
	for h, err := range f.run(search.And{ids, known}, nil) {
		if err != nil {
			return nil, err
		}
		kept[h.position.id] = true
	}
	return kept, nil
}

// holding are those of the batch for which a link holds.
func (t tester) holding(link search.Filter, batch []hit) (holds map[string]bool, err error) {
	switch link := link.(type) {
	case search.Chain:
		return t.chained(link, batch)
	case search.Has:
		return t.referredTo(link, batch)
	}
	return nil, fmt.Errorf("a %T is no link", link)
}

// chained are those that refer to a resource for which the chain's filter holds.
func (t tester) chained(link search.Chain, batch []hit) (map[string]bool, error) {
	holds := map[string]bool{}
	from := map[string][]string{} // ids that refer to a target
	var targets search.ID
	byURL := called{} // by those of the batch
	for _, h := range batch {
		for _, target := range targetsIn(h.document, t.resourceType, link.Param, link.Type) {
			if from[target] == nil {
				targets = append(targets, target)
			}
			from[target] = append(from[target], h.position.id)
		}
		if !link.ByURL {
			continue
		}
		list, err := canonicalsIn(h.document, link.Param)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			byURL.add(c, h.position.id)
		}
	}
	candidates := search.Or{targets}
	for url := range byURL {
		candidates = append(candidates, search.Named(url, ""))
	}
	for h, err := range t.inner(link.Type, search.And{search.AnyOf(candidates...), link.Filter}, 0) {
		if err != nil {
			return nil, err
		}
		for _, id := range from[h.position.id] {
			holds[id] = true
		}
		if len(byURL) == 0 {
			continue
		}
		own, _, err := ownName(h.document)
		if err != nil {
			return nil, err
		}
		for _, c := range byURL[own.url] {
			if c.names(own) {
				holds[c.id] = true
			}
		}
	}
	return holds, nil
}

// referredTo are those that a resource refers to for which the filter of a _has holds.
func (t tester) referredTo(link search.Has, batch []hit) (map[string]bool, error) {
	holds := map[string]bool{}
	left := map[string]bool{} // those of the batch that nothing was found for yet
	var refers search.Or
	byURL := called{} // those of the batch
	for _, h := range batch {
		refers = append(refers, search.Reference{Param: link.Param, Type: t.resourceType, ID: h.position.id})
		left[h.position.id] = true
		if !link.ByURL {
			continue
		}
		name, ok, err := naming(link.Param, h.document)
		if err != nil {
			return nil, err
		}
		if ok {
			refers = append(refers, name)
			byURL.add(named{name.URL, name.Version}, h.position.id)
		}
	}
	for h, err := range t.inner(link.Type, search.And{refers, link.Filter}, 0) {
		if err != nil {
			return nil, err
		}
		for _, id := range targetsIn(h.document, link.Type, link.Param, t.resourceType) {
			holds[id] = true
			delete(left, id)
		}
		if len(left) == 0 {
			return holds, nil
		}
		if len(byURL) == 0 {
			continue
		}
		list, err := canonicalsIn(h.document, link.Param)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			for _, own := range byURL[c.url] {
				if c.names(own.named) {
					holds[own.id] = true
				}
			}
		}
	}
	return holds, nil
}
