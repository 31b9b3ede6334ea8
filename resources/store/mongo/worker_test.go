package mongo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// workerVariable, in the environment, makes the test binary a worker on the database that it names.
const workerVariable = "FHIRSIDE_TEST_WORKER"

func TestMain(m *testing.M) {
	if uri := os.Getenv(workerVariable); uri != "" {
		if err := work(uri); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	mongotest.Main(m)
}

// work serves a store to other processes until standard input ends. It prints where.
func work(uri string) error {
	s, err := Open(context.Background(), uri, Options{})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(s, newLine(c))
		}
	}()
	fmt.Println(listener.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, listener.Close(), s.Close())
}

// answer answers one call.
func answer(s *Store, l *line) {
	defer l.Close()
	asked, err := l.hear()
	if err != nil {
		return
	}
	ctx := context.Background()
	var m message
	switch asked.Call {
	case "read many":
		m.Versions, err = s.ReadMany(ctx, asked.Keys)
	case "history":
		m.Past, err = listOf(s.History(ctx, asked.History))
	case "changes":
		m.Changes, err = listOf(s.Changes(ctx, asked.After))
	case "follow":
		err = followFor(ctx, s, l, asked.After)
	case "get":
		m.Entry, err = s.State().Get(ctx, asked.Entry.Kind, asked.Entry.Key)
	case "set":
		m.Number, err = s.State().Put(ctx, asked.Entry)
	case "unset":
		err = s.State().Delete(ctx, asked.Entry.Kind, asked.Entry.Key)
	case "list":
		m.Entries, err = listOf(s.State().List(ctx, asked.Entry.Kind, asked.Entry.Owner))
	case "commit":
		m.Call, err = commitWith(ctx, s, l)
	default:
		m, err = read(outside{s, ctx}, asked)
	}
	m.Failed = failureOf(err)
	_ = l.out.Encode(m) // whoever asked may be gone
}

// followFor sends the other side what it follows, until that is gone.
func followFor(ctx context.Context, s *Store, l *line, after string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	more := make(chan struct{}, 1) // it waits for each answer
	go func() {
		defer stop()
		for _, err := l.hear(); err == nil; _, err = l.hear() {
			more <- struct{}{}
		}
	}()
	for batch, err := range s.Follow(ctx, after) {
		if err == nil {
			err = l.out.Encode(message{Changes: batch})
		}
		if err != nil {
			return err
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
	return nil
}

// reader is what a store and a commit are both asked for.
type reader interface {
	Read(resourceType, id string) (store.Version, error)
	Search(s store.Search) iter.Seq2[store.Match, error]
	Count(types []string, f search.Filter) (int64, error)
}

// outside reads outside of commits.
type outside struct {
	s   *Store
	ctx context.Context
}

func (o outside) Read(resourceType, id string) (store.Version, error) {
	return o.s.Read(o.ctx, resourceType, id)
}

func (o outside) Search(s store.Search) iter.Seq2[store.Match, error] { return o.s.Search(o.ctx, s) }

func (o outside) Count(types []string, f search.Filter) (int64, error) {
	return o.s.Count(o.ctx, types, f)
}

func read(from reader, asked message) (m message, err error) {
	switch asked.Call {
	case "read":
		m.Version, err = from.Read(asked.Key.Type, asked.Key.ID)
	case "search":
		m.Matches, err = listOf(from.Search(asked.Search))
	case "count":
		m.Number, err = from.Count(asked.Types, asked.Filter)
	default:
		err = fmt.Errorf("nobody here knows what %q is", asked.Call)
	}
	return m, err
}

const functionFailed = "the function failed"

// commitWith runs a commit whose function is on the other side, which asks for what the function asks for until that has returned.
func commitWith(ctx context.Context, s *Store, l *line) (outcome string, err error) {
	err = s.Commit(ctx, func(tx store.Tx) error {
		outcome = ""
		asked, err := l.ask(message{Call: "run", Now: tx.Now()})
		for ; asked.Call != "ran"; asked, err = l.ask(answerIn(tx, asked)) {
			if err != nil {
				return err // it is gone
			}
		}
		if err != nil {
			outcome = functionFailed
		}
		return err
	})
	return outcome, err
}

// answerIn answers what the function of a commit asks for.
func answerIn(tx store.Tx, asked message) (m message) {
	var err error
	switch asked.Call {
	case "put":
		err = tx.Put(asked.Record)
	case "delete":
		m.Version, err = tx.Delete(asked.Key.Type, asked.Key.ID)
	case "expect":
		err = tx.Expect(int(asked.Number))
	case "retire":
		err = tx.Retire(asked.Keys)
	case "targets":
		m.Versions, err = tx.Targets(asked.Keys)
	default:
		m, err = read(tx, asked)
	}
	m.Failed = failureOf(err)
	return m
}

// worker is a process of its own with a store, which can be killed and replaced.
type worker struct {
	t         *testing.T
	uri       string
	mu        sync.Mutex
	end, kill func()
	address   string
}

// startWorker starts one that ends with the test.
func startWorker(t *testing.T, uri string) *worker {
	t.Helper()
	w := &worker{t: t, uri: uri}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.end() })
	return w
}

func (w *worker) start() error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerVariable+"="+w.uri)
	cmd.Stderr = w.t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return errors.Join(err, in.Close(), cmd.Wait())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.address = strings.TrimSpace(address)
	w.end = func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			w.t.Errorf("a worker: %v", err)
		}
	}
	w.kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	return nil
}

// replace kills the process as kill -9 does, and starts another one.
func (w *worker) replace() {
	w.t.Helper()
	w.kill()
	if err := w.start(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *worker) store() store.Store {
	return remote{address: func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.address
	}}
}
