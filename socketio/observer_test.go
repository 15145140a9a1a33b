package socketio_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// An audit is an observer of every server under test: what it is told has to fit together.
type audit struct {
	t  testing.TB
	mu sync.Mutex

	sessions int
	sockets  map[*socketio.Socket]bool // and whether they are connected
	tried    map[*socketio.Socket]socketio.RecoveryResult
}

func newAudit(t testing.TB) *audit {
	return &audit{t: t, sockets: make(map[*socketio.Socket]bool), tried: make(map[*socketio.Socket]socketio.RecoveryResult)}
}

func (a *audit) observer() *socketio.Observer {
	var o socketio.Observer
	o.SessionOpened = func(*engineio.Session, string) { a.count(1) }
	o.SessionClosed = func(*engineio.Session, socketio.Reason) { a.count(-1) }
	o.SocketConnected = func(s *socketio.Socket) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, known := a.sockets[s]; known {
			a.t.Errorf("a socket is connected twice")
		}
		a.sockets[s] = true
		if result := a.tried[s]; s.Recovered() != (result == socketio.RecoveryDone) {
			a.t.Errorf("a socket is connected, and recovered: %t; result %q", s.Recovered(), result)
		}
	}
	o.RecoveryEnded = func(s *socketio.Socket, result socketio.RecoveryResult) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if before := a.tried[s]; before != "" {
			a.t.Errorf("a socket is %s, and %s", before, result)
		}
		a.tried[s] = result
	}
	o.SocketDisconnected = func(s *socketio.Socket, reason socketio.Reason) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !a.sockets[s] {
			a.t.Errorf("a socket that is not connected is disconnected (%s)", reason)
		}
		a.sockets[s] = false
	}
	return &o
}

func (a *audit) count(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions += n; a.sessions < 0 {
		a.t.Errorf("more sessions closed than opened")
	}
}

// check is called when all have left. Who has answered a request gives back what it held a
// moment later, and Shutdown need not wait for it: limit bounds that.
func (a *audit) check(stats func() socketio.Stats, limit time.Duration) {
	a.t.Helper()
	a.mu.Lock()
	if a.sessions != 0 {
		a.t.Errorf("%d sessions were not closed, as far as observers know", a.sessions)
	}
	for _, connected := range a.sockets {
		if connected {
			a.t.Errorf("a socket was not disconnected, as far as observers know")
		}
	}
	a.mu.Unlock()
	end := time.Now().Add(min(limit, patience)) // it may be time in a bubble
	st := stats()
	for st.Engine.IncomingBytes != 0 && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		st = stats()
	}
	if st.Waiting != 0 || st.WaitingBytes != 0 || st.Engine.IncomingBytes != 0 || st.Engine.OutgoingBytes != 0 {
		a.t.Errorf("there is nobody any more, and yet %+v", st)
	}
	for _, n := range st.Namespaces {
		if n.Sockets != 0 || n.Rooms != 0 {
			a.t.Errorf("there is nobody any more, and yet %+v", n)
		}
	}
}

// TestObserverOfRecovery has a result of each kind.
func TestObserverOfRecovery(t *testing.T) {
	opts := recovering(socketio.Recovery{MaxBytes: 2000})
	results := make(chan socketio.RecoveryResult, 10)
	opts.Observers = []*socketio.Observer{{RecoveryEnded: func(_ *socketio.Socket, result socketio.RecoveryResult) { results <- result }}}
	h := newHost(t, opts)
	n := h.of("/", nil)
	n.quiet = true
	var refused, flooded bool
	n.onConnect = func(*socketio.Socket) *socketio.Refusal {
		if refused {
			return &socketio.Refusal{Message: "no"}
		}
		for i := 0; i < 10 && flooded; i++ {
			done(t, n.All().Emit(strings.Repeat("x", 1000)))
		}
		return nil
	}
	wants := func(want socketio.RecoveryResult) {
		t.Helper()
		if got := timetest.Receive(t, results, h.limit, "a result"); got != want {
			t.Errorf("result %q, want %q", got, want)
		}
	}
	g := h.guest("/") // shows no pid
	done(t, n.All().Emit("event"))
	g.hears("event")

	again := *g
	again.pid = strings.Repeat("A", 20)
	again.come()
	wants(socketio.RecoveryUnknown)

	again = *g
	there := g.answers()
	again.come()
	wants(socketio.RecoveryPresent)

	g.conn.Close()
	for range there { // until it is closed
	}
	h.sessionEnds(engineio.ReasonTransportClose)
	done(t, n.All().Emit("missed"))
	done(t, n.All().Emit("missed"))
	refused = true
	again = *g
	if _, err := again.tryCome(h); err == nil {
		t.Error("it is let in")
	}
	wants(socketio.RecoveryRefused)
	refused = false

	sent := h.Stats().Namespaces[0].Out.Events
	if !g.come() {
		t.Error("not recovered")
	}
	wants(socketio.RecoveryDone)
	if n := h.Stats().Namespaces[0].Out.Events - sent; n != 2 {
		t.Errorf("%d events are counted of two that were missed", n)
	}

	g.conn.Close()
	h.sessionEnds(engineio.ReasonTransportClose)
	for range 10 {
		done(t, n.All().Emit(strings.Repeat("x", 1000)))
	}
	if g.come() {
		t.Error("recovered, though events are gone")
	}
	wants(socketio.RecoveryMissed)

	g.conn.Close()
	h.sessionEnds(engineio.ReasonTransportClose)
	flooded = true // what it has missed is there when it comes, and is not any more when it is let in
	again = *g
	if _, err := again.tryCome(h); err == nil {
		t.Error("it is let in")
	}
	wants(socketio.RecoveryFailed)
	h.sessionEnds(engineio.ReasonForcedClose)
}
