package mongotest

import (
	"fmt"
	"os/exec"
	"strings"
)

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
		"--replSet", setName, "--bind_ip_all", "--port", port, "--wiredTigerCacheSizeGB", cacheGB(),
		"--setParameter", "enableTestCommands=1").Output()
	if err != nil {
		return nil, fmt.Errorf("docker run mongo: %w", err)
	}
	address := "127.0.0.1:" + port
	c := &container{engine: engine, id: strings.TrimSpace(string(out)), uri: "mongodb://" + address + "/?replicaSet=" + setName}
	if err = initiate("mongodb://"+address, setName, address); err == nil {
		err = ready(c.uri, patience)
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}
