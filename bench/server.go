package main

import (
	"bufio"
	"context"
	"encoding/json"
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

// A server is the process of a target.
type server struct {
	cmd    *exec.Cmd
	addr   netip.AddrPort
	stderr tail
	lines  chan string   // of its stdout; closed at its end
	exited chan struct{} // closed once it has been waited for
}

// startLimit is for those that compile themselves first.
const startLimit = 30 * time.Second

// start starts a target. The process ends with the thread that calls this, at the
// latest: the main one.
func start(ctx context.Context, t target) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	name := t.Run[0]
	if strings.Contains(name, "/") { // else it is looked up in $PATH
		if name, err = filepath.Abs(filepath.Join(t.Dir, name)); err != nil {
			return nil, err
		}
	}
	s := &server{addr: addr, lines: make(chan string, 1), exited: make(chan struct{})}
	s.cmd = exec.Command(name, t.Run[1:]...)
	s.cmd.Dir = t.Dir
	s.cmd.Env = append(os.Environ(), append(t.Env, fmt.Sprintf("PORT=%d", addr.Port()))...)
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go s.wait(stdout) // until it has exited

	select {
	case line := <-s.lines:
		if line == "ready" {
			return s, nil
		}
		err = fmt.Errorf("said %q instead of ready", line)
	case <-time.After(startLimit):
		err = fmt.Errorf("not ready after %v", startLimit)
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.stop()
	return nil, fmt.Errorf("%w; %s", err, &s.stderr)
}

func (s *server) wait(stdout io.Reader) {
	scanner := bufio.NewScanner(stdout)
	if scanner.Scan() {
		s.lines <- scanner.Text()
	}
	close(s.lines)
	_, _ = io.Copy(io.Discard, stdout) // so that it never blocks
	_ = s.cmd.Wait()                   // it has been killed, mostly
	close(s.exited)
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// alive returns an error if the process has ended by itself.
func (s *server) alive() error {
	select {
	case <-s.exited:
		return fmt.Errorf("the server died: %v; %s", s.cmd.ProcessState, &s.stderr)
	default:
		return nil
	}
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// A memory is what a server says of itself after collecting its garbage.
type memory struct {
	Heap  *float64 `json:"heap"`
	Stack *float64 `json:"stack"`
}

var memClient = http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

func (s *server) collect() (m memory, err error) {
	resp, err := memClient.Get(fmt.Sprintf("http://%s/mem", s.addr))
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		return m, fmt.Errorf("/mem: %w", err)
	}
	return m, nil
}

// resident returns the bytes that are resident, from the page tables: VmRSS in
// /proc/PID/status is off by up to 64 pages for each processor.
func (s *server) resident() (float64, error) {
	return s.kilobytes("smaps_rollup", "Rss:")
}

// residentRoughly is cheap, and may be asked for often.
func (s *server) residentRoughly() (float64, error) {
	return s.kilobytes("status", "VmRSS:")
}

func (s *server) kilobytes(file, field string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.pid(), file))
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
