package socketio_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
)

// What was sent to a room before a client joined it, or after it left, is not for
// it; what was sent in between is, even if it has left since.
func TestRecoveryOfRooms(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	room := n.All().To("room")
	stay := h.guest("/") // the events are for somebody
	n.wants("connect")
	done(t, n.Socket(stay.sid).Join("room", "quiet"))

	// The client has got only the first event when its connection breaks.
	done(t, s.Emit("first"))
	g.hears("first")
	done(t, room.Emit("before"), s.Join("room"), room.Emit("in"), s.To("room").Emit("but the sender"))
	s.Leave("room")
	done(t, room.Emit("between"), s.Join("quiet"), n.All().Except("quiet").Emit("but the quiet"))
	s.Leave("quiet")
	done(t, n.All().Except("quiet").Emit("and out"), s.Join("room"), s.Join("other"), room.Emit("in again"), s.Join("late"))
	s.Leave("room", "other")
	done(t, room.Emit("after"), n.All().To("room", "late").Emit("any"))
	g.cut(n)
	done(t, n.All().To("other").Emit("long gone"), n.All().To("late").Except(g.sid).Emit("but it"))
	if !g.come() {
		t.Fatal("not recovered")
	}
	g.hears("in", "and out", "in again", "any")
	n.wants("connect")
	if rooms := n.Socket(g.sid).Rooms(); fmt.Sprint(rooms) != "[late]" {
		t.Errorf("rooms %v", rooms)
	}
}

func TestRecoveryOfManyRooms(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	for i := range 10_000 {
		name := fmt.Sprint("room ", i)
		done(t, s.Join(name), n.All().To(name).Emit("in", i))
		s.Leave(name)
		if _, err := g.tryNext(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, rooms := n.Remembered(); rooms > 100 {
		t.Errorf("%d rooms are remembered", rooms)
	}
	g.got = nil
	g.cut(n)
	if !g.come() {
		t.Fatal("not recovered")
	}
	g.quiet(n)
}

// More rooms than are remembered: who has not heard what was sent to them begins anew.
func TestRecoveryOfForgottenRooms(t *testing.T) {
	for _, left := range []int{60, 70} {
		h := newHost(t, recovering(socketio.Recovery{}))
		n := h.of("/", nil)
		g := h.guest("/")
		n.wants("connect")
		s := n.socket()
		var want []string
		for i := range left {
			name := fmt.Sprint("room ", i)
			done(t, s.Join(name), n.All().To(name).Emit("in", i))
			s.Leave(name)
			want = append(want, fmt.Sprint("in ", i))
		}
		g.cut(n)
		if got := g.come(); got != (left < 64) {
			t.Fatalf("%d rooms: recovered %t", left, got)
		} else if got {
			g.hears(want...)
		}
		n.wants("connect")
	}
}

// What had to wait for a slow connect handler is older than what is kept.
func TestRecoveryOfEarlyEvents(t *testing.T) {
	for _, slow := range []time.Duration{time.Minute, time.Hour} {
		first := true
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, recovering(socketio.Recovery{}))
			n := h.of("/", nil)
			n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
				if first {
					first = false
					done(t, s.Emit("early"))
					time.Sleep(slow)
				}
				return nil
			}
			c := h.ws()
			c.send("40")
			p := c.read()
			for ; p == "2"; p = c.read() {
				c.send("3")
			}
			g := &guest{h: h, nsp: "/"} // has got no more than the answer
			if _, err := fmt.Sscanf(p, `40{"sid":"%20s","pid":"%20s"}`, &g.sid, &g.pid); err != nil {
				t.Fatal(err)
			}
			c.conn.Close()
			n.wants("connect")
			n.breaks()
			if got := g.come(); got != (slow < time.Hour) {
				t.Fatalf("after %v: recovered %t", slow, got)
			} else if got {
				g.hears("early")
			}
		})
	}
}

// So is what had to wait for the decision on who is back, and is lost again.
func TestRecoveryLostAgainMuchLater(t *testing.T) {
	for _, slow := range []time.Duration{time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, recovering(socketio.Recovery{}))
			n := h.of("/", nil)
			wait := slow
			n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
				if s.Recovered() {
					time.Sleep(wait)
					wait = 0
				}
				return nil
			}
			g := h.guest("/")
			n.wants("connect")
			g.cut(n)
			done(t, n.All().Emit("missed"))
			c := h.ws()
			c.send("40" + g.payload())
			for start := time.Now(); time.Since(start) < slow-25*time.Second; {
				c.want("2")
				c.send("3")
			}
			c.conn.Close()
			n.wants("connect")
			n.breaks()
			if got := g.come(); got != (slow < time.Hour) {
				t.Fatalf("after %v: recovered %t", slow, got)
			} else if got {
				g.hears("missed")
			}
		})
	}
}

