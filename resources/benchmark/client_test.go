package benchmark

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// A connection asks one server, and costs little: client, server and floor share the machine's processors, and what the client takes
// counts against the server. Requests are bytes that were made beforehand; of an answer it reads the status and where it ends.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func connectTo(base string) (*connection, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReaderSize(c, 64<<10)}, nil
}

// requestFor a path below the server's base, as a client sends it that takes what is named in Accept-Encoding; "" for nothing.
func requestFor(base, path, encoding string) []byte {
	u, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	header := ""
	if encoding != "" {
		header = "Accept-Encoding: " + encoding + "\r\n"
	}
	return []byte("GET " + u.Path + "/" + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nAccept: application/fhir+json\r\n" + header + "\r\n")
}

func requestsFor(base string, paths []string, encoding string) [][]byte {
	list := make([][]byte, len(paths))
	for i, path := range paths {
		list[i] = requestFor(base, path, encoding)
	}
	return list
}

// get sends a request and reads over the answer, which has to be 200 and not empty.
func (c *connection) get(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	status, err := c.line()
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("%s: %s", request, status)
	}
	length, chunked := 0, false
	for {
		header, err := c.line()
		if err != nil {
			return err
		}
		if len(header) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(header, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
		chunked = chunked || string(header) == "Transfer-Encoding: chunked"
	}
	switch {
	case chunked:
		if _, err := io.Copy(io.Discard, httputil.NewChunkedReader(c.in)); err != nil {
			return err
		}
		_, err := c.line()
		return err
	case length == 0:
		return errors.New("an empty answer")
	}
	_, err = c.in.Discard(length)
	return err
}

// line is valid until the next one is read.
func (c *connection) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// hammer is how many GETs a second as many connections get.
func (b *bench) hammer(base string, paths []string, connections int, d time.Duration) float64 {
	requests := requestsFor(base, paths, "")
	rate, err := inTurns(connections, d, func() (func() error, error) {
		c, err := connectTo(base)
		if err != nil {
			return nil, err
		}
		b.Cleanup(func() { c.Close() })
		return func() error { return c.get(requests[rand.IntN(len(requests))]) }, nil
	})
	b.must(err)
	return rate
}

// ask is the median of what requests take, one at a time on one connection, in milliseconds.
func (b *bench) ask(server *process, paths []string, encoding string) float64 {
	var took []float64
	for range searchTimes {
		took = append(took, b.askOnce(server, paths, encoding)...)
	}
	return median(took)
}

// searchTimes is how often each search is asked.
const searchTimes = 4

// askOnce is what each request takes, in milliseconds.
func (b *bench) askOnce(server *process, paths []string, encoding string) []float64 {
	c, err := connectTo(server.base)
	b.must(err)
	defer c.Close()
	requests := requestsFor(server.base, paths, encoding)
	b.must(c.get(requests[0])) // the first one on a connection waits for more
	var took []float64
	for _, request := range requests {
		begun := time.Now()
		b.must(c.get(request))
		took = append(took, milliseconds(time.Since(begun)))
	}
	return took
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
