package embedded

import (
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// awaitPeers waits until other servers can be reached, and there are no more of them for a
// while: so what this server says first is heard by all.
func awaitPeers(s *server.Server) {
	const patience, pause, quiet = time.Second, 10 * time.Millisecond, 5
	n, same := 0, 0
	for begin := time.Now(); same < quiet && time.Since(begin) < patience; time.Sleep(pause) {
		now := s.NumRoutes()
		if same++; now == 0 || now != n {
			n, same = now, 0
		}
	}
}

// routes tells when other servers have come into reach.
type routes struct {
	server  *server.Server
	reached func()

	fresh, known map[string]bool // ids of servers: seen for the first time; told of
}

// watch looks for routes until done is closed. The server does not tell when one is ready, but
// logs when one is made, and wakes this: then it looks for a while, and else costs nothing.
func (r *routes) watch(wake, done <-chan struct{}) {
	const pause, times = time.Second / 4, 20
	for {
		select {
		case <-wake:
		case <-done:
			return
		}
		for range times {
			select {
			case <-time.After(pause):
			case <-done:
				return
			}
			r.look()
		}
	}
}

// look calls reached if there are servers that were fresh when it looked before. In between
// they have told what they have subscribed to.
func (r *routes) look() {
	z, err := r.server.Routez(nil)
	if err != nil {
		return // it ends
	}
	fresh, known, tell := make(map[string]bool), make(map[string]bool), false
	for _, route := range z.Routes {
		id := route.RemoteID
		switch {
		case r.known[id]:
			known[id] = true
		case r.fresh[id]:
			known[id], tell = true, true
		default:
			fresh[id] = true
		}
	}
	r.fresh, r.known = fresh, known
	if tell {
		r.reached()
	}
}