// TestRecoveryRefuses shows what gets a new session.
func TestRecoveryRefuses(t *testing.T) {
	other := func(sid string) string { return strings.Repeat("A", len(sid)) }
	for name, payload := range map[string]func(pid, sid, offset string, others []string) string{
		"no such pid":        func(pid, _, o string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":%q}`, other(pid), o) },
		"the id for the pid": func(_, sid, o string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":%q}`, sid, o) },
		"a number for a pid": func(_, _, o string, _ []string) string { return fmt.Sprintf(`{"pid":1,"offset":%q}`, o) },
		"empty pid":          func(_, _, o string, _ []string) string { return fmt.Sprintf(`{"pid":"","offset":%q}`, o) },
		"no pid":             func(_, _, o string, _ []string) string { return fmt.Sprintf(`{"offset":%q}`, o) },
		"bogus offset":       func(pid, _, _ string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":"bogus"}`, pid) },
		"empty offset":       func(pid, _, _ string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":""}`, pid) },
		"null for an offset": func(pid, _, _ string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":null}`, pid) },
		"number for it":      func(pid, _, _ string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":7}`, pid) },
		"array for it":       func(pid, _, o string, _ []string) string { return fmt.Sprintf(`{"pid":%q,"offset":[%q]}`, pid, o) },
		"huge offset": func(pid, _, _ string, _ []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, strings.Repeat("x", 900_000))
		},
		"huge pid": func(_, _, o string, _ []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, strings.Repeat("x", 900_000), o)
		},
		"of another epoch": func(pid, _, o string, _ []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, "AAAAAAAA"+o[8:])
		},
		"in the future": func(pid, _, o string, _ []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, o[:8]+"AAAAAAF_")
		},
		"of another's event": func(pid, _, _ string, others []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, others[1])
		},
		"of one it missed": func(pid, _, _ string, others []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, others[2])
		},
		"from before it came": func(pid, _, o string, _ []string) string {
			return fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, o[:8]+"AAAAAAAB")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, recovering(socketio.Recovery{}))
			n := h.of("/", nil)
			witness := h.guest("/")
			n.wants("connect")
			done(t, n.All().Emit("before"))
			g := h.guest("/")
			n.wants("connect")
			done(t, n.All().To(g.sid).Emit("event"), n.All().To(witness.sid).Emit("another"), n.All().To(g.sid).Emit("event"))
			g.hears("event", "event")
			g.cut(n)
			done(t, n.All().Emit("missed"))
			witness.hears("before", "another", "missed")
			c := h.ws()
			c.send("40" + payload(g.pid, g.sid, *g.offset, witness.lastOffsets))
			if p := c.read(); !strings.HasPrefix(p, `40{"sid":`) || strings.Contains(p, g.sid) || strings.Contains(p, g.pid) {
				t.Errorf("answer %.200s", p)
			}
			n.wants("connect")
		})
	}
}

// A pid is for its namespace. What makes no sense beside it does not cost the client
// anything.
func TestRecoveryPidAlone(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	h.of("/other", nil)
	g := h.guest("/")
	n.wants("connect")
	done(t, n.All().Emit("event"))
	g.hears("event")
	g.cut(n)
	elsewhere := &guest{h: h, nsp: "/other", sid: g.sid, pid: g.pid, offset: g.offset}
	if elsewhere.come() {
		t.Error("recovered in another namespace")
	}
	bogus := "bogus"
	bad := &guest{h: h, nsp: "/", sid: g.sid, pid: g.pid, offset: &bogus}
	if bad.come() {
		t.Error("recovered with a bogus offset")
	}
	n.wants("connect")
	if !g.come() {
		t.Error("not recovered behind that")
	}
	n.wants("connect")
}

// At no time two sockets have what one had, be they accepted or asked about.
func TestRecoveryPidAtTheSameTime(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	n.quiet = true
	n.AskFor(time.Millisecond)
	var mu sync.Mutex
	there := make(map[string]int)
	count := func(id string, d int) {
		mu.Lock()
		defer mu.Unlock()
		if there[id] += d; there[id] > 1 {
			t.Errorf("%d sockets with one id", there[id])
		}
	}
	n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
		count(s.ID(), 1)
		runtime.Gosched()
		count(s.ID(), -1)
		return nil
	}
	n.onEvent = func(s *socketio.Socket, e *socketio.Event) {
		if n.Socket(s.ID()) == s && s.Connected() {
			count("event "+s.ID(), 1)
			runtime.Gosched()
			count("event "+s.ID(), -1)
		}
	}
	g := h.guest("/")
	g.conn.Close()
	for range 20 {
		var wg sync.WaitGroup
		var recovered [8]bool
		for i := range recovered {
			wg.Go(func() {
				again := *g
				recovered[i], _ = again.tryCome(h) // the others' end may come first
			})
		}
		wg.Wait()
		some := false
		for _, r := range recovered {
			some = some || r
		}
		if !some {
			t.Fatal("nobody is recovered")
		}
	}
}

// The client is back before the server has noticed that it was gone.
func TestRecoveryTakesOver(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n, side := h.of("/", nil), h.of("/side", nil)
	n.AskFor(time.Millisecond)
	left := make(chan struct{})
	n.onDisconnecting = func(_ *socketio.Socket, reason socketio.Reason) {
		if reason == socketio.ReasonClientDisconnect {
			<-left
		}
	}
	g := h.guest("/")
	n.wants("connect")
	old := n.socket()
	old.SetValue("k", 1)
	done(t, old.Join("room"))
	g.send("40/side,")
	g.read()
	side.wants("connect")
	g.got = nil
	g.lastOffsets = nil
	done(t, n.All().To("room").Emit("lost on the way"))

	lost := g.client // open, but nobody reads it
	defer lost.conn.Close()
	if !g.come() {
		t.Fatal("not recovered")
	}
	g.hears("lost on the way")
	n.wants("connect")
	n.leaves("transport close")
	side.leaves("transport close")
	s := n.socket()
	if old.Connected() || s.Value("k") != 1 {
		t.Errorf("the old socket is connected: %t; value %v", old.Connected(), s.Value("k"))
	}

	// The same connection is not another one, and a client that leaves is none.
	g.send("41")
	n.wants("disconnecting client namespace disconnect")
	if recovered, err := g.enter(); err != nil || recovered {
		t.Errorf("recovered %t, %v", recovered, err)
	}
	n.wants("connect")
	close(left)
	n.wants("disconnect client namespace disconnect")
}
