package scope_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fhirside/search"
)

// asker makes random requests.
type asker struct {
	maker
	c      caller
	single map[string]bool // records that one house has only
	check  bool            // references are checked
}

// next is a request of a caller.
func (q asker) next() ask {
	switch {
	case q.c.writes && q.one(3):
		return q.write()
	case q.one(12):
		return q.bundle()
	}
	return q.read()
}

// kind is a type of records, often one that the scopes name.
func (q asker) kind() string {
	if named := granted.FindAllStringSubmatch(q.c.scopes, -1); named != nil && q.one(2) {
		return pick(q.Rand, named...)[1]
	}
	return kinds[q.IntN(len(kinds))].name
}

var granted = regexp.MustCompile(`/([A-Z][A-Za-z]*)\.`)

func (q asker) key() (kind, id string) {
	kind = q.kind()
	if q.one(12) {
		return kind, "nobody"
	}
	return kind, pick(q.Rand, idsOf(kind)...)
}

func (q asker) read() ask {
	kind, id := q.key()
	at := kind + "/" + id
	switch q.IntN(16) {
	case 0:
		return ask{method: "GET", path: at, header: q.condition()}
	case 1:
		return ask{method: pick(q.Rand, "GET", "HEAD"), path: fmt.Sprintf("%s/_history/%d", at, 1+q.IntN(4)), header: q.condition()}
	case 2:
		return ask{method: "GET", path: at + "/_history" + q.historyQuery()}
	case 3:
		return ask{method: "GET", path: pick(q.Rand, kind+"/_history", "_history") + q.historyQuery()}
	case 4:
		return ask{method: "GET", path: pick(q.Rand, at, kind, "", at+"/_history/1") + "/$meta"}
	case 5:
		return ask{method: "GET", path: fmt.Sprintf("%s/%s/%s?%s", pick(q.Rand, "Patient", "Practitioner", "Encounter", "Device", "RelatedPerson"), id, pick(q.Rand, kind, "*"), q.query(kind))}
	case 6:
		return ask{method: "GET", path: "?_type=" + kind + "," + q.kind() + "&" + q.query("")}
	case 7:
		return ask{method: "POST", path: kind + "/_search", body: q.query(kind), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	}
	return ask{method: "GET", path: kind + "?" + q.query(kind)}
}

func (q asker) condition() map[string]string {
	switch q.IntN(6) {
	case 0:
		return map[string]string{"If-None-Match": fmt.Sprintf(`W/"%d"`, 1+q.IntN(3))}
	case 1:
		return map[string]string{"If-Modified-Since": "Sun, 01 Mar 2026 09:00:00 GMT"}
	case 2:
		return map[string]string{"Accept": "text/plain"}
	}
	return nil
}

func (q asker) historyQuery() string {
	switch q.IntN(6) {
	case 0:
		return "?_count=" + strconv.Itoa(q.IntN(4))
	case 1:
		return "?_since=2026-03-01T09:30:00Z"
	case 2:
		return "?_at=2026-03-01T" + pick(q.Rand, "08:00", "09:00", "09")
	case 3:
		return "?_list=" + pick(q.Rand, idsOf("List")...)
	}
	return ""
}

// query is a random search of a type; of all where that is empty.
func (q asker) query(kind string) string {
	var parts []string
	for range q.IntN(3) {
		parts = append(parts, q.param(kind, 0))
	}
	for range q.IntN(3) {
		parts = append(parts, q.shaping(kind))
	}
	return strings.Join(slices.Compact(parts), "&")
}

func (q asker) params(kind string) []*search.Param { return search.R4().Params(kind) }

func (q asker) param(kind string, depth int) string {
	if kind == "" {
		return pick(q.Rand, "_id="+q.anyID(), "_tag="+pick(q.Rand, "shown", "other", "alice", "bob"), "_lastUpdated=gt2026-03-01T09:00:00Z", "_security=R")
	}
	switch {
	case q.one(10):
		return q.special(kind)
	case q.one(8) && depth < 2:
		source := q.kind()
		refs := q.references(source, kind)
		if len(refs) == 0 {
			return "_id=" + q.anyID()
		}
		inner := q.param(source, depth+1)
		return "_has:" + source + ":" + pick(q.Rand, refs...).Code + ":" + inner
	}
	p := pick(q.Rand, q.params(kind)...)
	if p.Type == search.TypeReference && q.one(2) && depth < 2 {
		target := q.kind()
		if len(p.Targets) > 0 {
			target = pick(q.Rand, p.Targets...)
		}
		if idsOf(target) != nil {
			return p.Code + ":" + target + "." + q.param(target, depth+1)
		}
	}
	return q.value(p)
}

func (q asker) references(source, target string) (refs []*search.Param) {
	for _, p := range q.params(source) {
		if p.Type == search.TypeReference && (len(p.Targets) == 0 || slices.Contains(p.Targets, target)) {
			refs = append(refs, p)
		}
	}
	return refs
}

func (q asker) anyID() string { _, id := q.key(); return id }

func (q asker) special(kind string) string {
	switch q.IntN(5) {
	case 0:
		return "_list=" + pick(q.Rand, idsOf("List")...)
	case 1:
		return "_filter=" + url.QueryEscape(q.filter(kind))
	case 2:
		return "_contained=" + pick(q.Rand, "true", "both") + "&_containedType=" + pick(q.Rand, "container", "contained")
	case 3:
		return "_lastUpdated=" + pick(q.Rand, "gt", "lt") + "2026-03-01T" + pick(q.Rand, "08:00", "09:00", "09") + ":00Z"
	}
	return "_id=" + q.anyID() + "," + q.anyID()
}

func (q asker) filter(kind string) string {
	p := pick(q.Rand, q.params(kind)...)
	if p.Type == search.TypeReference && len(p.Targets) > 0 {
		target := pick(q.Rand, p.Targets...)
		in := pick(q.Rand, q.params(target)...)
		return fmt.Sprintf(`not (%s:%s.%s eq "%s")`, p.Code, target, in.Code, pick(q.Rand, "a", "male", "1", "Adams"))
	}
	return fmt.Sprintf(`%s %s "%s" or not (%s pr true)`, p.Code, pick(q.Rand, "eq", "ne", "gt", "co", "sw"), pick(q.Rand, "a", "male", "1", "Adams", "2022"), p.Code)
}

func (q asker) value(p *search.Param) string {
	if q.one(12) {
		return p.Code + ":missing=" + pick(q.Rand, "true", "false")
	}
	switch p.Type {
	case search.TypeToken:
		return p.Code + pick(q.Rand, "", "", "", ":not", ":text", ":in") + "=" + url.QueryEscape(pick(q.Rand, "a", "b", "http://code|c", "male", "female", "final", "laboratory", "1", "http://id|", "ValueSet/vt0", "http://vs/1", "One", "active"))
	case search.TypeReference:
		target := q.kind()
		if len(p.Targets) > 0 {
			target = pick(q.Rand, p.Targets...)
		}
		id := "x"
		if ids := idsOf(target); ids != nil {
			id = pick(q.Rand, ids...)
		}
		switch q.IntN(8) {
		case 0:
			return p.Code + ":identifier=http://id|" + pick(q.Rand, "1", "2")
		case 1:
			return p.Code + ":" + target + "=" + id
		case 2:
			return p.Code + pick(q.Rand, ":below=", ":above=") + target + "/" + id
		}
		return p.Code + "=" + target + "/" + id
	case search.TypeDate:
		return p.Code + "=" + pick(q.Rand, "", "ge", "lt", "ne") + pick(q.Rand, "2022", "2023-02", "2021-01-10", "1980-02-02")
	case search.TypeString:
		return p.Code + pick(q.Rand, "", ":exact", ":contains") + "=" + pick(q.Rand, "A", "Adams", "Bea", "o")
	case search.TypeQuantity, search.TypeNumber:
		return p.Code + "=" + pick(q.Rand, "gt0", "1", "lt2")
	case search.TypeURI:
		return p.Code + "=http://vs/1"
	}
	return p.Code + "=http://code|a$1"
}

func (q asker) shaping(kind string) string {
	sortable := "_lastUpdated"
	if kind != "" {
		sortable = pick(q.Rand, q.params(kind)...).Code
	}
	switch q.IntN(9) {
	case 0, 1:
		return "_sort=" + pick(q.Rand, "", "-") + pick(q.Rand, sortable, "_lastUpdated", "_id")
	case 2:
		return "_total=" + pick(q.Rand, "accurate", "none", "estimate")
	case 3:
		return "_summary=" + pick(q.Rand, "count", "true", "data")
	case 4, 5:
		return "_include" + pick(q.Rand, "", ":iterate") + "=" + q.include(kind)
	case 6:
		source := q.kind()
		return "_revinclude" + pick(q.Rand, "", ":iterate") + "=" + q.include(source)
	}
	return "_count=" + strconv.Itoa(q.IntN(4))
}

func (q asker) include(kind string) string {
	if kind == "" || q.one(6) {
		return "*"
	}
	var codes []string
	for _, p := range q.params(kind) {
		if p.Type == search.TypeReference {
			codes = append(codes, p.Code)
		}
	}
	return kind + ":" + pick(q.Rand, append(codes, "*")...)
}

// target is a record that may be written to: one of which both houses have some version, or none.
func (q asker) target() (kind, id string) {
	for {
		if kind, id = q.key(); !q.single[kind+"/"+id] {
			return kind, id
		}
	}
}

const jsonPatch = "application/json-patch+json"

func (q asker) write() ask {
	kind, id := q.target()
	owner := pick(q.Rand, people...)
	header := map[string]string{}
	if q.one(4) {
		header[pick(q.Rand, "If-Match", "If-None-Match")] = pick(q.Rand, `W/"1"`, `W/"2"`, "*")
	}
	if q.one(3) {
		header["Prefer"] = "return=" + pick(q.Rand, "minimal", "OperationOutcome")
	}
	deletes := !q.check
	switch q.IntN(9) {
	case 0, 1:
		return ask{"PUT", kind + "/" + id, q.record(kind, id, owner), header}
	case 2:
		if q.one(2) {
			header["If-None-Exist"] = q.param(kind, 0)
		}
		return ask{"POST", kind, q.record(kind, "x", owner), header}
	case 3, 4:
		header["Content-Type"] = jsonPatch
		return ask{"PATCH", kind + "/" + id, q.patch(owner), header}
	case 5:
		if deletes {
			return ask{"DELETE", kind + "/" + id, "", header}
		}
	case 6:
		if deletes && q.one(2) {
			return ask{"DELETE", kind + "?" + q.param(kind, 0), "", header}
		}
		header["Content-Type"] = jsonPatch
		return ask{"PATCH", kind + "?" + q.param(kind, 0), q.patch(owner), header}
	case 7:
		body := strings.Replace(q.record(kind, "gone", owner), `"id":"gone",`, "", 1)
		return ask{"PUT", kind + "?" + q.param(kind, 0), body, header}
	}
	return q.bundle()
}

func (q asker) patch(owner string) string {
	return pick(q.Rand,
		`[{"op":"add","path":"/language","value":"de"}]`,
		`[{"op":"replace","path":"/subject","value":{"reference":"Patient/`+owner+`"}}]`,
		`[{"op":"replace","path":"/status","value":"amended"}]`,
		`[{"op":"remove","path":"/identifier"}]`,
		`[{"op":"test","path":"/id","value":"x"}]`,
		`[{"op":"add","path":"/meta/tag","value":[{"code":"shown"}]}]`,
		`[{"op":"add","path":"/category","value":[{"coding":[{"system":"http://category","code":"laboratory"}]}]}]`,
		`[{"op":"copy","from":"/valueString","path":"/status"}]`,
	)
}

// bundle is a batch or transaction of some requests.
func (q asker) bundle() ask {
	var entries []any
	kind := pick(q.Rand, "batch", "transaction")
	for range 1 + q.IntN(4) {
		a := q.read()
		if q.c.writes && q.one(2) {
			a = q.write()
		}
		if a.path == "" || a.method == "POST" && strings.Contains(a.path, "_search") || strings.HasPrefix(a.body, `{"resourceType":"Bundle"`) {
			continue
		}
		request := object{"method": a.method, "url": a.path}
		entry := object{"request": request}
		for from, to := range map[string]string{"If-Match": "ifMatch", "If-None-Match": "ifNoneMatch", "If-None-Exist": "ifNoneExist"} {
			if v := a.header[from]; v != "" {
				request[to] = v
			}
		}
		switch {
		case a.method == "PATCH":
			text, _ := json.Marshal([]byte(a.body))
			entry["resource"] = json.RawMessage(`{"resourceType":"Binary","contentType":"application/json-patch+json","data":` + string(text) + `}`)
		case a.body != "":
			body := a.body
			if q.one(3) { // a conditional reference
				body = strings.Replace(body, `"reference":"Patient/`, `"reference":"Patient?identifier=`, 1)
				body = strings.NewReplacer("identifier=alice", "identifier=1", "identifier=bob", "identifier=2", "identifier=carol", "identifier=3").Replace(body)
			}
			entry["resource"] = json.RawMessage(body)
		}
		entries = append(entries, entry)
	}
	return ask{"POST", "", bundleOf(kind, entries), map[string]string{"Prefer": pick(q.Rand, "return=minimal", "return=representation", "return=OperationOutcome")}}
}
