// Package process builds servers and runs them, each in a process of its own.
package process

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Command is how a server is run.
type Command struct {
	Dir   string
	Run   []string          // relative to Dir; is itself the server. $PORT, in the arguments too, is where it is to listen
	Env   []string          // more for the environment, NAME=value
	Ready string            // the end of the line by which it says that it listens; "" is "ready"
	Addr  netip.AddrPort    // where it is to listen; by default where nobody does
	Line  func(line string) // is called with each further line
	Quiet bool              // it says nothing: it is ready when it listens
}

// A Server is a process of a command.
type Server struct {
	Addr   netip.AddrPort
	cmd    *exec.Cmd
	stderr tail
	ready  chan struct{} // closed once it has said so
	exited chan struct{} // closed once it has been waited for
}

// startLimit is for those that compile themselves first.
const startLimit = 30 * time.Second

// Start starts a server. The process ends with the thread that calls this, at the
// latest: the main one.
func Start(ctx context.Context, c Command) (*Server, error) {
	addr, err := c.Addr, error(nil)
	if !addr.IsValid() {
		if addr, err = freeAddr(); err != nil {
			return nil, err
		}
	}
	name := c.Run[0]
	if strings.Contains(name, "/") { // else it is looked up in $PATH
		if name, err = filepath.Abs(filepath.Join(c.Dir, name)); err != nil {
			return nil, err
		}
	}
	port := strconv.Itoa(int(addr.Port()))
	var args []string
	for _, arg := range c.Run[1:] {
		args = append(args, strings.ReplaceAll(arg, "$PORT", port))
	}
	s := &Server{Addr: addr, ready: make(chan struct{}), exited: make(chan struct{})}
	s.cmd = exec.Command(name, args...)
	s.cmd.Dir = c.Dir
	s.cmd.Env = append(os.Environ(), append(c.Env, "PORT="+port)...)
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := cmp.Or(c.Ready, "ready")
	if c.Quiet {
		ready = ""
	}
	go s.wait(stdout, ready, c.Line) // until it has exited

	if c.Quiet {
		go s.awaitListener() // until it has exited
	}
	select {
	case <-s.ready:
		return s, nil
	case <-s.exited:
		err = errors.New("exited before it was ready")
	case <-time.After(startLimit):
		err = fmt.Errorf("not ready after %v", startLimit)
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.Stop()
	return nil, fmt.Errorf("%w; %s", err, &s.stderr)
}

func (s *Server) wait(stdout io.Reader, ready string, line func(string)) {
	scanner, said := bufio.NewScanner(stdout), ready == ""
	for (!said || line != nil) && scanner.Scan() {
		switch {
		case said:
			line(scanner.Text())
		case strings.HasSuffix(scanner.Text(), ready):
			close(s.ready)
			said = true
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // so that it never blocks
	_ = s.cmd.Wait()                   // it has been killed, mostly
	close(s.exited)
}

// awaitListener tries to connect until that works.
func (s *Server) awaitListener() {
	for {
		if c, err := net.Dial("tcp", s.Addr.String()); err == nil {
			_ = c.Close() // it has said nothing
			close(s.ready)
			return
		}
		select {
		case <-s.exited:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Stop kills it.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// End has it end by itself, by a signal, and waits until it has. It fails if that takes longer
// than limit, or if it says that something was wrong.
func (s *Server) End(signal os.Signal, limit time.Duration) error {
	_ = s.cmd.Process.Signal(signal) // it may be dead
	select {
	case <-s.exited:
	case <-time.After(limit):
		s.Stop()
		return fmt.Errorf("not gone %v after %v; %s", limit, signal, &s.stderr)
	}
	if !s.cmd.ProcessState.Success() {
		return fmt.Errorf("%v; %s", s.cmd.ProcessState, &s.stderr)
	}
	return nil
}

// Alive returns an error if the process has ended by itself.
func (s *Server) Alive() error {
	select {
	case <-s.exited:
		return fmt.Errorf("the server died: %v; %s", s.cmd.ProcessState, &s.stderr)
	default:
		return nil
	}
}

// PID returns the number of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// A Memory is what a server says of itself after collecting its garbage.
type Memory struct {
	Heap  *float64 `json:"heap"`
	Stack *float64 `json:"stack"`
}

var memClient = http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Collect asks the server at /mem.
func (s *Server) Collect() (m Memory, err error) {
	resp, err := memClient.Get(fmt.Sprintf("http://%s/mem", s.Addr))
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		return m, fmt.Errorf("/mem: %w", err)
	}
	return m, nil
}

// Resident returns the bytes that are resident, from the page tables: VmRSS in
// /proc/PID/status is off by up to 64 pages for each processor.
func (s *Server) Resident() (float64, error) {
	return s.kilobytes("smaps_rollup", "Rss:")
}

// Anonymous returns the resident bytes that are not of files: no code, but heap and stacks.
func (s *Server) Anonymous() (float64, error) {
	return s.kilobytes("smaps_rollup", "Anonymous:")
}

// ResidentRoughly is cheap, and may be asked for often.
func (s *Server) ResidentRoughly() (float64, error) {
	return s.kilobytes("status", "VmRSS:")
}

func (s *Server) kilobytes(file, field string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.PID(), file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == field {
			n, err := strconv.ParseFloat(words[1], 64)
			return n * 1024, err
		}
	}
	return 0, fmt.Errorf("no %s in %s", field, file)
}

// freeAddr returns an address that nobody listened on just now.
func freeAddr() (netip.AddrPort, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	return l.Addr().(*net.TCPAddr).AddrPort(), l.Close()
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	t.buf = t.buf[max(0, len(t.buf)-tailSize):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.buf) == 0 {
		return "it wrote no errors"
	}
	return "it wrote: " + strings.TrimSpace(string(t.buf))
}
