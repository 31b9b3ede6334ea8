package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rs/cors"
)

// AnyOrigin in Options.Origins stands for all of them.
const AnyOrigin = "*"

// crossOrigin lets apps of other origins use the FHIR API, discovery, and the paths that are open beside them (Fetch standard,
// "CORS protocol"). A preflight is answered here and needs no token. Credentials are allowed, since browsers' libraries ask with
// them; that is safe for these paths because none of them ever looks at a cookie. The pages, which do, are never among them.
func (s *server) crossOrigin(h http.Handler) http.Handler {
	if len(s.Origins) == 0 {
		return h
	}
	shared := cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool {
			return slices.Contains(s.Origins, AnyOrigin) || slices.Contains(s.Origins, origin)
		},
		AllowedMethods: []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		},
		AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{
			"Location", "ETag", "Last-Modified", "Content-Location", "WWW-Authenticate", "Retry-After", "X-Request-Id",
		},
		AllowCredentials: true,
		MaxAge:           600, // seconds
	}).Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isShared(r.URL.Path) {
			shared.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isShared says whether apps of other origins may use a path.
func (s *server) isShared(path string) bool {
	return path == Path || strings.HasPrefix(path, Path+"/") || strings.HasPrefix(path, "/.well-known/") || slices.Contains(s.SharedPaths, path)
}
