package socketio_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

func TestRecoveryRestores(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	var auth map[string]any
	n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
		auth = nil
		if err := s.BindAuth(&auth); err != nil {
			t.Error(err)
		}
		return nil
	}
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	if s.Recovered() {
		t.Error("Recovered is true for a new client")
	}
	s.SetValue("user", "ann")
	done(t, s.Join("x", "y"), n.All().Emit("all"), s.Emit("direct", "text", []int{1}))
	g.hears("all", "direct text [1]")
	pid, sid := g.pid, g.sid
	g.cut(n)

	x := n.All().To("x")
	done(t, x.Emit("one"), n.All().To("z").Emit("elsewhere"), n.All().To("y").Emit("two"), n.All().Except("x").Emit("others"),
		x.Volatile().Emit("gone", 1), n.All().To(sid).Emit("three"))
	if err := s.Emit("too late"); err != socketio.ErrClosed {
		t.Errorf("Emit to a socket that has left: %v", err)
	}
	if n.Len() != 0 || n.Socket(sid) != nil {
		t.Error("who is away is still listed")
	}
	if !g.come() || g.pid != pid || g.sid != sid {
		t.Fatal("not recovered")
	}
	if len(g.early) != 3 {
		t.Errorf("in front of the answer: %q", g.early)
	}
	g.hears("one", "two", "three")
	n.wants("connect")
	s2 := n.socket()
	if s2 == s || !s2.Recovered() || s2.ID() != sid || s2.Value("user") != "ann" || n.Socket(sid) != s2 {
		t.Errorf("recovered %t as %s with %v", s2.Recovered(), s2.ID(), s2.Value("user"))
	}
	rooms := s2.Rooms()
	slices.Sort(rooms)
	if !slices.Equal(rooms, []string{"x", "y"}) {
		t.Errorf("rooms %v", rooms)
	}
	if auth["token"] != "t" || auth["pid"] != pid || auth["offset"] == nil {
		t.Errorf("auth %v", auth)
	}
	done(t, x.Emit("four"))
	g.hears("four")
	g.quiet(n)
	g.alive("/")
	n.wants("event alive")

	other := h.guest("/")
	done(t, n.All().Emit("all"))
	g.hears("all")
	other.hears("all")
	if !slices.Equal(g.lastOffsets[len(g.lastOffsets)-1:], other.lastOffsets) {
		t.Errorf("offsets %q and %q of one event", g.lastOffsets, other.lastOffsets)
	}
}

// TestRecoveryOff holds the wire to what it is without the option.
func TestRecoveryOff(t *testing.T) {
	h := newHost(t, nil)
	n := h.of("/", nil)
	c := h.ws()
	c.send(`40{"pid":"AAAAAAAAAAAAAAAAAAAA","offset":"AAAAAAAAAAAAAAAA"}`)
	connected(t, "/", c.read())
	s := n.socket()
	done(t, s.Emit("a"), n.All().Emit("b", 1))
	c.want(`42["a"]`, `42["b",1]`)
}

func TestRecoveryWireFormat(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	s := n.socket()
	g.alive("/") // what is volatile is not held back
	done(t, s.Emit("a"), n.All().Volatile().Emit("v", 1), s.Volatile().Emit("v", "text"), n.All().Emit("b", []byte{1}, "x"))
	if p := g.read(); len(p) != len(`42["a","0123456789abcdef"]`) || !strings.HasPrefix(p, `42["a","`) {
		t.Errorf("packet %s", p)
	}
	g.want(`42["v",1]`, `42["v","text"]`)
	if p := g.read(); !strings.HasPrefix(p, `451-["b",{"_placeholder":true,"num":0},"x","`) || len(p) != len(`451-["b",{"_placeholder":true,"num":0},"x","0123456789abcdef"]`) {
		t.Errorf("packet %s", p)
	}
	g.wantBinary("\x01")
	result := make(chan error)
	ctx, cancel := h.bound()
	defer cancel()
	go func() {
		_, err := s.EmitWithAck(ctx, "q", 2)
		result <- err
	}()
	g.want(`420["q",2]`)
	g.send(`430[]`)
	done(t, <-result)
}

