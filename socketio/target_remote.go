package socketio

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/siokit/sio/socketio/parser"
)

// A Handshake is what is known of the request that opened a connection.
type Handshake struct {
	Issued      time.Time   // when it was answered
	Address     string      // of the peer as the HTTP server saw it, without a port
	Secure      bool        // it came over TLS
	CrossDomain bool        // it had an Origin
	URL         string      // as the client wrote it; "" if the request was not kept
	Headers     http.Header // without Host; nil if the request was not kept. Not to be changed
}

// Query returns the query of the URL.
func (h Handshake) Query() url.Values {
	u, err := url.Parse(h.URL)
	if err != nil {
		return url.Values{}
	}
	return u.Query()
}

// Handshake describes the request that opened the connection. For the URL and the headers,
// the value of the session, which a capture function has returned, must have a method
// Request() *http.Request. The auth payload is not part of it.
func (s *Socket) Handshake() Handshake {
	sess := s.conn.sess
	h := Handshake{
		Issued:      sess.Opened(),
		Address:     sess.RemoteAddr(),
		Secure:      sess.Secure(),
		CrossDomain: sess.CrossDomain(),
	}
	if host, _, err := net.SplitHostPort(h.Address); err == nil {
		h.Address = host
	}
	if v, ok := sess.Value().(interface{ Request() *http.Request }); ok {
		if r := v.Request(); r != nil {
			h.URL, h.Headers = r.RequestURI, r.Header
		}
	}
	return h
}

// A RemoteSocket describes a socket of this server or of another one of a cluster, as it
// was when [Target.Sockets] asked for it. Its methods act upon the socket as it is now.
// They do nothing if it has left.
type RemoteSocket struct {
	ID        string
	Rooms     []string       // in no order, without the id
	Data      map[string]any // what SetValue stored under strings. The values of local sockets are not copies
	Handshake Handshake

	nsp *Namespace // set by Target.Sockets
	mod modifiers
}

// Target returns the [Target] of this socket alone, by its id.
func (r RemoteSocket) Target() Target {
	t := r.nsp.All().To(r.ID)
	t.mod = r.mod
	return t
}

// Volatile returns a RemoteSocket whose events are dropped if they can't be sent at once.
func (r RemoteSocket) Volatile() RemoteSocket {
	r.mod.volatile = true
	return r
}

// Compress returns a RemoteSocket whose events are not compressed if on is false, as
// [Target.Compress] does.
func (r RemoteSocket) Compress(on bool) RemoteSocket {
	r.mod.plain = !on
	return r
}

// Timeout returns a RemoteSocket whose EmitWithAck waits no longer than d, as that of
// [Target.Timeout] does.
func (r RemoteSocket) Timeout(d time.Duration) RemoteSocket {
	r.mod.timeout = d
	return r
}

// Emit sends an event to the client.
func (r RemoteSocket) Emit(event string, args ...any) error { return r.Target().Emit(event, args...) }

// EmitWithAck sends an event and waits for the client's answer. It fails with
// [ErrClosed] if the socket is gone, and with the cause of ctx when that ends.
func (r RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (parser.Args, error) {
	got, err := r.Target().EmitWithAck(ctx, event, args...)
	i := slices.IndexFunc(got, func(a Answer) bool { return a.ID == r.ID })
	switch {
	case i >= 0: // others may have joined a room of that name
		return got[i].Args, got[i].Err
	case err != nil:
		return parser.Args{}, err
	case len(got) == 0:
		return parser.Args{}, ErrClosed
	}
	return got[0].Args, got[0].Err
}

// Join adds the socket to rooms.
func (r RemoteSocket) Join(rooms ...string) error { return r.Target().Join(rooms...) }

// Leave removes the socket from rooms.
func (r RemoteSocket) Leave(rooms ...string) error { return r.Target().Leave(rooms...) }

// Disconnect makes the client leave the namespace, as [Socket.Disconnect] does.
func (r RemoteSocket) Disconnect(closeConn ...bool) error { return r.Target().Disconnect(closeConn...) }

// To returns the [Target] of the sockets in any of the rooms, without this one.
func (r RemoteSocket) To(rooms ...string) Target { return r.Broadcast().To(rooms...) }

// Broadcast returns the [Target] of all other sockets of the namespace.
func (r RemoteSocket) Broadcast() Target {
	t := r.nsp.All().Except(r.ID)
	t.mod = r.mod
	return t
}

// Sockets implements [Broker].
func (l *Local) Sockets(_ context.Context, sel Selector) ([]RemoteSocket, error) {
	list := l.Select(sel)
	sockets := make([]RemoteSocket, len(list))
	for i, s := range list {
		sockets[i] = RemoteSocket{ID: s.id, Rooms: l.roomsOf(s), Data: s.Values(), Handshake: s.Handshake()}
	}
	return sockets, nil
}

// Values returns what [Socket.SetValue] has stored under strings. The values are not copies.
func (s *Socket) Values() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := make(map[string]any)
	for k, v := range s.data {
		if k, ok := k.(string); ok {
			named[k] = v
		}
	}
	return named
}

// Count implements [Broker].
func (l *Local) Count(_ context.Context, sel Selector) (int, error) {
	if len(sel.Rooms) == 0 && len(sel.Except) == 0 {
		return l.len(), nil
	}
	n := 0
	to := l.pick(sel)
	for range to.each {
		n++
	}
	return n, nil
}
