package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fhirside/conformance/capability"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/smart/demoapp"
)

// door is who may come in, by --auth.
type door struct {
	guard       func(*http.Request) (access.Policy, error)
	realm       string
	mount       func(gin.IRouter)
	pages       []rest.Page
	sharedPaths []string
	security    *capability.Security
}

// everybody is let in by --auth none, and may do everything.
var everybody = door{guard: func(*http.Request) (access.Policy, error) { return access.Everything, nil }}

// door is the one that --auth names. origin is where clients find the server.
func (set serveSettings) door(ctx context.Context, service *resources.Service, origin string, listening net.Addr, log *slog.Logger) (d door, err error) {
	warn(log, set, origin, listening)
	if d = everybody; set.auth == "smart" {
		if d, err = set.smartDoor(ctx, service, origin, listening, log); err != nil {
			return d, err
		}
	}
	if set.demoApp {
		d.pages = append(d.pages, rest.Page{Path: demoapp.Path, Title: demoapp.Title})
		mount := d.mount
		d.mount = func(r gin.IRouter) {
			if mount != nil {
				mount(r)
			}
			demoapp.Mount(r)
		}
	}
	return d, nil
}

// warn says what the way in means, the louder the more can reach it.
func warn(log *slog.Logger, set serveSettings, origin string, listening net.Addr) {
	if strings.HasSuffix(set.base(), rest.Path+rest.Path) {
		log.Warn("--base-url is without "+rest.Path+": what clients are told is "+set.base(), "base-url", set.baseURL)
	}
	switch near := isLoopback(listening); {
	case set.auth == "none" && near:
		log.Warn("--auth none: everybody on this machine may read, change and delete every record", "address", listening.String())
	case set.auth == "none":
		log.Warn("--auth none on an address that others can reach: EVERYBODY who reaches it may read, change and delete EVERY record", "address", listening.String())
	case !near && !strings.HasPrefix(origin, "https:"):
		log.Warn("passwords, tokens and records are sent in the clear: use --tls-cert and --tls-key, or a proxy with TLS and --base-url https://…", "address", listening.String())
	}
}
