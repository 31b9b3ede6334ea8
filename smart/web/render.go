package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// Page is one of this package's pages.
type Page interface {
	frame() Frame
	template() string
}

func (f Frame) frame() Frame { return f }

func (SignIn) template() string       { return "signin" }
func (SecondFactor) template() string { return "secondfactor" }
func (Picker) template() string       { return "picker" }
func (Consent) template() string      { return "consent" }
func (SignOut) template() string      { return "signout" }
func (Message) template() string      { return "message" }

var (
	//go:embed templates
	files embed.FS
	//go:embed style.css
	style string

	pages       = parse("signin", "secondfactor", "picker", "consent", "signout", "message")
	styleSource = "'sha256-" + base64.StdEncoding.EncodeToString(hash(style)) + "'"
)

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// parse gives each page its own set of templates, since all of them define "title" and "main".
func parse(names ...string) map[string]*template.Template {
	frame := template.Must(template.New("frame.html").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
	}).ParseFS(files, "templates/frame.html"))
	set := make(map[string]*template.Template, len(names))
	for _, name := range names {
		set[name] = template.Must(template.Must(frame.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return set
}

// Render answers with a page and the headers that keep it safe: no other site can frame it, read it or learn its URL, no cache
// keeps it, and its form leads only back here and to the app that waits.
func Render(w http.ResponseWriter, status int, p Page) error {
	frame := p.frame()
	var body bytes.Buffer
	if err := pages[p.template()].Execute(&body, p); err != nil {
		return err
	}
	Harden(w.Header())
	w.Header().Set("Content-Security-Policy", policy(frame.Redirect))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", "en")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return err
}

// Harden sets the headers that a page's answer needs even where it is a redirect. There is no Cross-Origin-Opener-Policy among
// them: apps that open these pages in a window of their own could not learn how it ended.
func Harden(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

func policy(redirect string) string {
	form := "'self'"
	if source := formSource(redirect); source != "" {
		form += " " + source
	}
	return "default-src 'none'; style-src " + styleSource + "; base-uri 'none'; frame-ancestors 'none'; form-action " + form
}

// formSource is a redirect URI as a source of a Content-Security-Policy: its origin, or its scheme where it has no host that a
// source can name (an app's own scheme, an IPv6 address). What could end the directive is left out, and then nothing is allowed.
func formSource(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme == "" {
		return ""
	}
	web := u.Scheme == "http" || u.Scheme == "https"
	switch {
	case !web, strings.HasPrefix(u.Host, "["):
		return u.Scheme + ":"
	case u.Host == "" || strings.ContainsFunc(u.Host, notInHost):
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-.:_", r)
}
