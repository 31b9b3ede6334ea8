package web

// Frame is what every page has.
type Frame struct {
	Clinic string // who asks: the server's name for people; default "fhirside"
	// Action is where the page's form is sent by POST; "" the page's own URL.
	Action string
	// CSRF and Request come back in the fields "csrf" and "request"; "" leaves the field out.
	CSRF, Request string
	// Redirect is the redirect URI that the answer to the form may lead to. Chromium follows a redirect after a form only to
	// what the Content-Security-Policy's form-action names, so its origin, or its scheme if that is an app's own, goes there.
	Redirect string
}

// App is the app on whose behalf a page asks.
type App struct {
	Name string // for people; its client_id if it has none
	Host string // where the answer goes: the redirect URI's host, or its scheme if that is an app's own
	// Unverified: the app has registered itself, so nobody here knows whether its name is true.
	Unverified bool
}

// SignIn asks for the fields "username" and "password".
type SignIn struct {
	Frame
	App      *App   // nil: no app waits
	Username string // what was typed before
	Error    string // why it did not work, as a sentence
}

// SecondFactor asks for the field "code": six digits of an authenticator app.
type SecondFactor struct {
	Frame
	App   *App
	Error string
}

// Picker asks whose record an app shall see: the field "patient" is the id of the chosen one, "cancel" none of them, and the button
// without a name goes on. Where Searchable, another form searches by the field "search", with the button "find".
type Picker struct {
	Frame
	App        App
	Searchable bool
	Search     string // what was searched for
	Patients   []Patient
	More       bool // there are more matches than those shown
	Error      string
}

// Patient is one that can be picked.
type Patient struct {
	ID     string
	Name   string // "" shows the id
	Detail string // what tells namesakes apart: "born 2 May 1971, female, MRN 4711"
}

// Consent asks what an app may do: the field "scope" comes once per scope left ticked, "decision" is "allow" or "deny".
type Consent struct {
	Frame
	App     App
	User    string // name of the account
	Patient string // whose record it is, by name; "" if the app asks for no single patient
	Scopes  []Scope
	Error   string
}

// Scope is a scope that a person can leave out.
type Scope struct {
	Value string // as it is sent back
	Title string // for people: "Read your laboratory results"
	Note  string // a second line; may be ""
	// Off: not ticked at first.
	Off bool
}

// SignOut asks whether the person wants to sign out; the form has no field of its own.
type SignOut struct {
	Frame
	User string // name of the account
}

// Message is a page without a form: an error that cannot be told to the app, or good news.
type Message struct {
	Frame
	Title string
	Text  []string // paragraphs
	Error bool
}
