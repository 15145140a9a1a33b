package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// roleVar names what a process is to be, if it is not the one that measures.
const roleVar = "SOAK_ROLE"

// longest is the time after which a role ends, whatever happens.
const longest = 10 * time.Minute

// actRole plays the role that this process has been started for, if any.
func actRole() bool {
	roles := map[string]func() error{"server": serve, "sink": sink, "flooder": flood}
	act := roles[os.Getenv(roleVar)]
	if act == nil {
		return false
	}
	time.AfterFunc(longest, func() { os.Exit(3) })
	if err := act(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Getenv(roleVar), err)
		os.Exit(1)
	}
	return true
}

// A role is a process that is told by lines, and answers each with one. It ends
// when its standard input does.
type role struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// patience is for an answer. Two thousand connections may have to be made for it.
const patience = time.Minute

var errSilent = errors.New("no answer")

// start starts a role, which first says where it listens, or that it is ready.
func start(ctx context.Context, name string, env ...string) (*role, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	r := &role{cmd: exec.CommandContext(ctx, self)}
	r.cmd.Env = append(append(os.Environ(), roleVar+"="+name), env...)
	r.cmd.Stderr = os.Stderr
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	r.stdout = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, "", err
	}
	line, err := r.hear()
	if err != nil {
		r.stop()
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	return r, line, nil
}

func (r *role) tell(line string) (answer string, err error) {
	if _, err := fmt.Fprintln(r.stdin, line); err != nil {
		return "", err
	}
	return r.hear()
}

func (r *role) hear() (string, error) {
	stuck := time.AfterFunc(patience, func() { _ = r.cmd.Process.Kill() })
	line, err := r.stdout.ReadString('\n')
	if !stuck.Stop() {
		err = errSilent
	}
	return strings.TrimSuffix(line, "\n"), err
}

// stop ends the process, which has nothing to tidy up.
func (r *role) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // it has been killed
}

func (r *role) pid() int { return r.cmd.Process.Pid }

// lines calls answer with each line of the standard input, and prints what it
// returns.
func lines(answer func(line string) (string, error)) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		a, err := answer(in.Text())
		if err != nil {
			return err
		}
		fmt.Println(a)
	}
	return in.Err()
}

// A memory is what is resident of a process: now, and at most so far.
type memory struct{ now, most int64 }

func (r *role) memory() (m memory, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid()))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		var field *int64
		switch words[0] {
		case "VmRSS:":
			field = &m.now
		case "VmHWM:":
			field = &m.most
		default:
			continue
		}
		kilobytes, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return m, err
		}
		*field = kilobytes << 10
	}
	return m, nil
}

// addresses takes what a server or sink says first: where it listens, plainly and
// for TLS.
func addresses(line string) (at [2]netip.AddrPort, err error) {
	plain, secure, _ := strings.Cut(line, " ")
	if at[0], err = netip.ParseAddrPort(plain); err != nil {
		return at, err
	}
	at[1], err = netip.ParseAddrPort(secure)
	return at, err
}
