package natstest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/internal/freeport"
)

// serverVersion is the version of the server that the tests run. It is not required by
// the module: who uses the client shall not have to know of the server.
const serverVersion = "v2.15.3"

// serverBinary installs the server where the tools of the Makefile are.
var serverBinary = sync.OnceValues(func() (string, error) {
	root, err := os.Getwd()
	for ; err == nil && root != "/"; root = filepath.Dir(root) {
		if _, missing := os.Stat(filepath.Join(root, "Makefile")); missing == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, ".bin")
	path := filepath.Join(bin, "nats-server-"+serverVersion)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(bin, "install")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	install := exec.Command("go", "install", "github.com/nats-io/nats-server/v2@"+serverVersion)
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, os.Rename(filepath.Join(dir, "nats-server"), path)
})

// A Server is a process of nats-server.
type Server struct {
	t    testing.TB
	port int
	args []string
	cmd  *exec.Cmd
}

// StartServer starts a server with further lines of configuration, which ends with the test.
func StartServer(t testing.TB, config string) *Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, port: FreePort(t)}
	s.args = []string{"-a", "127.0.0.1", "-p", fmt.Sprint(s.port), "-c", path}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Addr returns the address that clients connect to.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL returns the same as a URL.
func (s *Server) URL() string { return "nats://" + s.Addr() }

// Start starts it on its port, and waits until it listens.
func (s *Server) Start() {
	s.t.Helper()
	binary, err := serverBinary()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(binary, s.args...)
	s.cmd.SysProcAttr = DieWithParent()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", s.Addr())
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(err)
		}
	}
}

// Kill ends it as kill -9 does.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// Signal sends the process a signal.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// FreePort returns a port of the loopback address that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	_, port, err := net.SplitHostPort(freeport.Addr(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
