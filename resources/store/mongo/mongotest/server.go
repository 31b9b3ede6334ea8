package mongotest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
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
	binaryVariable = "FHIRSIDE_SECANTUSD"
	pythonVariable = "FHIRSIDE_SECANTUSD_PY"
	patience       = 20 * time.Second
)

func start() (Server, error) {
	if uri := os.Getenv(uriVariable); uri != "" {
		return running(uri), ready(uri, patience)
	}
	if binary, err := exec.LookPath("mongod"); err == nil {
		return startMongod(binary, "fhirside")
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
	kind, uri string
	dir       string
	start     func() *exec.Cmd
	announced func(io.Reader) error // reads what the program prints until it is ready; nil: no need
	initiate  func() error          // after the first start; nil: no need
	mu        sync.Mutex
	cmd       *exec.Cmd // nil while it does not run
	ended     chan struct{}
}

func (p *process) Kind() string { return p.kind }
func (p *process) URI() string  { return p.uri }

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
	return ready(p.uri, patience)
}

func (p *process) Stop() {
	_ = p.Kill()
	_ = os.RemoveAll(p.dir)
}

// begin starts a process for the first time; what fails leaves nothing behind.
func (p *process) begin() (Server, error) {
	err := p.run()
	if err == nil && p.initiate != nil {
		err = p.initiate()
	}
	if err == nil {
		err = ready(p.uri, patience)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func startSecantus(binary string, more ...string) (Server, error) {
	dir, err := os.MkdirTemp("", "fhirside-mongodb-")
	if err != nil {
		return nil, err
	}
	port := "0" // any; afterwards the one that it took
	p := &process{kind: filepath.Base(binary), dir: dir}
	p.start = func() *exec.Cmd {
		// Without --sync-on-commit it loses acknowledged writes when it is killed.
		cmd := exec.Command(binary, append(more, "--host", "127.0.0.1", "--port", port, "--storage-path", dir,
			"--sync-on-commit", "--cache-size", fmt.Sprint(Cache, "M"), "--log-level", "INFO")...)
		cmd.Dir = dir
		return cmd
	}
	p.announced = func(r io.Reader) error {
		address := ""
		for address == "" {
			line, err := r.(*bufio.Reader).ReadString('\n')
			if err != nil {
				return fmt.Errorf("it printed %q and ended: %w", line, err)
			}
			_, address, _ = strings.Cut(line, "listening on ")
		}
		address = strings.TrimSpace(address)
		var err error
		_, port, err = net.SplitHostPort(address)
		p.uri = "mongodb://" + address + "/"
		return err
	}
	return p.begin()
}

var errNoStandalone = errors.New("no server program is here that could run on its own")

func startStandalone() (Server, error) {
	if binary, err := exec.LookPath("mongod"); err == nil {
		return startMongod(binary, "")
	}
	if binary := tool("secantusd-rs", binaryVariable); binary != "" {
		return startSecantus(binary, "--log-file-max", "32MB", "--standalone")
	}
	return nil, errNoStandalone
}

func startMongod(binary, replicaSet string) (Server, error) {
	dir, err := os.MkdirTemp("", "fhirside-mongodb-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + port
	p := &process{kind: "mongod", dir: dir, uri: "mongodb://" + address + "/"}
	arguments := []string{"--bind_ip", "127.0.0.1", "--port", port, "--dbpath", dir,
		"--wiredTigerCacheSizeGB", cacheGB(), "--setParameter", "enableTestCommands=1", "--quiet"}
	if replicaSet != "" {
		p.uri += "?replicaSet=" + replicaSet
		arguments = append(arguments, "--replSet", replicaSet)
		p.initiate = func() error { return initiate(address) }
	}
	p.start = func() *exec.Cmd { return exec.Command(binary, arguments...) }
	return p.begin()
}

func cacheGB() string { return fmt.Sprintf("%.2f", float64(Cache)/1024) }

// initiate makes a replica set of the one node.
func initiate(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address + "/?directConnection=true"))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	return client.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: "fhirside"},
		{Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: address}}}},
	}}}).Err()
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// container is a server in a Docker container.
type container struct {
	engine, id, uri string
}

func (c *container) Kind() string { return "docker" }
func (c *container) URI() string  { return c.uri }
func (c *container) Kill() error  { return exec.Command(c.engine, "kill", c.id).Run() }
func (c *container) Stop()        { _ = exec.Command(c.engine, "rm", "--force", "--volumes", c.id).Run() }

func (c *container) Restart() error {
	if err := exec.Command(c.engine, "start", c.id).Run(); err != nil {
		return err
	}
	return ready(c.uri, patience)
}

func startDocker(engine string) (Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	// The node's own name must be its address outside, so that it listens on that port inside as well.
	out, err := exec.Command(engine, "run", "--detach", "--publish", "127.0.0.1:"+port+":"+port, "mongo:8",
		"--replSet", "fhirside", "--bind_ip_all", "--port", port, "--wiredTigerCacheSizeGB", cacheGB(),
		"--setParameter", "enableTestCommands=1").Output()
	if err != nil {
		return nil, fmt.Errorf("docker run mongo: %w", err)
	}
	address := "127.0.0.1:" + port
	c := &container{engine: engine, id: strings.TrimSpace(string(out)), uri: "mongodb://" + address + "/?replicaSet=fhirside"}
	if err = initiate(address); err == nil {
		err = ready(c.uri, patience)
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}
