package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"fhirside/fhir/xml"
	"fhirside/resources"
)

// page is a page of a search or a history.
type page interface {
	Whole() bool // it is held as a whole
	Bundle(base string) ([]byte, error)
	Write(to resources.BundleSink, base string) error
}

// window is how many bytes of resources a page holds before it is sent while it is read.
const window = 4 << 20

// show sends a page: as one text, or where it holds no more than a window of its resources, entry by entry. What cannot be read or
// written any more breaks the connection then: the status is sent, and the client must not take half a Bundle for all of it.
func (r *request) show(p page) error {
	if p.Whole() {
		body, err := p.Bundle(r.pref.Base)
		if err != nil {
			return err
		}
		return r.respond(http.StatusOK, body)
	}
	if r.c.Request.Method == http.MethodHead {
		r.begin(r.as.contentType)
		r.c.Writer.WriteHeader(http.StatusOK)
		return nil
	}
	to := &pageWriter{as: r.as, frame: r.as.frame(), to: r.c.Writer, begin: func() { r.begin(r.as.contentType) }}
	err := p.Write(to, r.pref.Base)
	switch {
	case err == nil || !to.sent:
		return err
	case to.broken == nil: // else nobody reads any more
		_ = r.c.Error(err)
	}
	panic(http.ErrAbortHandler)
}

// begin sets the headers of an answer with a body.
func (r *request) begin(contentType []string) {
	h := r.c.Writer.Header()
	h["Content-Type"] = contentType
	varies(h)
}

// pageWriter writes a Bundle in the client's format as it grows. Each entry is rendered in a Bundle of its own, what is around it there
// is left out, and so all is as if the Bundle had been rendered at once.
type pageWriter struct {
	as      representation
	frame   frame
	to      io.Writer
	begin   func() // is called before anything is sent
	out     []byte // what is not sent yet
	entries int
	sent    bool  // something is
	broken  error // of the connection
}

// frame is what a format puts around entries.
type frame struct {
	wrapped             [2]string // JSON that makes an entry a text that can be rendered
	before, after       string    // what that has become around the rendered entry
	first, next, behind string    // before the first entry, before another, and behind the last
	end                 string    // of a Bundle
}

const (
	xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>`
	xmlBegin  = `<Bundle xmlns="` + xml.Namespace + `">`
	xmlEnd    = `</Bundle>`
)

var frames = map[encoding]map[bool]frame{
	jsonEncoding: {
		false: {first: `,"entry":[`, next: `,`, behind: `]`, end: `}`},
		true: {
			wrapped: [2]string{`{"entry":[`, `]}`}, before: "{\n  \"entry\": [\n", after: "\n  ]\n}\n",
			first: ",\n  \"entry\": [\n", next: ",\n", behind: "\n  ]", end: "\n}\n",
		},
	},
	xmlEncoding: {
		false: {wrapped: [2]string{`{"resourceType":"Bundle","entry":[`, `]}`}, before: xmlHeader + xmlBegin, after: xmlEnd, end: xmlEnd},
		true: {
			wrapped: [2]string{`{"resourceType":"Bundle","entry":[`, `]}`}, before: xmlHeader + "\n" + xmlBegin, after: "\n" + xmlEnd + "\n",
			end: "\n" + xmlEnd + "\n",
		},
	},
}

func (as representation) frame() frame { return frames[as.encoding][as.pretty] }

// sentFrom is from how many bytes on a part of a page is sent.
const sentFrom = 32 << 10

func (w *pageWriter) Head(bundle []byte) error { return w.add(bundle, "", w.frame.end) }

func (w *pageWriter) Entry(entry []byte) error {
	separator := w.frame.next
	if w.entries == 0 {
		separator = w.frame.first
	}
	w.entries++
	w.out = append(w.out, separator...)
	if wrapped := w.frame.wrapped; wrapped[0] != "" {
		entry = append(append([]byte(wrapped[0]), entry...), wrapped[1]...)
	}
	return w.add(entry, w.frame.before, w.frame.after)
}

func (w *pageWriter) End() error {
	if w.entries > 0 {
		w.out = append(w.out, w.frame.behind...)
	}
	w.out = append(w.out, w.frame.end...)
	return w.send()
}

// add renders a text and adds what is between the one part and the other.
func (w *pageWriter) add(text []byte, before, after string) error {
	rendered, err := w.as.render(text)
	if err != nil {
		return err
	}
	inner, begins := bytes.CutPrefix(rendered, []byte(before))
	inner, ends := bytes.CutSuffix(inner, []byte(after))
	if !begins || !ends {
		return errors.New("rest: a Bundle is not framed as its format says")
	}
	w.out = append(w.out, inner...)
	if len(w.out) < sentFrom {
		return nil
	}
	return w.send()
}

func (w *pageWriter) send() error {
	if !w.sent {
		w.sent = true
		w.begin()
	}
	_, w.broken = w.to.Write(w.out)
	w.out = w.out[:0]
	return w.broken
}
