package mongotest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func startSecantus(binary string, more ...string) (Server, error) {
	p, err := newSecantus(binary, more...)
	if err != nil {
		return nil, err
	}
	return p.begin()
}

// newSecantus is one that does not run yet.
func newSecantus(binary string, more ...string) (*process, error) {
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
		p.address = address
		return err
	}
	return p, nil
}
