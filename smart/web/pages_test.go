package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var app = App{Name: "Growth <b>Chart</b>", Host: "app.example"}

var frame = Frame{
	Clinic: "Lindenhof Clinic", Action: "/oauth/authorize", CSRF: "c\"srf", Request: "r1", Redirect: "https://app.example:8443/cb?x=1",
}

// samples are one of each page in each of its looks.
var samples = map[string]Page{
	"signin":       SignIn{Frame: frame, App: &app},
	"signin-error": SignIn{Frame: frame, App: &app, Username: "maria", Error: "User name or password is wrong."},
	"signin-alone": SignIn{Frame: frame},
	"secondfactor": SecondFactor{Frame: frame, App: &app},
	"secondfactor-error": SecondFactor{Frame: frame, App: &app,
		Error: "This code is wrong or has been used. Wait for the next one."},
	"picker": Picker{Frame: frame, App: app, Searchable: true, Search: "mei", More: true, Patients: []Patient{
		{ID: "p1", Name: "Maria Meier", Detail: "born 2 May 1971, female, MRN 4711"},
		{ID: "p2", Name: "Jonas Meiningen-Hohenstein von der Langenau", Detail: "born 12 December 2003, male"}, {ID: "p3"},
	}},
	"picker-none": Picker{Frame: frame, App: app},
	"consent": Consent{Frame: frame, App: App{Name: "Growth Chart", Host: "app.example", Unverified: true}, User: "maria", Patient: "Maria Meier",
		Scopes: []Scope{
			{Value: "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", Title: "Read your laboratory results"},
			{Value: "patient/*.rs", Title: "Read everything in your record", Note: "Diagnoses, medication, notes, messages and whatever else is kept"},
			{Value: "offline_access", Title: "Keep its access while you are away", Note: "Until you or the clinic take it back"},
			{Value: "launch/patient", Title: "Know which patient it is about", Off: true},
		}},
	"signout":       SignOut{Frame: frame, User: "maria"},
	"message":       Message{Frame: frame, Title: "You are signed out", Text: []string{"You can close this window."}},
	"message-error": Message{Frame: frame, Error: true, Title: "This link does not work", Text: []string{"The app asked in a way that cannot be answered.", "Go back to it and try again."}},
}

func render(t *testing.T, p Page) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := Render(w, 200, p); err != nil {
		t.Fatal(err)
	}
	return w
}

// PAGES=DIR writes the samples as files, to look at.
func TestPages(t *testing.T) {
	label := regexp.MustCompile(`<input type="(?:text|password|search)" id="([a-z]+)"`)
	for name, page := range samples {
		t.Run(name, func(t *testing.T) {
			body := render(t, page).Body.String()
			if dir := os.Getenv("PAGES"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(body), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{`<html lang="en">`, `<main>`, `<title>`, "Lindenhof Clinic"} {
				if !strings.Contains(body, want) {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
			for _, never := range []string{"<script", "<b>Chart", "http-equiv", "src=", "style=", "ZgotmplZ"} {
				if strings.Contains(body, never) {
					t.Errorf("%q in\n%s", never, body)
				}
			}
			for _, m := range label.FindAllStringSubmatch(body, -1) {
				if !strings.Contains(body, `<label for="`+m[1]+`">`) {
					t.Errorf("input %q has no label", m[1])
				}
			}
			if wrong := strings.Contains(name, "error"); wrong != strings.Contains(body, `role="alert"`) || wrong != strings.Contains(body, "<title>Error: ") {
				t.Errorf("errors must be announced, and only errors:\n%s", body)
			}
			if forms := strings.Count(body, `<form method="post" action="/oauth/authorize">`); forms != strings.Count(body, "<form") ||
				forms != strings.Count(body, `name="csrf" value="c&#34;srf"`) || forms != strings.Count(body, `name="request" value="r1"`) {
				t.Errorf("each form carries csrf and request:\n%s", body)
			}
		})
	}
}

func TestFieldsOfTheContract(t *testing.T) {
	for name, fields := range map[string][]string{
		"signin":       {`name="username"`, `name="password"`, `autocomplete="username"`, `autocomplete="current-password"`},
		"secondfactor": {`name="code"`, `autocomplete="one-time-code"`},
		"picker":       {`type="radio" name="patient" value="p1"`, `name="search" value="mei"`, `name="find"`, `name="cancel"`},
		"consent": {`type="checkbox" name="scope" value="patient/*.rs" checked`, `name="scope" value="launch/patient">`,
			`name="decision" value="allow"`, `name="decision" value="deny"`},
	} {
		body := render(t, samples[name]).Body.String()
		for _, field := range fields {
			if !strings.Contains(body, field) {
				t.Errorf("%s has no %s", name, field)
			}
		}
	}
}

// TestPickerByKeyboard: the Enter key presses the first button of a form, which goes on where a patient is chosen.
func TestPickerByKeyboard(t *testing.T) {
	_, search, _ := strings.Cut(render(t, samples["picker"]).Body.String(), "<form")
	search, choice, _ := strings.Cut(search, "<form")
	if _, button, _ := strings.Cut(search, "<button"); !strings.Contains(button, "Search</button>") || strings.Contains(search, `name="patient"`) {
		t.Errorf("the form to search by: %s", search)
	}
	if _, button, _ := strings.Cut(choice, "<button"); !strings.HasPrefix(button, ">Go on</button>") || !strings.Contains(choice, `name="patient"`) {
		t.Errorf("the form to choose by: %s", choice)
	}
}

func TestHeaders(t *testing.T) {
	w := render(t, samples["consent"])
	css := w.Body.String()
	css = css[strings.Index(css, "<style>")+len("<style>") : strings.Index(css, "</style>")]
	sum := sha256.Sum256([]byte(css))
	for header, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Content-Language": "en", "Content-Type": "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https://app.example:8443",
	} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s is %q, not %q", header, got, want)
		}
	}
}

func TestFormSource(t *testing.T) {
	for redirect, want := range map[string]string{
		"":                               "",
		"https://app.example/cb":         "https://app.example",
		"http://127.0.0.1:3000/cb?a=b":   "http://127.0.0.1:3000",
		"http://[::1]:3000/cb":           "http:",
		"com.example.app:/cb":            "com.example.app:",
		"com.example.app://cb":           "com.example.app:",
		"https://a.example;script-src/x": "",
		"https://a.example,b/x":          "",
		"https:///cb":                    "",
		"/cb":                            "",
	} {
		if got := formSource(redirect); got != want {
			t.Errorf("formSource(%q) = %q, not %q", redirect, got, want)
		}
	}
}
