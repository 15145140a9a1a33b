package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// recovering returns options with recovery on.
func recovering(r socketio.Recovery) *socketio.Options {
	if r.Store == nil {
		r.Store = storeUnderTest
	}
	return &socketio.Options{Recovery: &r}
}

// A guest is a client that comes back as the official one does: it takes the last
// argument of an event for the offset if it is a string, and events from before
// the answer to its CONNECT count once that is there.
type guest struct {
	*client
	h           *host
	nsp         string
	sid, pid    string
	offset      *string // that it would show
	got         []string
	early       []string // before the answer
	lastOffsets []string // of the last connection
}

func (h *host) guest(nsp string) *guest {
	h.t.Helper()
	g := &guest{h: h, nsp: nsp}
	if g.come() {
		h.t.Fatal("recovered without a pid")
	}
	return g
}

// come connects, and tells whether the server knew the client.
func (g *guest) come() (recovered bool) {
	g.h.t.Helper()
	recovered, err := g.tryCome(g.h)
	if err != nil {
		g.h.t.Fatal(err)
	}
	return recovered
}

func (g *guest) tryCome(h *host) (recovered bool, err error) {
	if g.client, err = h.tryWS(); err != nil {
		return false, err
	}
	conn := g.conn // or g's next one would be closed, and the garbage collector close this one at any time
	h.t.Cleanup(func() { conn.Close() })
	return g.enter()
}

// enter sends the CONNECT, and reads up to the answer.
func (g *guest) enter() (recovered bool, err error) {
	g.early, g.lastOffsets = nil, nil
	if err := g.trySend("40" + prefix(g.nsp) + g.payload()); err != nil {
		return false, err
	}
	for {
		p, _, err := g.tryRead()
		if err != nil {
			return false, err
		}
		if answer, ok := strings.CutPrefix(p, "40"+prefix(g.nsp)); ok {
			var a struct{ SID, PID string }
			if err := json.Unmarshal([]byte(answer), &a); err != nil || len(a.SID) != 20 || len(a.PID) != 20 || a.PID == a.SID {
				return false, fmt.Errorf("answer %s", answer)
			}
			recovered = a.PID == g.pid
			if recovered != (a.SID == g.sid) {
				return false, fmt.Errorf("answer %s to the client %s with pid %s", answer, g.sid, g.pid)
			}
			if !recovered { // or they are the same, and others may be reading them
				g.sid, g.pid = a.SID, a.PID
			}
			break
		}
		if err := g.wantEvent(p); err != nil {
			return false, err
		}
		g.early = append(g.early, p)
	}
	for _, p := range g.early {
		g.process(p)
	}
	return recovered, nil
}

func (g *guest) wantEvent(p string) error {
	if strings.HasPrefix(p, "42"+prefix(g.nsp)+"[") {
		return nil
	}
	return fmt.Errorf("packet %.100q, want an event", p)
}

// payload is what the client shows.
func (g *guest) payload() string {
	if g.pid == "" {
		return ""
	}
	show := map[string]any{"pid": g.pid, "token": "t"}
	if g.offset != nil {
		show["offset"] = *g.offset
	}
	b, _ := json.Marshal(show)
	return string(b)
}

// process takes an event and returns it without its offset.
func (g *guest) process(p string) string {
	var args []any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p, "42"+prefix(g.nsp))), &args); err != nil {
		g.h.t.Errorf("packet %q: %v", p, err)
	}
	if s, ok := args[len(args)-1].(string); ok {
		g.offset = &s
		if len(s) == 16 && len(args) > 1 { // ours; the application's strings here are shorter
			g.lastOffsets = append(g.lastOffsets, s)
			args = args[:len(args)-1]
		}
	}
	e := strings.Trim(fmt.Sprintln(args...), "\n")
	g.got = append(g.got, e)
	return e
}

func (g *guest) tryNext() (string, error) {
	p, _, err := g.tryRead()
	if err == nil {
		err = g.wantEvent(p)
	}
	if err != nil {
		return "", err
	}
	return g.process(p), nil
}

