package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

// nodeEnv has the options of a node that is a process: its address, and those of its
// peers.
const nodeEnv = "SIO_TEST_NODE"

// runNode serves as a node if that is what this process was started for, until its input
// ends. It publishes the lines that it reads, and writes those that it hears.
func runNode() bool {
	fields := strings.Fields(os.Getenv(nodeEnv))
	if len(fields) == 0 {
		return false
	}
	e, _, err := newEngine(&Options{Listen: fields[0], Peers: fields[1:], Secret: "s"}, "sio")
	if err == nil {
		err = e.Start(context.Background(), printer{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	e.Subscribe(all)
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		e.Publish(all, []byte(in.Text()), false)
	}
	e.Close()
	return true
}

// A printer is a receiver that writes what it gets.
type printer struct{}

func (printer) Receive(_, _ string, data []byte) { fmt.Printf("%s\n", data) }
func (printer) Lost(int, error)                  {}
func (printer) Missed(int, error)                {}
func (printer) Away(error)                       {}
func (printer) Back()                            {}

// A process is a node that is one.
type process struct {
	t    testing.TB
	env  string // that has the args
	args []string
	cmd  *exec.Cmd
	in   *os.File
	wg   sync.WaitGroup

	mu    sync.Mutex // protects lines
	lines []string
}

func startProcess(t testing.TB, listen string, peers ...string) *process {
	t.Helper()
	p := &process{t: t, env: nodeEnv, args: append([]string{listen}, peers...)}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), p.env+"="+strings.Join(p.args, " "))
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = natstest.DieWithParent()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Stdin, p.in = read, write
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	read.Close()
	p.wg.Go(func() { // until the process ends
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, s.Text())
			p.mu.Unlock()
		}
	})
	wait(p.t, "the process is ready", func() bool { return p.heard("ready") })
}

// kill ends it as kill -9 does.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.wg.Wait()
	p.cmd.Wait()
	p.in.Close()
	p.lines = nil
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) publish(data string) { fmt.Fprintln(p.in, data) }

func (p *process) heard(data string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.lines, data)
}

// Of three processes one is killed and comes back, and one hangs: the others never wait
// for it.
func TestProcesses(t *testing.T) {
	var addrs []string
	for range 3 {
		addrs = append(addrs, fmt.Sprint("127.0.0.1:", natstest.FreePort(t)))
	}
	a := startProcess(t, addrs[0], addrs...)
	b := startProcess(t, addrs[1], addrs...)
	c := startProcess(t, addrs[2], addrs...)
	mesh(t, a, b, c)

	c.kill()
	mesh(t, a, b)
	c.start()
	t.Logf("back after kill -9: %v to be heard", reach(t, c, a, "probe of c"))
	mesh(t, a, b, c)

	c.signal(syscall.SIGSTOP)
	large := strings.Repeat("x", 60_000)
	for i := range 2000 { // more than a server lets wait for another one
		data := fmt.Sprint(i, large)
		a.publish(data)
		wait(t, "the others hear each other", func() bool { return b.heard(data) })
	}
	c.signal(syscall.SIGCONT)
	t.Logf("back after SIGSTOP: %v to be heard", reach(t, c, a, "probe of c again"))
	mesh(t, a, b, c)
}
