package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// Who is lost again before it was let in, or is refused, can come back still: until the
// connect handler has accepted it nothing has changed.
func TestRecoveryLostAgain(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	deciding, decide := make(chan *socketio.Socket), make(chan *socketio.Refusal)
	n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
		if !s.Recovered() {
			return nil
		}
		deciding <- s
		return <-decide
	}
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	s.SetValue("k", 1)
	done(t, s.Join("room", "other"), n.All().Emit("one"))
	g.hears("one")
	g.cut(n)
	done(t, n.All().Emit("two"))
	tries := func() *socketio.Socket {
		t.Helper()
		var err error
		if g.client, err = h.tryWS(); err == nil {
			err = g.trySend("40" + g.payload())
		}
		done(t, err)
		s := timetest.Receive(t, deciding, h.limit, "the handler")
		if s.Value("k") != 1 || s.ID() != g.sid || len(s.Rooms()) != 2 {
			t.Errorf("value %v, id %s, rooms %v", s.Value("k"), s.ID(), s.Rooms())
		}
		s.SetValue("k", 2)
		s.Leave("other")
		done(t, s.Join("new", "newer"), s.Emit("held"))
		return s
	}

	for _, refusal := range []*socketio.Refusal{nil, {Message: "the context ended"}} {
		s := tries() // and is cut while the handler decides
		g.conn.Close()
		<-s.Context().Done()
		decide <- refusal
		if refusal == nil {
			n.wants("connect")
			n.leaves("transport close")
		} else {
			n.wants("refuse")
		}
	}
	tries()
	decide <- &socketio.Refusal{Message: "no"}
	g.want(`44{"message":"no"}`)
	n.wants("refuse")
	g.conn.Close()

	result := make(chan bool)
	go func() {
		ok, err := g.tryCome(h)
		if err != nil {
			t.Error(err)
		}
		result <- ok
	}()
	s = timetest.Receive(t, deciding, h.limit, "the handler")
	if rooms := s.Rooms(); s.Value("k") != 1 || len(rooms) != 2 {
		t.Errorf("value %v, rooms %v", s.Value("k"), rooms)
	}
	done(t, n.All().Emit("three"))
	decide <- nil
	if !<-result {
		t.Fatal("not recovered")
	}
	g.hears("two", "three")
	n.wants("connect")
	g.quiet(n)
	if _, _, _, rooms := n.Remembered(); rooms != 2 {
		t.Errorf("%d rooms are remembered", rooms)
	}
}

// The official client takes any string at the end for an offset.
func TestRecoveryOfStringsTakenForOffsets(t *testing.T) {
	type text string
	for name, test := range map[string]struct {
		emit func(*testing.T, *socketio.Socket)
		read int // by the client, of what emit has sent; then it is cut
		back bool
		want []string
	}{
		"a string": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", 1, "bob"), s.Emit("event"))
		}, 1, true, []string{"event"}},
		"by a broadcast": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Namespace().All().Volatile().Emit("v", text("bob")), s.Emit("event"))
		}, 1, true, []string{"event"}},
		"the name": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("tick"), s.Emit("event"))
		}, 1, true, []string{"event"}},
		"the time": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", time.Unix(0, 0)), s.Emit("event"))
		}, 1, true, []string{"event"}},
		"twice at one place": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", "bob"), s.Volatile().Emit("v", "bob"), s.Emit("event"))
		}, 1, true, []string{"event"}},
		"at two places": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", "bob"), s.Emit("event"), s.Volatile().Emit("v", "bob"))
		}, 1, false, nil},
		"long ago": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", "bob"), s.Emit("event"))
			for i := range 20 {
				done(t, s.Volatile().Emit("v", fmt.Sprint(i)))
			}
		}, 1, false, nil},
		"and again behind": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", "bob"), s.Emit("event"))
			for i := range 20 {
				done(t, s.Volatile().Emit("v", fmt.Sprint(i)))
			}
			done(t, s.Emit("event"), s.Volatile().Emit("v", "bob"))
		}, 1, false, nil},
		"of many others": {func(t *testing.T, s *socketio.Socket) {
			for i := range 20 {
				done(t, s.Volatile().Emit("v", fmt.Sprint(i)))
			}
			done(t, s.Volatile().Emit("v", "bob"), s.Emit("event"))
		}, 21, true, []string{"event"}},
		"no string": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", "bob", 1), s.Emit("event"))
		}, 1, true, []string{"event"}},
		"empty": {func(t *testing.T, s *socketio.Socket) {
			done(t, s.Volatile().Emit("v", ""), s.Emit("event"))
		}, 1, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, recovering(socketio.Recovery{}))
			n := h.of("/", nil)
			g := h.guest("/")
			n.wants("connect")
			s := n.socket()
			g.alive("/") // what is volatile is not held back
			n.wants("event alive")
			done(t, s.Emit("first"))
			g.hears("first")
			test.emit(t, s)
			for range test.read {
				if _, err := g.tryNext(); err != nil {
					t.Fatal(err)
				}
			}
			g.got = nil
			g.cut(n)
			if got := g.come(); got != test.back {
				t.Fatalf("recovered %t with offset %q", got, *g.offset)
			}
			if test.back {
				g.hears(test.want...)
			}
		})
	}
}