// TestRecoveryReasons tells who may come back.
func TestRecoveryReasons(t *testing.T) {
	for reason, test := range map[socketio.Reason]struct {
		leave func(*guest, *nsp, *socketio.Socket)
		back  bool
	}{
		"transport close":             {func(g *guest, _ *nsp, _ *socketio.Socket) { g.conn.Close() }, true},
		"transport error":             {func(g *guest, _ *nsp, _ *socketio.Socket) { g.write([]byte{0xff, 0xff}) }, true},
		"slow consumer":               {func(_ *guest, _ *nsp, s *socketio.Socket) { s.Session().Abort(engineio.ReasonSlowConsumer) }, true},
		"ping timeout":                {func(_ *guest, _ *nsp, s *socketio.Socket) { s.Session().Abort(engineio.ReasonPingTimeout) }, true},
		"forced close":                {func(g *guest, _ *nsp, _ *socketio.Socket) { g.send("40") }, true},
		"parse error":                 {func(_ *guest, _ *nsp, s *socketio.Socket) { s.Session().Abort(engineio.ReasonParseError) }, false},
		"client namespace disconnect": {func(g *guest, _ *nsp, _ *socketio.Socket) { g.send("41") }, false},
		"server namespace disconnect": {func(_ *guest, _ *nsp, s *socketio.Socket) { s.Disconnect() }, false},
	} {
		t.Run(string(reason), func(t *testing.T) {
			h := newHost(t, recovering(socketio.Recovery{}))
			n := h.of("/", nil)
			g := h.guest("/")
			n.wants("connect")
			test.leave(g, n, n.socket())
			n.leaves(reason)
			if n.Recoverable() != test.back {
				t.Errorf("Recoverable %t", !test.back)
			}
			if got := g.come(); got != test.back {
				t.Errorf("recovered %t", got)
			}
		})
	}
}

func TestRecoveryWindow(t *testing.T) {
	for _, test := range []struct {
		away time.Duration
		back bool
	}{{9*time.Second - 1, true}, {9 * time.Second, false}} {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, recovering(socketio.Recovery{Window: 9 * time.Second}))
			n := h.of("/", nil)
			g := h.guest("/")
			n.wants("connect")
			g.cut(n)
			done(t, n.All().Emit("missed"))
			time.Sleep(test.away)
			if got := g.come(); got != test.back {
				t.Errorf("after %v: recovered %t", test.away, got)
			}
			g.cut(nsp0(n, "connect"))
			time.Sleep(h.limit)
			if events, bytes, away, rooms := n.Remembered(); events+bytes+away+rooms != 0 {
				t.Errorf("%d events of %d bytes, %d clients, %d rooms are left", events, bytes, away, rooms)
			}
		})
	}
}

// nsp0 passes over entries of the journal.
func nsp0(n *nsp, entries ...string) *nsp {
	n.wants(entries...)
	return n
}

// An idle client can come back whatever goes on elsewhere.
func TestRecoveryOfIdleClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, recovering(socketio.Recovery{MaxBytes: 20_000}))
		n := h.of("/", nil)
		never, once, busy := h.guest("/"), h.guest("/"), h.guest("/")
		n.wants("connect", "connect", "connect")
		go func() { // until it is cut
			for {
				if p, _, err := busy.tryRead(); err != nil || p == "2" && busy.trySend("3") != nil {
					return
				}
			}
		}()
		done(t, n.Socket(busy.sid).Join("busy"))
		done(t, n.Socket(never.sid).Join("quiet", "mine"), n.Socket(once.sid).Join("quiet"), n.All().To(once.sid).Emit("hello"))
		once.hears("hello")
		for range 5 {
			for _, g := range []*guest{never, once} {
				for range 1000 {
					done(t, n.All().To("busy").Emit("news"), n.All().To("mine").Except("mine").Emit("for nobody"))
				}
				g.cut(n)
				done(t, n.All().To("quiet").Emit("missed"))
				for range 20 {
					done(t, n.All().To("busy").Emit("news"))
				}
				if !g.come() {
					t.Fatal("not recovered")
				}
				n.wants("connect")
				never.hears("missed")
				once.hears("missed")
			}
			for range 10 { // for longer than anything is kept
				for _, g := range []*guest{never, once} {
					g.want("2")
					g.send("3")
				}
			}
			if events, _, _, _ := n.Remembered(); events != 0 {
				t.Errorf("%d events are left", events)
			}
		}
	})
}
