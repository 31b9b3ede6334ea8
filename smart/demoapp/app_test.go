package demoapp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// The page runs its own script alone: what the policy names is what is in the page.
func TestPage(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	Mount(e)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, Path+"?code=secret", http.NoBody))
	body := w.Body.String()
	for _, part := range []struct{ from, to, directive string }{{"<script>", "</script>", "script-src"}, {"<style>", "</style>", "style-src"}} {
		_, rest, _ := strings.Cut(body, part.from)
		content, _, found := strings.Cut(rest, part.to)
		if !found || !strings.Contains(w.Header().Get("Content-Security-Policy"), part.directive+" '"+source(content)+"'") {
			t.Errorf("%s is not what the policy allows: %s", part.from, w.Header().Get("Content-Security-Policy"))
		}
	}
	if strings.Contains(body, "secret") || strings.Contains(body, "innerHTML") || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v", w.Header())
	}
}
