package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/bench/internal/record"
)

// Somebody does something again and again that takes a lock of the namespace for a moment,
// and what takes longest of it has waited for others. Members are in memory and never poll,
// so that a hundred thousand of them can be had, and nothing is written.

var members = []int{10, 100, 1000, 10_000, 100_000}

const (
	waitTime  = 600 * time.Millisecond // how long each thing is done
	waitParts = 12                     // of that: one in which a thread was not let run tells nothing
)

// A wait is what the one who wants the lock has seen, in seconds: medians of the parts.
type wait struct {
	Doing, Wants string
	Usual        float64 // the 999th of a thousand
	Worst        float64
}

func reportWaits(b *strings.Builder) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	found, names := make(map[string][]wait), []string(nil) // by row
	for _, n := range members {
		cmd := exec.Command(self, "-waits", strconv.Itoa(n))
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("waits among %d: %w", n, err)
		}
		var all []wait
		if err := json.Unmarshal(out, &all); err != nil {
			return err
		}
		for _, w := range all {
			name := w.Doing + " | " + w.Wants
			if found[name] == nil {
				names = append(names, name)
			}
			found[name] = append(found[name], w)
		}
	}
	fmt.Fprintf(b, "\n## How long a lock is waited for\n\nOne goroutine does something with all members of a room, another one wants the same lock again and again. "+
		"What that takes of a thousand times all but once, and **at worst**: medians of %d windows of %v, in µs. The rows where nobody else does anything are the machine's own. "+
		"In memory; nothing is written, and no garbage collected meanwhile.\n\n| members | who wants it |", waitParts, waitTime/waitParts)
	for _, n := range members {
		fmt.Fprintf(b, " %d |", n)
	}
	fmt.Fprintf(b, "\n|---|---|%s\n", strings.Repeat("---|", len(members)))
	for _, name := range names {
		fmt.Fprintf(b, "| %s |", name)
		for _, w := range found[name] {
			fmt.Fprintf(b, " %s / **%s** |", micros(w.Usual), micros(w.Worst))
		}
		b.WriteString("\n")
	}
	return nil
}

// micros tells seconds in µs.
func micros(seconds float64) string {
	if us := 1e6 * seconds; us < 10 {
		return fmt.Sprintf("%.2f", us)
	}
	return fmt.Sprintf("%.0f", 1e6*seconds)
}

// measureWaits is the process that has so many members.
func measureWaits(n int, out io.Writer) error {
	var all []wait
	for _, recovery := range []*sio.Recovery{nil, {}} {
		w, err := newWorld(n, recovery)
		if err != nil {
			return err
		}
		some, err := w.waits()
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	return json.NewEncoder(out).Encode(all)
}

// A world is a server whose clients are in memory.
type world struct {
	srv       *sio.Server
	recovery  bool
	connected chan *sio.Socket
	sockets   []*sio.Socket // all in one room, but for the first, who wants the lock
}

func newWorld(n int, recovery *sio.Recovery) (*world, error) {
	w := &world{recovery: recovery != nil, connected: make(chan *sio.Socket, 1)}
	w.srv = sio.New(&sio.Options{
		PingInterval:  time.Hour, // nobody answers
		ForgetRequest: true,
		Recovery:      recovery,
		QueueBytes:    1 << 30, // nobody takes what is sent
		QueuePackets:  1 << 24,
		TotalBytes:    1 << 40,
	})
	w.srv.OnConnect(func(c *sio.Context) error {
		w.connected <- c.Socket()
		return nil
	})
	for i := range n + 1 {
		s, err := w.connect()
		if err != nil {
			return nil, err
		}
		if i > 0 {
			if err := s.Join("room"); err != nil {
				return nil, err
			}
		}
		w.sockets = append(w.sockets, s)
	}
	return w, nil
}

// connect connects a client by long-polling, and waits until it is let in.
func (w *world) connect() (*sio.Socket, error) {
	open, err := w.request(http.MethodGet, "", "")
	if err != nil {
		return nil, err
	}
	var handshake struct{ SID string }
	if err := json.Unmarshal([]byte(open[1:]), &handshake); err != nil {
		return nil, err
	}
	if _, err := w.request(http.MethodPost, handshake.SID, "40"); err != nil {
		return nil, err
	}
	s := <-w.connected
	_, err = w.request(http.MethodGet, handshake.SID, "") // with the answer
	for !s.Connected() {
		runtime.Gosched()
	}
	return s, err
}

func (w *world) request(method, sid, body string) (string, error) {
	target := "/socket.io/?EIO=4&transport=polling"
	if sid != "" {
		target += "&sid=" + sid
	}
	res := httptest.NewRecorder()
	w.srv.ServeHTTP(res, httptest.NewRequest(method, target, strings.NewReader(body)))
	if res.Code != http.StatusOK {
		return "", fmt.Errorf("%s %.100q: %d %s", method, body, res.Code, res.Body)
	}
	return res.Body.String(), nil
}

// waits does one thing after the other.
func (w *world) waits() ([]wait, error) {
	debug.FreeOSMemory()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	me, rest := w.sockets[0], w.sockets[1:]
	type action struct {
		name string
		do   func(i int) error
	}
	wants := []action{
		{"looks up a socket", func(int) error { w.srv.Socket("nobody"); return nil }},
		{"joins a room and leaves it", func(int) error { me.Leave("mine"); return me.Join("mine") }},
	}
	doing := []action{
		{"nothing", nil},
		{"leave and join", func(i int) error { s := rest[i%len(rest)]; s.Leave("room"); return s.Join("room") }},
		{"come and go", func(int) error {
			s, err := w.connect()
			if err == nil {
				err = s.Join("room")
				s.Disconnect(true)
			}
			return err
		}},
		{"get a broadcast", func(int) error { return w.srv.To("room").Volatile().Emit("news", 1) }},
		{"get a broadcast but for some", func(int) error { return w.srv.To("room").Except("mine").Volatile().Emit("news", 1) }},
	}
	if w.recovery {
		wants = append(wants[1:], action{"emits to one", func(i int) error { return me.Emit("note", i) }})
		doing = []action{
			{"nothing, with recovery", nil},
			{"come and go, with recovery", doing[2].do},
			{"get a broadcast, with recovery", func(int) error { return w.srv.To("room").Emit("news", 1) }},
		}
	}
	var all []wait
	for _, d := range doing {
		for _, want := range wants {
			usual, worst, err := prodded(d.do, want.do)
			if err != nil {
				return nil, err
			}
			all = append(all, wait{d.name, want.name, record.Sorted(usual).Median(), record.Sorted(worst).Median()})
		}
	}
	return all, nil
}

// mostDone is how often something is done at most: of what nobody takes, much is kept.
const mostDone = 20_000

// prodded returns how long want took while another goroutine does something, in each part of
// the time: all but one of a thousand times, and at worst.
func prodded(do, want func(i int) error) (usual, worst []float64, err error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { // until stop
		var err error
		for i := 0; do != nil && err == nil && i < mostDone && !closed(stop); i++ {
			err = do(i)
		}
		<-stop
		done <- err
	}()
	defer func() {
		close(stop)
		err = errors.Join(err, <-done)
	}()
	i := 0
	for range waitParts {
		var took []time.Duration
		for start := time.Now(); time.Since(start) < waitTime/waitParts; i++ {
			begin := time.Now()
			if err := want(i); err != nil {
				return nil, nil, err
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		usual = append(usual, took[len(took)*999/1000].Seconds())
		worst = append(worst, took[len(took)-1].Seconds())
	}
	return usual, worst, nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
