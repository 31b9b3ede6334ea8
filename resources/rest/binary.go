package rest

import (
	"encoding/base64"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fhirside/fhir"
	"fhirside/resources/store"
)

// A Binary goes in and out as a resource, or as the content that it holds (binary.html#rest): in by Content-Type, out by Accept.
// A format of FHIR means the resource. A generic type, application/json say, means the resource if that is what is sent, and on
// the way out unless the content is of that type itself.

const binary = "Binary"

// stored reads the body of a create or an update: a resource, or the content of a Binary.
func (s *server) stored(c *gin.Context) (resource *fhir.Resource, content bool, err error) {
	if c.Param("type") != binary {
		resource, err = s.resource(c)
		return resource, false, err
	}
	err = s.withBody(c, func(body []byte) (err error) {
		contentType := c.GetHeader("Content-Type")
		if content = isContent(contentType, body); content {
			resource, err = binaryOf(c, body)
		} else {
			resource, err = parse(contentType, body)
		}
		return err
	})
	return resource, content, err
}

// isContent says whether a body that is sent to Binary is content, not a resource.
func isContent(contentType string, body []byte) bool {
	name, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	f, known := formats[name]
	if !known || !f.generic {
		return !known
	}
	r, err := f.parse(body)
	return err != nil || r.Type() != binary
}

// binaryOf wraps content into a resource.
func binaryOf(c *gin.Context, body []byte) (*fhir.Resource, error) {
	out := []byte(`{"resourceType":"Binary"`)
	member := func(name, text string) {
		out = append(append(append(out, `,"`...), name...), `":`...)
		out = append(out, fhir.Quote(text)...)
	}
	if id := c.Param("id"); id != "" {
		member("id", id)
	}
	member("contentType", strings.Join(strings.Fields(c.GetHeader("Content-Type")), " "))
	if context := c.GetHeader(securityContext); context != "" {
		out = append(append(append(out, `,"securityContext":{"reference":`...), fhir.Quote(context)...), '}')
	}
	if len(body) > 0 {
		out = append(out, `,"data":"`...)
		out = base64.StdEncoding.AppendEncode(out, body)
		out = append(out, '"')
	}
	return fhir.Parse(append(out, '}'))
}

// securityContext names the resource that decides who may see the content.
const securityContext = "X-Security-Context"

// mayBeContent says whether the request reads a Binary, whose content has whatever type it has.
func mayBeContent(c *gin.Context) bool {
	return c.Param("type") == binary && c.Param("id") != "" && c.Param("part") == "" && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead)
}

// content answers with what a Binary holds, unless the client wants the resource rather. Browsers must neither guess another
// type nor run what is in it.
func (r *request) content(v store.Version) (done bool, err error) {
	accept := strings.Join(r.c.Request.Header["Accept"], ",")
	if r.as.named && !r.as.generic && !strings.Contains(accept, ",") {
		return false, nil
	}
	resource, err := fhir.Parse(v.Body)
	if err != nil {
		return false, err
	}
	contentType := resource.Get("contentType").Text()
	name, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		name, contentType = "", "application/octet-stream"
	}
	if r.as.named && !strings.HasPrefix(r.as.contentType[0], name+";") && r.as.quality >= qualityFor(name, accept) {
		return false, nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(resource.Get("data").Text()), ""))
	if err != nil {
		return false, fhir.Errorf(fhir.NotAcceptable, fhir.CodeNotSupported, "the data is no base64, so it has no content; ask for application/fhir+json").At("Binary.data").Because(err)
	}
	h := r.c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if context := resource.Get("securityContext").Get("reference").Text(); context != "" {
		h.Set(securityContext, context)
	}
	write(r.c, http.StatusOK, []string{contentType}, data)
	return true, nil
}
