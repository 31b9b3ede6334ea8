package mongotest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Cache is how many MiB of memory a server that is started here takes for its cache. Only a benchmark changes it, before its first
// server.
var Cache = 256

// Server is a MongoDB server that tests may use.
type Server interface {
	Kind() string
	URI() string // without a database
	// Kill ends it as kill -9 does; Restart starts it again on the same port and data.
	Kill() error
	Restart() error
	Stop() // ends it and removes its data
}

const (
	uriVariable    = "FHIRSIDE_TEST_MONGODB_URI"
	mongodVariable = "FHIRSIDE_MONGOD"
	binaryVariable = "FHIRSIDE_SECANTUSD"
	pythonVariable = "FHIRSIDE_SECANTUSD_PY"
	patience       = 2 * time.Minute // a machine may have much else to do
)

func start() (Server, error) {
	if uri := os.Getenv(uriVariable); uri != "" {
		return running(uri), ready(uri, patience)
	}
	if binary := findMongod(); binary != "" {
		return startMongod(binary, setName)
	}
	if engine, err := exec.LookPath("docker"); err == nil && exec.Command(engine, "info").Run() == nil {
		return startDocker(engine)
	}
	if binary := tool("secantusd-rs", binaryVariable); binary != "" {
		return startSecantus(binary, "--log-file-max", "32MB")
	}
	return nil, fmt.Errorf("set %s, install mongod, run Docker, or run `make mongodb`", uriVariable)
}

// tool is the path of a program that a variable names, that is on the PATH or that make installs; "" where it is not there.
func tool(name, variable string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if path := filepath.Join(dir, ".cache", "tools", "bin", name); exists(path) {
			return path
		}
		if exists(filepath.Join(dir, "go.mod")) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// running is a server that somebody else runs.
type running string

func (r running) Kind() string { return "uri" }
func (r running) URI() string  { return string(r) }
func (running) Kill() error    { return errors.New("not ours to kill") }
func (running) Restart() error { return errors.New("not ours to start") }
func (running) Stop()          {}

// process is a server program that we started.
type process struct {
	kind      string
	port      string // when it has started; it keeps it
	query     string // of its connection string
	dir       string
	start     func() *exec.Cmd
	announced func(io.Reader) error // reads what the program prints until it is ready; nil: no need
	initiate  func() error          // after the first start; nil: no need
	mu        sync.Mutex
	cmd       *exec.Cmd // nil while it does not run
	ended     chan struct{}
}

func (p *process) Kind() string    { return p.kind }
func (p *process) address() string { return "127.0.0.1:" + p.port }
func (p *process) URI() string     { return "mongodb://" + p.address() + "/" + p.query }

func (p *process) run() error {
	cmd := p.start()
	dieWithParent(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // see dieWithParent
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_, _ = cmd.Process.Wait()
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return err
	}
	p.mu.Lock()
	p.cmd, p.ended = cmd, ended
	p.mu.Unlock()
	buffered := bufio.NewReader(out)
	if p.announced != nil {
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		err := p.announced(buffered)
		late.Stop()
		if err != nil {
			_ = p.Kill()
			return fmt.Errorf("%s did not start: %w", p.kind, err)
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, buffered)
		_ = out.Close()
	}()
	return nil
}

func (p *process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	<-p.ended
	p.cmd = nil
	return err
}

func (p *process) Restart() error {
	if err := p.run(); err != nil {
		return err
	}
	return ready(p.URI(), patience)
}

func (p *process) Stop() {
	_ = p.Kill()
	_ = os.RemoveAll(p.dir)
}

// runFirst gives it a port, and another one where somebody else takes that before it does.
func (p *process) runFirst() (err error) {
	for range 3 {
		if p.port, err = freePort(); err != nil {
			return err
		}
		if err = p.run(); err == nil {
			return nil
		}
	}
	return err
}

// begin starts a process for the first time; what fails leaves nothing behind.
func (p *process) begin() (Server, error) {
	err := p.runFirst()
	if err == nil && p.initiate != nil {
		err = p.initiate()
	}
	if err == nil {
		err = ready(p.URI(), patience)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

var errNoStandalone = errors.New("no server program is here that could run on its own")

func startStandalone() (Server, error) {
	if binary := findMongod(); binary != "" {
		return startMongod(binary, "")
	}
	if binary := tool("secantusd-rs", binaryVariable); binary != "" {
		return startSecantus(binary, "--log-file-max", "32MB", "--standalone")
	}
	return nil, errNoStandalone
}
