package resources

import (
	"bytes"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"fhirside/fhir"
)

// bundleLinks are what the entries of a transaction call each other and resources outside of it (bundle.html#references,
// http.html#trules).
type bundleLinks struct {
	entries     []*bundleEntry // per write
	fullURLs    map[string]int // the entry.fullUrl of each create, update and patch, and the write's position
	roots       []string       // per write: the base URL of its own fullUrl, which its relative references are relative to
	links       [][]link       // per write
	conditional []conditionalLink
	known       map[string]bool // the texts of conditional
	versioned   map[int]bool    // the writes that links name a version of
	outside     bool            // links may name what is not in the Bundle, as in the history of another server
	batch       bool            // it is no transaction: links between entries are refused
}

// newBundleLinks are those of the entries that write something; the others, and nil ones, are left out.
func newBundleLinks(entries []*bundleEntry) (*bundleLinks, error) {
	b := &bundleLinks{fullURLs: make(map[string]int, len(entries)), known: map[string]bool{}, versioned: map[int]bool{}}
	for _, e := range entries {
		if e == nil || !e.writes() {
			continue
		}
		if e.fullURL != "" && e.method != http.MethodDelete && e.target.operation == "" {
			if _, twice := b.fullURLs[e.fullURL]; twice {
				return nil, in(e.at, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the fullUrl %s occurs twice in the Bundle", clip(e.fullURL)))
			}
			b.fullURLs[e.fullURL] = len(b.entries)
		}
		b.entries = append(b.entries, e)
	}
	return b, nil
}

// newBatchLinks hold only how the entries of a batch are called, by URNs, which nothing outside of it can mean.
func newBatchLinks(list []fhir.Element) *bundleLinks {
	b := &bundleLinks{fullURLs: map[string]int{}, batch: true}
	for i, e := range list {
		if name := e.Get("fullUrl").Text(); isURN(name) && e.Get("resource").Exists() {
			b.fullURLs[name] = i
		}
	}
	return b
}

// isURN says whether a reference names a resource by its UUID or OID, as the entries of Bundles are called.
func isURN(reference string) bool {
	return strings.HasPrefix(reference, "urn:uuid:") || strings.HasPrefix(reference, "urn:oid:")
}

// refuseLinks refuses references of a batch's entry to others (http.html#brules): stored as they are, they would lead nowhere.
func (b *bundleLinks) refuseLinks(w *write) error {
	if len(b.fullURLs) == 0 || w.sent == nil {
		return nil
	}
	for _, l := range linksOf(w.sent) {
		if text := l.element.Text(); l.kind == isReference && b.has(text) {
			return betweenEntries(text).At(l.path())
		}
	}
	return nil
}

func (b *bundleLinks) has(fullURL string) bool {
	_, ok := b.fullURLs[fullURL]
	return ok
}

func betweenEntries(name string) *fhir.Error {
	return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "%s is another entry of the batch, and only in a transaction do entries refer to each other", clip(name))
}

// add takes in the next write.
func (b *bundleLinks) add(w *write) {
	b.roots = append(b.roots, fhir.ParseReference(b.entries[len(b.roots)].fullURL).Base)
	var links []link
	if w.sent != nil {
		links = linksOf(w.sent)
	}
	b.links = append(b.links, links)
}

// resolved is the resource with its links to other entries, and its conditional references, replaced by what they turned out
// to be: "Patient/1".
func (b *bundleLinks) resolved(i int, writes []*write, ids identities) (*fhir.Resource, []link, error) {
	return b.resolvedIn(writes[i].sent, b.links[i], b.roots[i], writes, ids)
}

