package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"fhirside/conformance/capability"
	"fhirside/resources/access"
)

// door is who may come in, by --auth.
type door struct {
	guard       func(*http.Request) (access.Policy, error)
	realm       string
	mount       func(gin.IRouter)
	sharedPaths []string
	security    *capability.Security
}

// everybody is let in by --auth none, and may do everything.
var everybody = door{guard: func(*http.Request) (access.Policy, error) { return access.Everything, nil }}
