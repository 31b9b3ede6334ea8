package resttest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"fhirside/resources/store"
)

// page is what the paging tests look at.
type page struct {
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Response struct{ ETag string }
		Search   struct{ Mode string }
	}
}

func (p page) link(relation string) string {
	for _, l := range p.Link {
		if l.Relation == relation {
			return l.URL
		}
	}
	return ""
}

func get(t *testing.T, url string) (p page, status int) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return decodePage(t, response)
}

func decodePage(t *testing.T, response *http.Response) (p page, status int) {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return p, response.StatusCode
}

// pages follows next to the end; each page must have the same total.
func pages(t *testing.T, first string) (all []string, self []string) {
	t.Helper()
	for at, n := first, 0; at != ""; n++ {
		if n > 100 {
			t.Fatal("the pages have no end")
		}
		p, status := get(t, at)
		if status != http.StatusOK {
			t.Fatalf("%s: status %d", at, status)
		}
		for _, e := range p.Entry {
			all = append(all, e.FullURL+e.Response.ETag)
		}
		self = append(self, p.link("self"))
		if strings.Contains(p.link("next"), "code=") {
			t.Errorf("the next link shows the criteria: %s", p.link("next"))
		}
		at = p.link("next")
	}
	return all, self
}

func send(t *testing.T, method, url, body string, header ...string) int {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// RunPaging checks that pages together are the whole, whatever their size, and that cursors are sealed.
func RunPaging(t *testing.T, open func(t *testing.T) store.Store) {
	st := open(t)
	t.Cleanup(func() { st.Close() })
	base := Serve(t, st)
	var entries []string
	for i := range 23 {
		entries = append(entries, entry("PUT", fmt.Sprintf("Observation/o%d", i),
			fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","status":"final","code":{"text":"c","coding":[{"code":"k"}]},"effectiveDateTime":"2020-01-%02d"}`, i, 1+i%7)))
	}
	if status := send(t, "POST", base, bundleOf("transaction", strings.Join(entries, ","))); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	whole, _ := pages(t, base+"/Observation?code=k&_count=50")
	if len(whole) != 23 {
		t.Fatalf("%d found, want 23", len(whole))
	}
	t.Run("searches", func(t *testing.T) {
		for _, sort := range []string{"", "&_sort=date", "&_sort=-date", "&_sort=_id"} {
			want, _ := pages(t, base+"/Observation?code=k&_count=50"+sort)
			for _, size := range []int{1, 4, 10, 22, 23} {
				got, selves := pages(t, fmt.Sprintf("%s/Observation?code=k&_count=%d%s", base, size, sort))
				if !slices.Equal(got, want) {
					t.Errorf("pages of %d%s: got %v, want %v", size, sort, got, want)
				}
				again, _ := get(t, selves[len(selves)-1])
				if len(again.Entry) == 0 || again.Entry[len(again.Entry)-1].FullURL != want[len(want)-1] {
					t.Errorf("pages of %d%s: the last page's self link is another page", size, sort)
				}
			}
		}
	})
	t.Run("backwards", func(t *testing.T) {
		for _, path := range []string{"/Observation?code=k&_sort=-date&_count=4", "/Observation?code=k&_count=4", "/_history?_count=4", "/Observation?code=k&_count=1"} {
			checkWayBack(t, base+path)
		}
	})
	t.Run("totals", func(t *testing.T) {
		for at := base + "/Observation?code=k&_count=9"; at != ""; {
			p, _ := get(t, at)
			if p.Total == nil || *p.Total != 23 {
				t.Errorf("%s: total %v, want 23", at, p.Total)
			}
			at = p.link("next")
		}
	})
	t.Run("histories", func(t *testing.T) {
		for _, path := range []string{"/_history", "/Observation/_history"} {
			want, _ := pages(t, base+path+"?_count=50")
			got, _ := pages(t, base+path+"?_count=7")
			if len(want) != 23 || !slices.Equal(got, want) {
				t.Errorf("%s: pages give %v, want %v", path, got, want)
			}
		}
	})
	t.Run("cursors", func(t *testing.T) { checkCursors(t, base) })
	t.Run("histories of a list", func(t *testing.T) {
		send(t, "PUT", base+"/List/l", `{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Observation/o1"}},{"item":{"reference":"Observation/o7"}},{"item":{"reference":"Observation/o3"}}]}`)
		want, _ := pages(t, base+"/_history?_list=l&_count=50")
		got, _ := pages(t, base+"/_history?_list=l&_count=1")
		if len(want) != 3 || !slices.Equal(got, want) {
			t.Errorf("pages give %v, want %v", got, want)
		}
	})
	t.Run("contained", func(t *testing.T) { pageContained(t, base) })
	t.Run("backwards while others write", func(t *testing.T) { checkWayBackInChange(t, base) })
}

// checkWayBack goes to the last page and, by previous, back: over the same pages, to the first.
func checkWayBack(t *testing.T, first string) {
	t.Helper()
	var there []page
	for at := first; at != ""; {
		p, _ := get(t, at)
		there = append(there, p)
		at = p.link("next")
	}
	if there[0].link("previous") != "" {
		t.Errorf("%s: the first page has a previous one", first)
	}
	at := there[len(there)-1].link("previous")
	for i := len(there) - 2; i >= 0; i-- {
		p, status := get(t, at)
		if status != http.StatusOK || !reflect.DeepEqual(p.Entry, there[i].Entry) || !reflect.DeepEqual(p.Total, there[i].Total) {
			t.Fatalf("%s: back to page %d: status %d, %d entries %+v, want %+v", first, i, status, len(p.Entry), p.Entry, there[i].Entry)
		}
		if i == 0 && (p.link("self") != there[0].link("self") || p.link("previous") != "") {
			t.Errorf("%s: the way back does not end at the first page: %+v", first, p.Link)
		}
		at = p.link("previous")
	}
}

// checkWayBackInChange goes to the last page and back while resources are added and removed around those that stay: each of these is on
// one page of the way back, in order.
func checkWayBackInChange(t *testing.T, base string) {
	put := func(id string, birth int) {
		send(t, "PUT", base+"/Person/"+id, fmt.Sprintf(`{"resourceType":"Person","id":%q,"birthDate":"%d"}`, id, birth))
	}
	var stay []string
	for i := range 30 {
		put(fmt.Sprintf("stays-%d", i), 1900+2*i)
		put(fmt.Sprintf("goes-%d", i), 1901+2*i)
		stay = append(stay, fmt.Sprintf("%s/Person/stays-%d", base, i))
	}
	at, last := base+"/Person?_sort=birthdate&_count=2", page{}
	for at != "" {
		last, _ = get(t, at)
		at = last.link("next")
	}
	var seen []string
	for i := 0; ; i++ {
		var found []string
		for _, e := range last.Entry {
			if strings.Contains(e.FullURL, "stays") {
				found = append(found, e.FullURL)
			}
		}
		seen = append(found, seen...)
		if at = last.link("previous"); at == "" {
			break
		}
		if i < 30 {
			send(t, "DELETE", fmt.Sprintf("%s/Person/goes-%d", base, 29-i), "")
			put(fmt.Sprintf("comes-%d", i), 1900+i*7%60)
		}
		if last, _ = get(t, at); len(last.Entry) > 2 || i > 100 {
			t.Fatalf("page %d backwards has %d entries", i, len(last.Entry))
		}
	}
	if !slices.Equal(seen, stay) {
		t.Errorf("the way back shows %v", seen)
	}
}

func checkCursors(t *testing.T, base string) {
	p, _ := get(t, base+"/Observation?code=k&_count=5")
	next, err := url.Parse(p.link("next"))
	if err != nil {
		t.Fatal(err)
	}
	cursor := next.Query().Get("_cursor")
	refused := func(url string) {
		t.Helper()
		if _, status := get(t, url); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", url, status)
		}
	}
	for i := range len(cursor) {
		changed := []byte(cursor)
		if changed[i] = 'A'; cursor[i] == 'A' {
			changed[i] = 'B'
		}
		if i == len(cursor)-1 { // the last letter may hold unused bits
			break
		}
		refused(base + "/Observation?_cursor=" + string(changed))
	}
	refused(base + "/Patient?_cursor=" + cursor)
	refused(base + "/?_cursor=" + cursor)
	refused(base + "/_history?_cursor=" + cursor)
	refused(base + "/Observation?_cursor=" + cursor + "&status=final")
	refused(base + "/Observation?_cursor=" + cursor[:20])
	if p, status := get(t, base+"/Observation?_cursor="+cursor+"&_count=3"); status != http.StatusOK || len(p.Entry) != 3 {
		t.Errorf("_count beside a cursor: status %d, %d entries, want 3", status, len(p.Entry))
	}
}

// RunRaces checks what must hold when clients are in each other's way.
func RunRaces(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("one conditional create of twenty", func(t *testing.T) {
		st := open(t)
		t.Cleanup(func() { st.Close() })
		base := Serve(t, st)
		counts := together(20, func(i int) int {
			return send(t, "POST", base+"/Patient", `{"resourceType":"Patient","identifier":[{"system":"s","value":"1"},{"system":"t","value":"2"}]}`,
				"If-None-Exist", []string{"identifier=s|1", "identifier=t|2"}[i%2])
		})
		if counts[http.StatusCreated] != 1 || counts[http.StatusOK] != 19 {
			t.Errorf("answers %v, want one 201 and nineteen 200", counts)
		}
		if p, _ := get(t, base+"/Patient?_summary=count"); p.Total == nil || *p.Total != 1 {
			t.Errorf("%v patients, want 1", p.Total)
		}
	})
	// Its criteria name the patient, whom one of the Bundles creates, or who is there already.
	for _, there := range []bool{false, true} {
		t.Run(fmt.Sprintf("one transaction of ten, patient there: %v", there), func(t *testing.T) {
			st := open(t)
			t.Cleanup(func() { st.Close() })
			base := Serve(t, st)
			if there {
				send(t, "POST", base+"/Patient", patientS("1"))
			}
			if counts := together(10, func(int) int { return send(t, "POST", base, sentAgain) }); counts[http.StatusOK] != 10 {
				t.Errorf("answers %v, want ten 200", counts)
			}
			if all, _ := pages(t, base+"/_history"); len(all) != 4 {
				t.Errorf("%d versions, want those of 4 resources: %v", len(all), all)
			}
		})
	}
	t.Run("one winner of a version", func(t *testing.T) {
		st := open(t)
		t.Cleanup(func() { st.Close() })
		base := Serve(t, st)
		send(t, "PUT", base+"/Patient/1", `{"resourceType":"Patient","id":"1"}`)
		counts := together(10, func(i int) int {
			return send(t, "PUT", base+"/Patient/1", fmt.Sprintf(`{"resourceType":"Patient","id":"1","multipleBirthInteger":%d}`, i), "If-Match", `W/"1"`)
		})
		if counts[http.StatusOK] != 1 || counts[http.StatusPreconditionFailed] != 9 {
			t.Errorf("answers %v, want one 200 and nine 412", counts)
		}
	})
	t.Run("no patch lost", func(t *testing.T) {
		st := open(t)
		t.Cleanup(func() { st.Close() })
		base := Serve(t, st)
		send(t, "PUT", base+"/Patient/1", `{"resourceType":"Patient","id":"1","name":[{"given":["Noe"]}]}`)
		counts := together(10, func(i int) int {
			return send(t, "PATCH", base+"/Patient/1", fmt.Sprintf(`[{"op":"add","path":"/name/0/given/-","value":"n%d"}]`, i), "Content-Type", "application/json-patch+json")
		})
		if counts[http.StatusOK] != 10 {
			t.Errorf("answers %v, want ten 200", counts)
		}
		for i := range 10 {
			if p, _ := get(t, fmt.Sprintf("%s/Patient?_id=1&given:exact=n%d", base, i)); p.Total == nil || *p.Total != 1 {
				t.Errorf("patch %d is lost", i)
			}
		}
	})
	t.Run("nothing dangles", func(t *testing.T) { runDangling(t, open) })
	t.Run("no version twice", func(t *testing.T) {
		st := open(t)
		t.Cleanup(func() { st.Close() })
		base := Serve(t, st)
		together(10, func(i int) int {
			return send(t, "PUT", base+"/Patient/1", fmt.Sprintf(`{"resourceType":"Patient","id":"1","multipleBirthInteger":%d}`, i))
		})
		all, _ := pages(t, base+"/Patient/1/_history")
		slices.Sort(all)
		if len(all) != 10 || len(slices.Compact(all)) != 10 {
			t.Errorf("%d versions of ten updates: %v", len(all), all)
		}
	})
}

// together does something n times at once, and counts the statuses.
func together(n int, do func(i int) int) map[int]int {
	statuses := make([]int, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { statuses[i] = do(i) })
	}
	wait.Wait()
	counts := map[int]int{}
	for _, s := range statuses {
		counts[s]++
	}
	return counts
}

// pageContained pages through what resources contain, and through what contains it, while others write.
func pageContained(t *testing.T, base string) {
	basic := func(id string) string {
		var inside []string
		for i := range 3 {
			inside = append(inside, fmt.Sprintf(`{"resourceType":"Substance","id":"s%d","code":{"coding":[{"code":"k%d"}]}}`, i, i))
		}
		return fmt.Sprintf(`{"resourceType":"Basic","id":%q,"code":{"text":"x","extension":[{"url":"http://x.example","valueReference":{"reference":"#s0"}},
			{"url":"http://x.example","valueReference":{"reference":"#s1"}},{"url":"http://x.example","valueReference":{"reference":"#s2"}}]},"contained":[%s]}`, id, strings.Join(inside, ","))
	}
	var entries []string
	for i := range 7 {
		id := fmt.Sprintf("c%d", i)
		entries = append(entries, entry("PUT", "Basic/"+id, basic(id)),
			entry("PUT", "Substance/"+id, `{"resourceType":"Substance","id":"`+id+`","code":{"coding":[{"code":"k1"}]}}`))
	}
	if status := send(t, "POST", base, bundleOf("transaction", strings.Join(entries, ","))); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for search, n := range map[string]int{
		"_contained=true": 7, "_contained=true&_sort=-_lastUpdated,_id": 7, "_contained=true&code=k1": 7, "_contained=both&_sort=_id": 14,
		"_contained=true&_containedType=contained": 21, "_contained=true&_containedType=contained&_sort=code": 21,
		"_contained=true&_containedType=contained&_sort=-_lastUpdated": 21, "_contained=both&_containedType=contained&_sort=-code,_id": 28,
		"_contained=both&_containedType=contained": 28, "_contained=true&_containedType=contained&_lastUpdated=gt2000": 21,
	} {
		first := base + "/Substance?" + search
		want, _ := pages(t, first+"&_count=50")
		if unique := slices.Compact(slices.Sorted(slices.Values(want))); len(want) != n || len(unique) != n {
			t.Errorf("%s: %d found, %d of them different, not %d", search, len(want), len(unique), n)
		}
		for _, size := range []int{1, 5, 20} {
			if got, _ := pages(t, fmt.Sprintf("%s&_count=%d", first, size)); !slices.Equal(got, want) {
				t.Errorf("pages of %d of %s: got %v, want %v", size, search, got, want)
			}
		}
		checkWayBack(t, first+"&_count=4")
	}
	// What changes around them leaves them where they are.
	seen := map[string]bool{}
	for at := base + "/Substance?_contained=true&_containedType=contained&_count=6"; at != ""; {
		p, _ := get(t, at)
		for _, e := range p.Entry {
			if seen[e.FullURL] {
				t.Errorf("%s comes twice", e.FullURL)
			}
			seen[e.FullURL] = true
		}
		for i := range 7 {
			id := fmt.Sprintf("c%d", i)
			if status := send(t, "PUT", base+"/Basic/"+id, strings.Replace(basic(id), `"text":"x"`, fmt.Sprintf(`"text":"after %d"`, len(seen)), 1)); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		at = p.link("next")
	}
	if len(seen) != 21 {
		t.Errorf("%d of 21 are on the pages", len(seen))
	}
	// What is around them is of another type, too, from the second page on.
	p, _ := get(t, base+"/Substance?_contained=true&_containedType=contained&_count=20")
	person := `{"resourceType":"Person","id":"p","contained":[{"resourceType":"Substance","id":"s","code":{"text":"x"}}],"extension":[{"url":"http://x.example","valueReference":{"reference":"#s"}}]}`
	if status := send(t, "PUT", base+"/Person/p", person); status != http.StatusCreated {
		t.Fatalf("status %d", status)
	}
	if p, status := get(t, p.link("next")); status != http.StatusOK || len(p.Entry) == 0 {
		t.Errorf("the second page: status %d, %d entries", status, len(p.Entry))
	}
}
