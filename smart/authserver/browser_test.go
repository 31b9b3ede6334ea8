package authserver_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page is what a browser shows.
type page struct {
	url    *url.URL
	status int
	header http.Header
	body   string
	forms  []form
}

// form is a form of a page.
type form struct {
	action  *url.URL
	fields  url.Values          // what is sent as it stands: hidden and text fields, ticked boxes
	boxes   map[string][]string // values of checkboxes, by name
	radios  map[string][]string
	buttons map[string][]string
}

func (f *form) has(name string) bool { _, ok := f.fields[name]; return ok }

// form is the last form of a page that has a field of that name, or a choice of it; nil if there is none.
func (p *page) form(name string) *form {
	for _, f := range slices.Backward(p.forms) {
		if f.has(name) || len(f.boxes[name])+len(f.radios[name]) > 0 {
			return &f
		}
	}
	return nil
}

// browser keeps cookies, follows redirects within the server and reads forms.
type browser struct {
	t      testing.TB
	http   *http.Client
	origin string
}

func newBrowser(t testing.TB, origin string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{
		Jar: jar,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(r.URL.String(), origin+"/") {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}, origin}
}

func (b *browser) get(to string) *page {
	b.t.Helper()
	response, err := b.http.Get(to)
	return b.read(response, err)
}

func (b *browser) post(to string, fields url.Values) *page {
	b.t.Helper()
	response, err := b.http.PostForm(to, fields)
	return b.read(response, err)
}

// submit sends a form with some of its fields changed.
func (b *browser) submit(f *form, changes url.Values) *page {
	b.t.Helper()
	if f == nil {
		b.t.Fatal("the page has no such form")
	}
	fields := url.Values{}
	for name, values := range f.fields {
		fields[name] = values
	}
	for name, values := range changes {
		if fields[name] = values; values == nil {
			delete(fields, name)
		}
	}
	return b.post(f.action.String(), fields)
}

func (b *browser) read(response *http.Response, err error) *page {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &page{url: response.Request.URL, status: response.StatusCode, header: response.Header, body: string(body)}
	if root, err := html.Parse(strings.NewReader(p.body)); err == nil {
		p.find(root)
	}
	return p
}

func (p *page) find(n *html.Node) {
	if n.Type == html.ElementNode {
		switch n.Data {
		case "form":
			action := p.url
			if a := attribute(n, "action"); a != "" {
				action, _ = p.url.Parse(a)
			}
			p.forms = append(p.forms, form{action, url.Values{}, map[string][]string{}, map[string][]string{}, map[string][]string{}})
		case "input", "button":
			if len(p.forms) > 0 {
				p.forms[len(p.forms)-1].add(n)
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.find(c)
	}
}

func (f *form) add(n *html.Node) {
	name, value := attribute(n, "name"), attribute(n, "value")
	switch kind := attribute(n, "type"); {
	case n.Data == "button":
		f.buttons[name] = append(f.buttons[name], value)
	case kind == "radio":
		f.radios[name] = append(f.radios[name], value)
	case kind == "checkbox":
		f.boxes[name] = append(f.boxes[name], value)
		if hasAttribute(n, "checked") {
			f.fields.Add(name, value)
		}
	default:
		f.fields.Add(name, value)
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// redirected is the query that a page sends the browser to the app with; nil if it is a page of the server.
func (p *page) redirected() url.Values {
	to, err := url.Parse(p.header.Get("Location"))
	if err != nil || p.status/100 != 3 {
		return nil
	}
	return to.Query()
}

// user is a person in front of a browser.
type user struct {
	name, password string
	code           func() string // of a second factor
	patient        string        // whom they pick
	without        []string      // scopes that they do not allow
	deny           bool
}

// follow answers pages until the browser is sent to the app, or the server shows none that asks.
func (b *browser) follow(p *page, u user) *page {
	b.t.Helper()
	for range 8 {
		switch {
		case p.redirected() != nil:
			return p
		case p.form("password") != nil:
			p = b.submit(p.form("password"), url.Values{"username": {u.name}, "password": {u.password}})
			if p.form("password") != nil {
				return p
			}
		case p.form("code") != nil && u.code != nil:
			p = b.submit(p.form("code"), url.Values{"code": {u.code()}})
		case p.form("patient") != nil && u.patient != "":
			p = b.submit(p.form("patient"), url.Values{"patient": {u.patient}})
		case p.form("scope") != nil:
			f := p.form("scope")
			scopes := slices.DeleteFunc(slices.Clone(f.fields["scope"]), func(s string) bool { return slices.Contains(u.without, s) })
			decision := "allow"
			if u.deny {
				decision = "deny"
			}
			p = b.submit(f, url.Values{"scope": scopes, "decision": {decision}})
		default:
			return p
		}
	}
	b.t.Fatal("the pages have no end")
	return nil
}
