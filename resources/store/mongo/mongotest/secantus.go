package mongotest

import (
	"bufio"
	"fmt"
	"io"
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
	p := &process{kind: filepath.Base(binary), dir: dir}
	p.start = func() *exec.Cmd {
		// Without --sync-on-commit it loses acknowledged writes when it is killed.
		cmd := exec.Command(binary, append(more, "--host", "127.0.0.1", "--port", p.port, "--storage-path", dir,
			"--sync-on-commit", "--cache-size", fmt.Sprint(Cache, "M"), "--log-level", "INFO")...)
		cmd.Dir = dir
		return cmd
	}
	p.announced = func(r io.Reader) error {
		for {
			line, err := r.(*bufio.Reader).ReadString('\n')
			if err != nil {
				return fmt.Errorf("it printed %q and ended: %w", line, err)
			}
			if strings.Contains(line, "listening on ") {
				return nil
			}
		}
	}
	return p, nil
}
