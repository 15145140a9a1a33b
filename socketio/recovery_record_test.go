package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// What was sent to one client alone and had to go is missed, whether the client was
// there then or not.
func TestRecoveryOfEvictedDirectEvents(t *testing.T) {
	for _, away := range []bool{false, true} {
		h := newHost(t, recovering(socketio.Recovery{MaxBytes: 10_000}))
		n := h.of("/", nil)
		witness, g := h.guest("/"), h.guest("/")
		n.wants("connect", "connect")
		done(t, n.Socket(g.sid).Emit("direct")) // it does not get it
		if away {
			g.cut(n)
		}
		for range 2 {
			done(t, n.Socket(witness.sid).Emit("large", strings.Repeat("x", 6000)))
		}
		if !away {
			g.cut(n)
		}
		if g.come() {
			t.Errorf("away %t: recovered without what it has missed", away)
		}
		n.wants("connect")
	}
}

// An event that can't be read any more when it has to go may have been for anybody.
func TestRecoveryOfUnreadableEvents(t *testing.T) {
	store := hooked(new(recovery.MemoryStore))
	h := newHost(t, recovering(socketio.Recovery{MaxBytes: 10_000, Store: store.make}))
	n := h.of("/", nil)
	witness, g := h.guest("/"), h.guest("/")
	n.wants("connect", "connect")
	g.cut(n)
	done(t, n.All().To(g.sid).Emit("missed"))
	store.event = func(e *recovery.Event) { *e = recovery.Event{} }
	for range 2 {
		done(t, n.Socket(witness.sid).Emit("large", strings.Repeat("x", 6000)))
	}
	store.event = nil
	if g.come() {
		t.Error("recovered without what it has missed")
	}
	n.wants("connect")
}

// How many rooms are remembered does not grow by coming back.
func TestRecoveryOfRoomsLeftBefore(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	for round := range 5 {
		s := n.socket()
		for i := range 20 {
			name := fmt.Sprint("room ", round, " ", i)
			done(t, s.Join(name), n.All().To(name).Emit("in"))
			s.Leave(name)
			g.hears("in")
		}
		g.cut(n)
		if !g.come() {
			t.Fatal("not recovered")
		}
		n.wants("connect")
		if _, _, _, rooms := n.Remembered(); rooms > 64 {
			t.Errorf("%d rooms are remembered", rooms)
		}
	}
}

// What went to everybody while it was decided on a client is not for it.
func TestRecoveryOfEventsBeforeTheAnswer(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	h.guest("/") // it is for somebody
	n.wants("connect")
	n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
		if !s.Recovered() {
			done(t, n.All().Emit("for others"))
		}
		return nil
	}
	g := h.guest("/")
	n.wants("connect")
	g.cut(n)
	done(t, n.All().Emit("missed"))
	if !g.come() {
		t.Fatal("not recovered")
	}
	g.hears("missed")
	n.wants("connect")
}

// Who is lost again before it has the answer gets everything the next time, though what was
// for others has aged out meanwhile.
func TestRecoveryLostAgainWhileOthersAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, recovering(socketio.Recovery{}))
		n := h.of("/", nil)
		decide := make(chan struct{})
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			if s.Recovered() {
				<-decide
			}
			return nil
		}
		g := h.guest("/")
		n.wants("connect")
		g.cut(n)
		done(t, n.All().To(g.sid).Except(g.sid).Emit("for nobody"))
		time.Sleep(100 * time.Second)
		done(t, n.All().Emit("missed"))
		c := h.ws()
		c.send("40" + g.payload())
		close(decide)
		n.wants("connect")
		synctest.Wait()
		c.conn.Close()
		n.breaks()
		time.Sleep(115 * time.Second)
		if events, _, _, _ := n.Remembered(); events != 1 {
			t.Fatalf("%d events are left", events)
		}
		if !g.come() {
			t.Fatal("not recovered")
		}
		g.hears("missed")
	})
}

// A store that can't save a client that nobody waits for costs nobody else anything.
func TestRecoveryOfOthersWhenOneIsNotSaved(t *testing.T) {
	store := hooked(new(recovery.MemoryStore))
	var fails atomic.Value // the pid of who can't be saved
	store.saves = func(s recovery.Session) error {
		if s.PID == fails.Load() {
			return errors.New("no space left")
		}
		return nil
	}
	h := newHost(t, recovering(socketio.Recovery{Store: store.make}))
	n := h.of("/", nil)
	one, other := h.guest("/"), h.guest("/")
	n.wants("connect", "connect")
	fails.Store(one.pid)
	one.cut(n)
	store.has(h)
	done(t, n.All().Emit("missed"))
	other.hears("missed")
	other.cut(n)
	done(t, n.All().Emit("missed too"))
	if one.come() {
		t.Error("recovered without having been saved")
	}
	if !other.come() {
		t.Error("not recovered")
	}
	other.hears("missed too")
}
