package load

import (
	"bytes"
	"io"
	"net/http"
)

// InProcess answers requests by a handler of this process, so that a store is filled in the same way as a server.
func InProcess(h http.Handler) *http.Client { return &http.Client{Transport: inProcess{h}} }

type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	w := &responseWriter{header: http.Header{}, status: http.StatusOK}
	asked := req.Clone(req.Context())
	asked.RequestURI, asked.RemoteAddr, asked.Host = req.URL.RequestURI(), "127.0.0.1:0", req.URL.Host
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, asked)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

type responseWriter struct {
	header http.Header
	status int
	sent   bool
	body   bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if !w.sent {
		w.status, w.sent = status, true
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.sent = true
	return w.body.Write(p)
}
