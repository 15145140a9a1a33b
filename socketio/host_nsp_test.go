package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

type socketioSession = engineio.Session

// An nsp is a namespace under test. Its handler calls the functions that are
// set, writes a journal, and checks what holds in any test: the calls for one
// socket never overlap and come in order, and every socket that was accepted
// has been told its end, once.
type nsp struct {
	*socketio.Namespace
	h *host
	t testing.TB

	onConnect       func(*socketio.Socket) *socketio.Refusal // nil accepts
	onEvent         func(*socketio.Socket, *socketio.Event)  // nil writes the journal and answers with the arguments
	onDisconnecting func(*socketio.Socket, socketio.Reason)
	onDisconnect    func(*socketio.Socket, socketio.Reason)
	quiet           bool // no journal

	journal chan string
	sockets chan *socketio.Socket // that were accepted

	mu    sync.Mutex // protects the following
	lives map[*socketio.Socket]*life
}

// A life is what a handler has been told of a socket.
type life struct {
	stage string
	busy  bool
}

// of adds a namespace; n may be nil.
func (h *host) of(name string, n *nsp) *nsp {
	if n == nil {
		n = &nsp{}
	}
	n.init(h, func() *socketio.Namespace { return h.Of(name, n) })
	return n
}

// init adds it to what is checked.
func (n *nsp) init(h *host, add func() *socketio.Namespace) {
	n.h, n.t = h, h.t
	n.journal = make(chan string, 1024)
	n.sockets = make(chan *socketio.Socket, 1024)
	n.lives = make(map[*socketio.Socket]*life)
	n.Namespace = add()
	h.nsps = append(h.nsps, n)
}

func (n *nsp) enter(s *socketio.Socket, stage string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lives[s]
	if l == nil {
		l = &life{stage: "new"}
		n.lives[s] = l
	}
	if l.busy || l.stage != stage {
		n.t.Errorf("the handler is called for a socket that is %s (busy %t), want %s", l.stage, l.busy, stage)
	}
	l.busy = true
}

func (n *nsp) exit(s *socketio.Socket, stage string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	*n.lives[s] = life{stage: stage}
}

func (n *nsp) Connect(s *socketio.Socket) *socketio.Refusal {
	n.enter(s, "new")
	var refusal *socketio.Refusal
	if n.onConnect != nil {
		refusal = n.onConnect(s)
	}
	if refusal != nil {
		n.exit(s, "refused")
		n.write("refuse")
		return refusal
	}
	n.exit(s, "accepted")
	n.write("connect")
	if !n.quiet {
		n.sockets <- s
	}
	return nil
}

func (n *nsp) Event(s *socketio.Socket, e *socketio.Event) {
	n.enter(s, "accepted")
	defer n.exit(s, "accepted")
	if n.onEvent != nil {
		n.onEvent(s, e)
		return
	}
	args := make([]any, e.Args().Len())
	ptrs := make([]any, len(args))
	entry := "event " + e.Name()
	for i := range args {
		ptrs[i] = &args[i]
		entry += " " + string(e.Args().Raw(i))
	}
	n.write(entry)
	if err := e.Args().Bind(ptrs...); err != nil {
		n.t.Errorf("Bind: %v", err)
	}
	if err := s.Ack(e, args...); err != nil && !errors.Is(err, socketio.ErrClosed) {
		n.t.Errorf("Ack: %v", err)
	}
}

func (n *nsp) Disconnecting(s *socketio.Socket, reason socketio.Reason) {
	n.enter(s, "accepted")
	n.write(fmt.Sprintf("disconnecting %s", reason))
	if n.onDisconnecting != nil {
		n.onDisconnecting(s, reason)
	}
	n.exit(s, "leaving")
}

func (n *nsp) Disconnect(s *socketio.Socket, reason socketio.Reason) {
	n.enter(s, "leaving")
	if n.onDisconnect != nil {
		n.onDisconnect(s, reason)
	}
	n.exit(s, "gone")
	n.write(fmt.Sprintf("disconnect %s", reason))
}

func (n *nsp) write(entry string) {
	if !n.quiet {
		n.journal <- entry
	}
}

// wants checks the journal's next entries.
func (n *nsp) wants(entries ...string) {
	n.t.Helper()
	for _, want := range entries {
		if got := timetest.Receive(n.t, n.journal, n.h.limit, want); got != want {
			n.t.Fatalf("journal %.200q, want %.200q", got, want)
		}
	}
}

// leaves checks that a socket is told its end.
func (n *nsp) leaves(reason socketio.Reason) {
	n.t.Helper()
	n.wants("disconnecting "+string(reason), "disconnect "+string(reason))
}

// silent checks that the journal has no more entries.
func (n *nsp) silent() {
	n.t.Helper()
	select {
	case got := <-n.journal:
		n.t.Fatalf("journal %.200q, want nothing", got)
	default:
	}
}

// socket returns the next socket that was accepted.
func (n *nsp) socket() *socketio.Socket {
	n.t.Helper()
	return timetest.Receive(n.t, n.sockets, n.h.limit, "a socket")
}

// check is called when the server has been shut down.
func (n *nsp) check() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lives {
		if l.busy || l.stage != "gone" && l.stage != "refused" {
			n.t.Errorf("a socket of %s is left %s (busy %t)", n.Name(), l.stage, l.busy)
		}
	}
	if ids, all, rooms := n.Left(); ids+all+rooms != 0 {
		n.t.Errorf("%s is left with %d ids, %d sockets, %d rooms", n.Name(), ids, all, rooms)
	}
}

// connected checks the answer to a CONNECT and returns the socket's id.
func connected(t *testing.T, nsp, packet string) string {
	t.Helper()
	head := "40" + prefix(nsp) + `{"sid":"`
	id, ok := strings.CutPrefix(packet, head)
	id, ok2 := strings.CutSuffix(id, `"}`)
	if !ok || !ok2 || len(id) != 20 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Fatalf("packet %.200q, want %s…\"}", packet, head)
	}
	return id
}

// prefix is how a namespace stands in a packet.
func prefix(nsp string) string {
	if nsp == "" || nsp == "/" {
		return ""
	}
	return nsp + ","
}
