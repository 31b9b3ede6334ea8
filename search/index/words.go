package index

import (
	"html"
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/search"
)

// What _content leaves out: links, keys and binary data, which nobody looks for by their words.
var wordless = []string{
	"resourceType", "id", "reference", "url", "system", "versionId", "lastUpdated", "source", "profile", "fullUrl", "contentType", "data", "hash",
}

// words appends the words of the narrative for _text, and those of all texts and codes for _content; contained resources have
// theirs in it.
func (rd *reader) words(resource fhir.Element, v *Values) {
	w := wordList{param: rd.name, seen: map[string]bool{}, values: v}
	if rd.name == "_text" {
		w.addMarkup(resource.Get("text").Get("div").Text())
		return
	}
	w.addAll(resource)
}

// wordList appends each word once.
type wordList struct {
	param  string
	seen   map[string]bool
	values *Values
}

func (w *wordList) addAll(e fhir.Element) {
	for member := range e.Children() {
		name := member.Name()
		if slices.Contains(wordless, name) {
			continue
		}
		for x := range member.Each() {
			switch {
			case x.Kind() == fhir.Object:
				w.addAll(x)
			case x.Kind() == fhir.String && name == "div":
				w.addMarkup(x.Text())
			case x.Kind() == fhir.String:
				w.add(x.Text())
			}
		}
	}
}

// inline are the elements of narratives that may stand within a word.
var inline = []string{"a", "abbr", "acronym", "b", "big", "bdo", "cite", "code", "dfn", "em", "i", "kbd", "q", "samp", "small", "span", "strong", "sub", "sup", "tt", "var"}

// addMarkup adds the text of XHTML: what is not within tags.
func (w *wordList) addMarkup(xhtml string) {
	var text strings.Builder
	for xhtml != "" {
		before, rest, _ := strings.Cut(xhtml, "<")
		text.WriteString(before)
		var tag string
		tag, xhtml, _ = strings.Cut(rest, ">")
		if name := strings.Fields(strings.Trim(tag, "/")); len(name) == 0 || !slices.Contains(inline, name[0]) {
			text.WriteByte(' ')
		}
	}
	w.add(html.UnescapeString(text.String()))
}

func (w *wordList) add(text string) {
	for _, word := range search.Words(text) {
		if !w.seen[word] {
			w.seen[word] = true
			w.values.Strings = append(w.values.Strings, String{Param: w.param, Folded: word, Part: true})
		}
	}
}