// resolvedIn does it in a resource whose relative references are relative to root.
func (b *bundleLinks) resolvedIn(r *fhir.Resource, links []link, root string, writes []*write, ids identities) (*fhir.Resource, []link, error) {
	ed, changed := r.Edit(), false
	for i, l := range links {
		if l.kind == isNarrative && !mayLink(l.element.Raw()) {
			continue
		}
		text := l.element.Text()
		after := b.replaced(l, root, func(text string, kind linkKind) (string, bool) {
			if at, versioned, ok := b.entryOf(text, kind, root); ok {
				return ids.target(at, writes[at], versioned || l.pin.Exists()), true
			}
			target, ok := ids.references[text]
			return target, ok && kind == isReference
		})
		if after == text {
			continue
		}
		ed.Replace(l.element, fhir.Quote(after))
		if l.pin.Exists() {
			ed.Remove(l.pin)
		}
		if !changed {
			links, changed = slices.Clone(links), true // those of the write stay: the commit may run again
		}
		links[i].resolved = after
	}
	if !changed {
		return r, links, nil
	}
	out, err := ed.Apply()
	return out, links, err
}

// replaced is the text of a link, or of the narrative that holds links, with what they are replaced by.
func (b *bundleLinks) replaced(l link, root string, replacement func(string, linkKind) (string, bool)) string {
	text := l.element.Text()
	if l.kind == isNarrative {
		return narrativeLinks(text, replacement)
	}
	if after, ok := replacement(text, l.kind); ok {
		return after
	}
	return text
}

// entryOf is the position of the write whose fullUrl a link names, perhaps with a version behind it. Which one does not matter:
// what the version becomes is known to the server alone. R4 replaces every element of type uri; but where the fullUrl is the url by which
// canonicals name the resource, only references mean the entry: its url, and the url of an extension, are to stay.
func (b *bundleLinks) entryOf(text string, kind linkKind, root string) (at int, versioned, ok bool) {
	at, versioned, ok = b.named(text, kind, root)
	if ok && kind != isReference {
		e := b.entries[at]
		ok = e.resource == nil || !e.resource.Get("url").Is(e.fullURL)
	}
	return at, versioned, ok
}

func (b *bundleLinks) named(text string, kind linkKind, root string) (at int, versioned, ok bool) {
	if at, ok = b.fullURLs[text]; ok {
		return at, false, true
	}
	url, version, versioned := strings.Cut(text, versionInfix)
	if versioned = versioned && fhir.ValidID(version); versioned {
		if at, ok = b.fullURLs[url]; ok {
			return at, true, true
		}
	} else {
		url = text
	}
	if kind == isReference && root != "" && fhir.ParseReference(url).Type != "" {
		at, ok = b.fullURLs[root+"/"+url]
	}
	return at, versioned, ok
}

// versionInfix is between a resource's URL and that of its version.
const versionInfix = "/_history/"

// settle finds the entries that links name a version of, once all writes are added.
func (b *bundleLinks) settle() {
	for i, links := range b.links {
		for _, l := range links {
			if !l.pin.Exists() && !bytes.Contains(l.element.Raw(), []byte(versionInfix)) {
				continue
			}
			b.replaced(l, b.roots[i], func(text string, kind linkKind) (string, bool) {
				if at, versioned, ok := b.entryOf(text, kind, b.roots[i]); ok && (versioned || l.pin.Exists()) {
					b.versioned[at] = true
				}
				return "", false
			})
		}
	}
}

// narrativeAttribute is a link or an image source in XHTML.
var narrativeAttribute = regexp.MustCompile(`\s(?:href|src)\s*=\s*("[^"]*"|'[^']*')`)

// mayLink says whether there can be such an attribute in a text.
func mayLink(xhtml []byte) bool {
	return bytes.Contains(xhtml, []byte("href")) || bytes.Contains(xhtml, []byte("src"))
}

func narrativeLinks(xhtml string, replacement func(string, linkKind) (string, bool)) string {
	return narrativeAttribute.ReplaceAllStringFunc(xhtml, func(attribute string) string {
		start := strings.IndexAny(attribute, `"'`)
		target, ok := replacement(html.UnescapeString(attribute[start+1:len(attribute)-1]), isNarrative)
		if !ok {
			return attribute
		}
		return attribute[:start+1] + html.EscapeString(target) + attribute[len(attribute)-1:]
	})
}
