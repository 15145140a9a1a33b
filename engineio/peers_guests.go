package engineio

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// putOffTime is how long a client stays for whom something is under way when the server
	// that its WebSocket goes through is to end.
	putOffTime = 5 * time.Second
	// lastPollTime is how long a poll of another server's session may take once this one
	// ends.
	lastPollTime = time.Second
	// askAtOnce is how many sessions others are asked about at a time.
	askAtOnce = 16
)

// A guest is a client whose session another server has, while a poll that waits, or its
// WebSocket, goes through this one. Before this server ends, it asks the other one to answer
// that poll, or to end that session: the client comes back by way of another server.
type guest struct {
	srv *Server
	id  string
	ws  bool
	cut func()
}

// guests are those that there are. Once they are shut, there are no new ones.
type guests struct {
	mu   sync.Mutex // protects the following
	m    map[*guest]struct{}
	gone chan struct{} // of shut: closed when there is none
}

// enter reports false once the guests are shut.
func (gs *guests) enter(g *guest) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.gone != nil {
		return false
	}
	if gs.m == nil {
		gs.m = make(map[*guest]struct{})
	}
	gs.m[g] = struct{}{}
	return true
}

func (gs *guests) leave(g *guest) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if _, ok := gs.m[g]; !ok {
		return
	}
	delete(gs.m, g)
	if len(gs.m) == 0 && gs.gone != nil {
		close(gs.gone)
	}
}

// shut returns a channel that is closed when no guests are left.
func (gs *guests) shut() <-chan struct{} {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.gone == nil {
		gs.gone = make(chan struct{})
		if len(gs.m) == 0 {
			close(gs.gone)
		}
	}
	return gs.gone
}

// left returns those that there are.
func (gs *guests) left() map[*guest]struct{} {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	return maps.Clone(gs.m)
}

// all returns those that poll, and those that have a WebSocket.
func (gs *guests) all() (polls, sockets []*guest) {
	for g := range gs.left() {
		if g.ws {
			sockets = append(sockets, g)
		} else {
			polls = append(polls, g)
		}
	}
	return polls, sockets
}

// isOpen implements [leaver].
func (g *guest) isOpen() bool {
	gs := &g.srv.guests
	gs.mu.Lock()
	defer gs.mu.Unlock()
	_, ok := gs.m[g]
	return ok
}

func (g *guest) busy() bool { return false } // the other server knows

// ask has the server that has the session let the client go. If it can't be asked, the
// request is cut.
func (g *guest) ask(ctx context.Context, patient bool) {
	q := url.Values{"sid": {g.id}, "transport": {TransportPolling}}
	if g.ws {
		q.Set("transport", TransportWebSocket)
	}
	if patient {
		q.Set("patient", "1")
	}
	u := &url.URL{Path: "/", RawQuery: q.Encode()}
	r := &http.Request{URL: u, RequestURI: u.RequestURI()}
	if !g.srv.opts.Peers.Relay(newStatusWriter(), relayed(r.WithContext(ctx), http.MethodDelete), g.id) {
		g.cut()
	}
}

// askAll has guests let go by others.
func askAll(ctx context.Context, all []*guest) {
	next := make(chan *guest)
	var wg sync.WaitGroup
	for range min(askAtOnce, len(all)) {
		wg.Go(func() {
			for g := range next {
				g.ask(ctx, false)
			}
		})
	}
	for _, g := range all {
		next <- g
	}
	close(next)
	wg.Wait()
}

// letGo does what ask asks for.
func (s *Server) letGo(w http.ResponseWriter, r *http.Request, q query) {
	sess := s.sessions.get(q.get("sid"))
	switch {
	case sess == nil:
		w.WriteHeader(http.StatusNotFound)
	case q.get("transport") == TransportPolling:
		sess.pollAgain()
	default:
		end := time.Now().Add(putOffTime)
		for q.has("patient") && sess.busy() && time.Now().Before(end) && r.Context().Err() == nil {
			time.Sleep(drainLook)
		}
		if sess.Transport() == TransportWebSocket {
			sess.leave()
		}
	}
}

// guestConn is the connection of a guest's WebSocket.
type guestConn struct {
	net.Conn
	g *guest
}

// Close has the guest leave.
func (c guestConn) Close() error {
	c.g.srv.guests.leave(c.g)
	return c.Conn.Close()
}

// CloseWrite ends one direction, where that is possible.
func (c guestConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
