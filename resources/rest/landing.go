package rest

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"
)

//go:embed landing.html
var landingText string

var landingPage = template.Must(template.New("landing").Parse(landingText))

// landing is for the human who opens the server in a browser.
func (s *server) landing(c *gin.Context) {
	var page bytes.Buffer
	err := landingPage.Execute(&page, struct {
		Base, Version string
		Guarded       bool
		Pages         []Page
	}{s.base(c.Request), s.Version, s.Realm != "", s.Pages})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
}
