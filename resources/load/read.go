package load

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"fhirside/fhir"
)

// longestLine of NDJSON.
const longestLine = 64 << 20

// read makes units of the sources, several at a time. Only the files being read are in memory, of NDJSON only a unit's lines.
func (r *run) read(ctx context.Context, sources []source, out chan<- unit) error {
	next := make(chan source)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for _, s := range sources {
			select {
			case next <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(r.Workers, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			rd := reader{run: r, ctx: ctx, out: out}
			for s := range next {
				if err := rd.source(s); err != nil {
					return err
				}
			}
			return rd.flush()
		})
	}
	return g.Wait()
}

// reader turns files into units. Loose entries of many files share a unit.
type reader struct {
	*run
	ctx   context.Context
	out   chan<- unit
	loose unit
}

func (rd *reader) source(s source) error {
	f, err := s.open(rd.advance)
	if err != nil {
		return err
	}
	defer f.Close()
	if s.ndjson {
		err = rd.lines(s.path, f)
	} else {
		err = rd.document(s.path, f)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return err
}

func (rd *reader) emit(u unit) error {
	select {
	case rd.out <- u:
		return nil
	case <-rd.ctx.Done():
		return rd.ctx.Err()
	}
}

func (rd *reader) flush() error {
	u := rd.loose
	rd.loose = unit{}
	if len(u.Entries) == 0 {
		return nil
	}
	return rd.emit(u)
}

func (rd *reader) add(e entry) error {
	rd.loose.Entries = append(rd.loose.Entries, e)
	if rd.loose.full() {
		return rd.flush()
	}
	return nil
}

// lines reads NDJSON. A line that is no resource is refused; the others are loaded.
func (rd *reader) lines(path string, f io.Reader) error {
	scanner := bufio.NewScanner(f)
	scanner.Buffer(make([]byte, 0, 1<<16), longestLine)
	for number := 1; scanner.Scan(); number++ {
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		r, err := fhir.Parse(line)
		if err != nil {
			rd.refuseText(path, number, err)
			continue
		}
		if err := rd.resource(path, number, "", r); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// resource adds a resource and its copies.
func (rd *reader) resource(path string, number int, fullURL string, r *fhir.Resource) error {
	for k := range rd.Copies {
		c, err := copyOf(r, k)
		if err != nil {
			return err
		}
		if err := rd.add(put(path, number, fullURL, c)); err != nil {
			return err
		}
	}
	return nil
}

// document reads a file that holds one resource, which may be a Bundle of many.
func (rd *reader) document(path string, f io.Reader) error {
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	r, err := fhir.Parse(data)
	if err != nil {
		rd.refuseText(path, 0, err)
		return nil
	}
	if r.Type() != "Bundle" {
		return rd.resource(path, 0, "", r)
	}
	// A document or a message is kept as the Bundle that it is.
	switch bundleType := r.Get("type").Text(); bundleType {
	case "transaction", "batch", "collection", "searchset":
		for k := range rd.Copies {
			c, err := copyOf(r, k)
			if err != nil {
				return err
			}
			if err := rd.bundle(path, bundleType, c); err != nil {
				return err
			}
		}
		return nil
	case "history", "transaction-response", "batch-response":
		rd.refuseText(path, 0, fmt.Errorf("a Bundle of type %s holds nothing to be loaded", bundleType))
		return nil
	}
	return rd.resource(path, 0, "", r)
}

func (rd *reader) bundle(path, bundleType string, r *fhir.Resource) error {
	u := unit{Whole: bundleType == "transaction", Batch: bundleType == "batch", Body: r.Bytes()}
	requests := u.Whole || u.Batch
	number := 0
	for e := range r.Get("entry").Children() {
		number++
		fullURL := e.Get("fullUrl").Text()
		switch res := e.Get("resource").Resource(); {
		case requests:
			u.Entries = append(u.Entries, given(path, number, e))
		case res != nil && !e.Get("search").Get("mode").Is("outcome"):
			u.Entries = append(u.Entries, put(path, number, fullURL, res))
			// Its entries may name each other by these, so they stay together.
			u.Whole = u.Whole || strings.HasPrefix(fullURL, "urn:")
		}
	}
	switch {
	case len(u.Entries) == 0:
		return nil
	case u.Whole && requests:
		return rd.emit(withoutJSON(u))
	case u.Whole:
		u.Whole = false
		u.Body, u.Whole = u.bundle("transaction"), true
		return rd.emit(withoutJSON(u))
	case u.Batch:
		u.Body = nil
		for part := range slices.Chunk(u.Entries, unitEntries) {
			if err := rd.emit(unit{Batch: true, Entries: part}); err != nil {
				return err
			}
		}
		return nil
	}
	slices.SortStableFunc(u.Entries, func(a, b entry) int { return cmp.Compare(rankOfType(a.Type), rankOfType(b.Type)) })
	for _, e := range u.Entries {
		if err := rd.add(e); err != nil {
			return err
		}
	}
	return nil
}

// withoutJSON drops the entries' texts, which are in the Body.
func withoutJSON(u unit) unit {
	for i := range u.Entries {
		u.Entries[i].JSON = nil
	}
	return u
}