// hears reads events and compares everything heard so far, offsets left out.
func (g *guest) hears(events ...string) {
	g.h.t.Helper()
	for len(g.got) < len(events) {
		if _, err := g.tryNext(); err != nil {
			g.h.t.Fatalf("heard %q, then %v, want %q", g.got, err, events)
		}
	}
	if !slices.Equal(g.got, events) {
		g.h.t.Fatalf("heard %q, want %q", g.got, events)
	}
	g.got = nil
}

// quiet checks that nothing has been sent.
func (g *guest) quiet(n *nsp) {
	g.h.t.Helper()
	if err := n.Socket(g.sid).Emit("nothing else"); err != nil {
		g.h.t.Fatal(err)
	}
	g.hears("nothing else")
}

// cut breaks the connection and waits until the server has noticed.
func (g *guest) cut(n *nsp) {
	g.h.t.Helper()
	g.conn.Close()
	n.breaks()
}

// breaks checks that a socket is told that its connection has broken. It is an error
// if something was under way.
func (n *nsp) breaks() {
	n.t.Helper()
	what := timetest.Receive(n.t, n.journal, n.h.limit, "the end of a connection")
	if what != "disconnecting transport close" && what != "disconnecting transport error" {
		n.t.Fatalf("journal %.200q", what)
	}
	n.wants(strings.Replace(what, "disconnecting", "disconnect", 1))
}

// comes has a copy of the guest, with what that shows, come by itself.
func (g *guest) comes() (*guest, <-chan bool) {
	again, result := *g, make(chan bool, 1)
	again.client, again.got = nil, nil
	go func() { // until the answer
		ok, err := again.tryCome(g.h)
		if err != nil {
			g.h.t.Error(err)
		}
		result <- ok
	}()
	synctest.Wait()
	return &again, result
}

// fresh checks that who comes with the guest's pid is a new client, and when.
func (g *guest) fresh(start time.Time, d time.Duration) {
	g.h.t.Helper()
	again := *g
	if again.come() {
		g.h.t.Error("recovered")
	}
	after(g.h.t, start, d)
	again.conn.Close()
	synctest.Wait()
}

// answers has the guest's connection read, and pings answered, until it is closed. It
// returns what else comes.
func (g *guest) answers() <-chan string {
	packets := make(chan string, 100)
	go func() {
		defer close(packets)
		for {
			p, _, err := g.tryRead()
			if err != nil {
				return
			}
			if p == "2" {
				err = g.trySend("3")
			} else {
				packets <- p
			}
			if err != nil {
				return
			}
		}
	}()
	return packets
}

// begin makes a guest that has a value, a room and an event.
func begin(h *host, n *nsp) (*guest, *socketio.Socket) {
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	s.SetValue("k", 1)
	done(h.t, s.Join("room"), s.Emit("first"))
	g.hears("first")
	return g, s
}

// whole checks that a socket is what begin has made, and n nobody else's.
func whole(t *testing.T, n *nsp, s *socketio.Socket) {
	t.Helper()
	if !s.Connected() || n.Socket(s.ID()) != s || s.Value("k") != 1 || !slices.Equal(s.Rooms(), []string{"room"}) {
		t.Errorf("connected %t, listed %t, value %v, rooms %v", s.Connected(), n.Socket(s.ID()) == s, s.Value("k"), s.Rooms())
	}
	if count, err := n.All().To("room").Count(context.Background()); count != 1 || err != nil {
		t.Errorf("%d in the room, %v", count, err)
	}
}

// unread makes a client whose connection takes everything and hands on nothing.
func (g *guest) unread() (closed func()) {
	conn := g.conn
	read := make(chan struct{})
	_ = conn.SetReadDeadline(time.Time{})
	go func() { // ends with the connection
		defer close(read)
		for buf := make([]byte, 4096); ; {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	return func() {
		_ = conn.Close()
		<-read
	}
}

func done(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
