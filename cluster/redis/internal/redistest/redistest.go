// Package redistest runs Redis servers for tests.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/internal/freeport"
)

// patience is how long anything may take on a machine that is busy.
const patience = 30 * time.Second

// A Server is a redis-server that ends with its test.
type Server struct {
	Addr string

	t    testing.TB
	args []string
	dir  string
	cmd  *exec.Cmd     // nil while it does not run
	done chan struct{} // closed when all that cmd wrote has been read
}

// Start starts a server on a free port, without persistence. The arguments are those of
// redis-server: a file, or "--option", "value".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	addr := freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	if len(args) == 0 || strings.HasPrefix(args[0], "--") {
		args = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"}, args...)
	}
	return start(t, addr, args)
}

// StartAt starts a server whose arguments say which address it has.
func StartAt(t testing.TB, addr string, args ...string) *Server {
	t.Helper()
	return start(t, addr, args)
}

func start(t testing.TB, addr string, args []string) *Server {
	t.Helper()
	s := &Server{Addr: addr, t: t, args: args, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	s.Restart()
	return s
}

// Restart starts a server that does not run, and waits until it serves.
func (s *Server) Restart() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	s.cmd.Dir = s.dir
	s.cmd.SysProcAttr = dieWithParent()
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan struct{})
	s.done = make(chan struct{})
	var log strings.Builder
	go func() { // until the server ends
		defer close(s.done)
		once := sync.OnceFunc(func() { close(ready) })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			line := lines.Text()
			fmt.Fprintln(&log, line)
			if strings.Contains(line, "Ready to accept connections") || strings.Contains(line, "Sentinel ID is") {
				once()
			}
		}
	}()
	select {
	case <-ready:
	case <-s.done:
		s.t.Fatalf("redis-server has ended:\n%s", &log)
	case <-time.After(patience):
		s.t.Fatal("redis-server does not begin to serve")
	}
}

// Kill ends a server with SIGKILL.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	<-s.done
	_ = s.cmd.Wait() // it says that the server was killed
	s.cmd = nil
}

// Freeze stops the process, with its connections as they are; Thaw lets it go on.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Error("redis-server has ended by itself: ", err)
	}
}

// Do sends a command, and fails the test if it does.
func (s *Server) Do(args ...string) rueidis.RedisMessage {
	s.t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true, ForceSingleClient: true, PipelineMultiplex: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := client.Do(ctx, client.B().Arbitrary(args...).Build()).ToMessage()
	if err != nil && !rueidis.IsRedisNil(err) {
		s.t.Fatalf("%v: %v", args, err)
	}
	return m
}
