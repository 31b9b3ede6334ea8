package demoapp

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// Path is where the app lives. Its redirect URI is the same.
const Path = "/demo"

// Title is for links to it.
const Title = "Demo app"

var (
	//go:embed page.html
	page string
	//go:embed app.js
	script string
	//go:embed style.css
	style string

	text = strings.NewReplacer("{{style}}", style, "{{script}}", script).Replace(page)
	// policy lets nothing run but the page's own script, which talks to the server alone.
	policy = "default-src 'none'; script-src '" + source(script) + "'; style-src '" + source(style) +
		"'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Mount hangs the app on the engine that serves the FHIR API.
func Mount(r gin.IRouter) {
	serve := func(c *gin.Context) {
		c.Header("Content-Security-Policy", policy)
		c.Header("Referrer-Policy", "no-referrer")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Header("Cache-Control", "no-store") // its URL has the code for a moment
		c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(text))
	}
	r.GET(Path, serve)
	r.HEAD(Path, serve)
}
