package socketio_test

import (
	"sync"
	"testing"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// An audit is an observer of every server under test: what it is told has to fit together.
type audit struct {
	t  testing.TB
	mu sync.Mutex

	sessions int
	sockets  map[*socketio.Socket]bool // and whether they are connected
}

func newAudit(t testing.TB) *audit {
	return &audit{t: t, sockets: make(map[*socketio.Socket]bool)}
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

// check is called when all have left.
func (a *audit) check(st socketio.Stats) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions != 0 {
		a.t.Errorf("%d sessions were not closed, as far as observers know", a.sessions)
	}
	for _, connected := range a.sockets {
		if connected {
			a.t.Errorf("a socket was not disconnected, as far as observers know")
		}
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
