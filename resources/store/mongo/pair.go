package mongo

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/search"
	"fhirside/search/index"
)

// pair stands for an owner (a patient, a schedule, …) and a code together: 128 bits of a hash of both. Nobody can make two that are
// equal, so a document that has the pair has both terms, and a search need not ask for them.
type pair [16]byte

func pairOf(ownerTerm, codeTerm string) (p pair) {
	sum := sha256.Sum256([]byte(ownerTerm + "\x00" + codeTerm))
	copy(p[:], sum[:])
	return p
}

// pairsOf are the pairs of a resource.
func pairsOf(v index.Values) (pairs []pair) {
	for _, r := range v.References {
		if !owners[r.Param] || r.Type == "" {
			continue
		}
		owner := ownerTerm(r.Param, r.Type, r.ID)
		for _, e := range v.Tokens {
			if isPaired(e.Param) {
				pairs = append(pairs, pairOf(owner, codeTerm(e.Param, e.Code, e.Fold)))
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(pairs)
}

func ownerTerm(param, resourceType, id string) string {
	return term(param, refersTo, targetOf(resourceType, id, ""))
}

// reading is a parameter whose entries a condition looks at: its own, or those of the one that it is a twin of, in documents where it
// is not apart.
type reading struct{ param, unlessApart string }

func (c compiler) readings(param string) []reading {
	list := []reading{{param: param}}
	if other := twinOf(c.resourceType, param); other != "" {
		list = append(list, reading{other, param})
	}
	return list
}

// maxPairs bounds the pairs of one condition.
const maxPairs = 1000

// pairing is a condition on an owner and one on codes as one on pairs.
type pairing struct {
	owner, codes int      // which parts of the conjunction
	match        []bson.D // instead of them
}

// pairAmong finds an owner and codes among the parts of a conjunction, codes that are not broad before those that are; nil where there
// are none.
func (c compiler) pairAmong(parts []condition) *pairing {
	owner, codes := -1, -1
	for i, part := range parts {
		switch {
		case ownersOf(part.filter) != nil:
			if owner < 0 {
				owner = i
			}
		case pairedTokens(part.filter) != nil:
			if codes < 0 || isBroad[paramOf(parts[codes].filter)] && !isBroad[paramOf(part.filter)] {
				codes = i
			}
		}
	}
	if owner < 0 || codes < 0 {
		return nil
	}
	match := c.pairMatch(ownersOf(parts[owner].filter), pairedTokens(parts[codes].filter))
	if match == nil {
		return nil
	}
	return &pairing{owner, codes, match}
}

// pairMatch are the conditions on documents that have one of the owners and one of the tokens: the pairs, by which an index finds
// them, and where that is not all, what else must hold.
func (c compiler) pairMatch(refs []search.Reference, tokens []search.Token) []bson.D {
	var all bson.A
	var alternatives []bson.D
	exact := true // the pairs alone decide
	for _, of := range c.readings(refs[0].Param) {
		for _, in := range c.readings(tokens[0].Param) {
			var apart bson.A
			for _, r := range []reading{of, in} {
				if r.unlessApart != "" {
					apart = append(apart, r.unlessApart)
				}
			}
			for _, t := range tokens {
				var pairs bson.A
				for _, ref := range refs {
					p := pairOf(ownerTerm(of.param, ref.Type, ref.ID), codeTerm(in.param, t.Code, t.Fold))
					pairs = append(pairs, bson.Binary{Data: p[:]})
				}
				all = append(all, pairs...)
				alternative := d(pairsPath, d("$in", pairs))
				if !t.AnySystem {
					alternative = append(alternative, bson.E{Key: tokensPath, Value: wholeToken(in.param, t.System, t.Code, t.Fold)})
				}
				if apart != nil {
					alternative = append(alternative, bson.E{Key: apartPath, Value: d("$nin", apart)})
				}
				exact = exact && len(alternative) == 1
				alternatives = append(alternatives, alternative)
			}
		}
	}
	if len(all) > maxPairs {
		return nil
	}
	found := d(pairsPath, d("$in", all))
	if len(all) == 1 {
		found = d(pairsPath, all[0])
	}
	if exact {
		return []bson.D{found}
	}
	if len(alternatives) == 1 {
		return []bson.D{append(found, alternatives[0][1:]...)}
	}
	return []bson.D{found, anyOf(alternatives)}
}

// ownersOf are the references of a condition on an owner: one or several of the same parameter; nil for any other condition.
func ownersOf(f search.Filter) (refs []search.Reference) {
	leaves, isOr := f.(search.Or)
	if !isOr {
		leaves = search.Or{f}
	}
	for _, leaf := range leaves {
		r, ok := leaf.(search.Reference)
		if !ok || !owners[r.Param] || r.Type == "" || r.Version != "" || len(refs) > 0 && refs[0].Param != r.Param {
			return nil
		}
		refs = append(refs, r)
	}
	return refs
}

// pairedTokens are the tokens of a condition on codes that are paired with owners; nil for any other condition.
func pairedTokens(f search.Filter) (tokens []search.Token) {
	leaves, isOr := f.(search.Or)
	if !isOr {
		leaves = search.Or{f}
	}
	for _, leaf := range leaves {
		t, ok := leaf.(search.Token)
		if !ok || !isPaired(t.Param) || t.AnyCode || len(tokens) > 0 && tokens[0].Param != t.Param {
			return nil
		}
		tokens = append(tokens, t)
	}
	return tokens
}