// Strings from before a client came back are no offsets any more.
func TestRecoveryForgetsStrings(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	for range 3 {
		s := n.socket()
		g.alive("/")
		n.wants("event alive")
		done(t, s.Emit("one"), s.Volatile().Emit("v", "bob"), s.Emit("two"))
		for range 2 {
			if _, err := g.tryNext(); err != nil {
				t.Fatal(err)
			}
		}
		g.got = nil
		g.cut(n)
		if !g.come() {
			t.Fatal("not recovered")
		}
		g.hears("two")
		n.wants("connect")
		n.socket()
		g.cut(n) // or else it might have heard nothing since the last time
		if !g.come() {
			t.Fatal("not recovered with an offset")
		}
		n.wants("connect")
	}
}

// An offset can be older than the session, if nothing has been sent in it.
func TestRecoveryWithTheOffsetOfAnEarlierSession(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	for _, offset := range []string{"AAAAAAAAAAAAAAAA", "bob"} {
		g := &guest{h: h, nsp: "/", pid: strings.Repeat("A", 20), offset: &offset}
		if g.come() {
			t.Fatal("recovered")
		}
		n.wants("connect")
		n.socket()
		g.cut(n)
		done(t, n.All().To(g.sid).Emit("missed"))
		if !g.come() {
			t.Fatal("not recovered")
		}
		g.hears("missed")
		n.wants("connect")
		s := n.socket()

		// It is in doubt when that string was sent, if it is sent again.
		*g.offset = offset
		done(t, s.Emit("event"), s.Volatile().Emit("v", offset))
		g.cut(n)
		if g.come() {
			t.Error("recovered with what may be one string or the other")
		}
		n.wants("connect")
		n.socket()
		g.cut(n)
	}
}

// An event that looks as if it had an offset makes offsets doubtful.
func TestRecoveryWithForgedOffset(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	done(t, s.Emit("one"))
	g.hears("one")
	first := *g.offset
	done(t, s.Emit("two"), s.Emit("three"))
	g.hears("two", "three")
	g.alive("/")
	n.wants("event alive") // so it is connected: before, what is volatile is dropped
	done(t, s.Volatile().Emit("v", first))
	g.hears("v")
	g.cut(n)
	if g.come() {
		t.Error("recovered")
	}
}

func TestRecoveryIsBounded(t *testing.T) {
	const sessions, bytes = 10, 100_000
	h := newHost(t, recovering(socketio.Recovery{MaxSessions: sessions, MaxBytes: bytes}))
	n := h.of("/", nil)
	var guests []*guest
	for range 30 {
		g := h.guest("/")
		n.wants("connect")
		done(t, n.Socket(g.sid).Join("room of "+g.sid))
		g.cut(n)
		guests = append(guests, g)
	}
	if _, _, away, rooms := n.Remembered(); away != sessions || rooms != sessions {
		t.Errorf("%d clients away, %d rooms", away, rooms)
	}
	for i, g := range guests {
		if i == 20 || i == 29 { // the last ones are there
			if !g.come() {
				t.Errorf("client %d is not recovered", i)
			}
			n.wants("connect")
		}
	}
	g := guests[25]
	for range 10 {
		done(t, n.All().To(g.sid).Emit("large", strings.Repeat("x", bytes/5)))
		if _, size, _, _ := n.Remembered(); size > bytes {
			t.Fatalf("the log holds %d bytes", size)
		}
	}
	if g.come() {
		t.Error("recovered without what it has missed")
	}
	n.wants("connect")
	for range 10 {
		done(t, n.All().To("room of "+guests[28].sid).Emit("large", strings.Repeat("x", bytes/5)))
	}
	if guests[28].come() {
		t.Error("recovered without what its room has missed")
	}
	n.wants("connect")
	done(t, n.All().Emit("large", strings.Repeat("x", 2*bytes))) // is not kept
	if events, size, _, _ := n.Remembered(); events+size != 0 {
		t.Errorf("%d events of %d bytes are left", events, size)
	}
	for _, i := range []int{26, 27} {
		if guests[i].come() {
			t.Error("recovered without what was too large to be kept")
		}
		n.wants("connect")
	}
}

func TestRecoveryStopsWithTheServer(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	away, there := h.guest("/"), h.guest("/")
	n.wants("connect", "connect")
	done(t, n.All().Emit("event"))
	away.cut(n)
	go there.tryRead()
	h.Shutdown(context.Background())
	if events, bytes, away, rooms := n.Remembered(); events+bytes+away+rooms != 0 {
		t.Errorf("%d events of %d bytes, %d clients, %d rooms are left", events, bytes, away, rooms)
	}
}

func TestRecoveryOptions(t *testing.T) {
	for want, r := range map[string]socketio.Recovery{
		"Recovery.Window is negative (-1s)":     {Window: -time.Second},
		"Recovery.MaxBytes is negative (-1)":    {MaxBytes: -1},
		"Recovery.MaxSessions is negative (-1)": {MaxSessions: -1},
	} {
		if _, err := socketio.New(recovering(r)); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
