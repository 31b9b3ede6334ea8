package rest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/patch"
	"fhirside/search"
)

// buffers hold request bodies while they are parsed; documents keep no part of them.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps the buffers of rare big bodies from staying for ever.
const maxPooled = 1 << 20

// resource reads the body as a resource.
func (s *server) resource(c *gin.Context) (resource *fhir.Resource, err error) {
	if _, err := readable(c.GetHeader("Content-Type")); err != nil {
		return nil, err
	}
	err = s.withBody(c, func(body []byte) (err error) {
		resource, err = parse(c.GetHeader("Content-Type"), body)
		return err
	})
	return resource, err
}

func parse(contentType string, body []byte) (*fhir.Resource, error) {
	format, err := readable(contentType)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "the request has no body; a resource is needed")
	}
	return format.parse(body)
}

// patchFormats are the media types of patches, as a CapabilityStatement claims them.
var patchFormats = []string{resources.JSONPatchType, resources.XMLPatchType, "application/fhir+json", "application/fhir+xml"}

// patchBody reads the body as a patch, by its Content-Type.
func (s *server) patchBody(c *gin.Context) (p *patch.Patch, err error) {
	var read func([]byte) (*patch.Patch, error)
	contentType := c.GetHeader("Content-Type")
	switch name, params, _ := mime.ParseMediaType(contentType); {
	case name == resources.JSONPatchType && isUTF8(params):
		read = patch.JSON
	case name == resources.XMLPatchType && isUTF8(params):
		read = patch.XML
	default:
		format, err := readable(contentType)
		if err != nil || contentType == "" {
			c.Header("Accept-Patch", strings.Join(patchFormats, ", "))
			return nil, fhir.Errorf(fhir.UnsupportedMedia, fhir.CodeNotSupported, "patches of Content-Type %q are not read; %s are", contentType, strings.Join(patchFormats, ", ")).At("http.Content-Type")
		}
		read = func(body []byte) (*patch.Patch, error) {
			parameters, err := format.parse(body)
			if err != nil {
				return nil, err
			}
			return patch.FHIRPath(parameters)
		}
	}
	err = s.withBody(c, func(body []byte) (err error) {
		p, err = read(body)
		return err
	})
	return p, err
}

// form reads the body of a search by POST.
func (s *server) form(c *gin.Context) ([]search.Parameter, error) {
	var params []search.Parameter
	err := s.withBody(c, func(body []byte) (err error) {
		contentType, _, _ := strings.Cut(c.GetHeader("Content-Type"), ";")
		if len(body) > 0 && !strings.EqualFold(strings.TrimSpace(contentType), "application/x-www-form-urlencoded") {
			return fhir.Errorf(fhir.UnsupportedMedia, fhir.CodeNotSupported, "a search by POST sends application/x-www-form-urlencoded").At("http.Content-Type")
		}
		params, err = resources.ParseQuery(string(body))
		return err
	})
	return params, err
}

func (s *server) tooLarge() error {
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong, "the body is larger than %d bytes, the most that is taken", s.MaxBody)
}

// drain reads on what a client still sends when it is refused, within bounds: many read the answer only when all is sent, and would
// find the connection closed. One that waits to be asked for the body need not send it.
func (s *server) drain(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, 2*s.MaxBody)
	}
}

// withBody reads the request's body, decompressed and up to the limit. The bytes are gone when use returns. What can be refused by the
// headers is refused before anything is read, so that a client that asks first (Expect: 100-continue) need not send it.
func (s *server) withBody(c *gin.Context, use func([]byte) error) error {
	if c.Request.ContentLength > s.MaxBody {
		return s.tooLarge()
	}
	stream, err := decoded(c, http.MaxBytesReader(c.Writer, c.Request.Body, s.MaxBody))
	if err != nil {
		return err
	}
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= maxPooled {
			buffers.Put(buf)
		}
	}()
	if size := c.Request.ContentLength; size > 0 && size <= s.MaxBody {
		buf.Grow(int(min(size, 16<<20)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(stream, s.MaxBody+1))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) || n > s.MaxBody {
		return s.tooLarge()
	}
	if err != nil {
		return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the body ends too early or is not in its Content-Encoding").Because(err)
	}
	return use(buf.Bytes())
}

// decoded undoes a Content-Encoding.
func decoded(c *gin.Context, body io.Reader) (io.Reader, error) {
	encoding := c.GetHeader("Content-Encoding")
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(body)
		if err != nil {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the body is no gzip, but its Content-Encoding says so").Because(err)
		}
		return r, nil
	case "zstd":
		r, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the body is no zstd, but its Content-Encoding says so").Because(err)
		}
		return r.IOReadCloser(), nil
	}
	c.Header("Accept-Encoding", "gzip, zstd") // RFC 9110, section 12.5.3
	return nil, fhir.Errorf(fhir.UnsupportedMedia, fhir.CodeNotSupported, "the Content-Encoding %q is not read; gzip and zstd are", encoding).At("http.Content-Encoding")
}
