package engineio

import "sync"

// lobbySize is how many may wait for the first poll behind a handshake: seconds of
// what a machine can serve, and some ten megabytes. A client polls at once.
const lobbySize = 10_000

// A lobby remembers who has done the handshake by polling of late. It costs a client
// one small request, connects nothing, and would be kept until its ping timeout.
type lobby struct {
	mu   sync.Mutex
	ids  []string
	next int // the oldest, once all places are taken
}

// enter returns whose place it is that id takes; "" while there are others.
func (l *lobby) enter(id string) (before string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ids) < lobbySize {
		l.ids = append(l.ids, id)
		return ""
	}
	before, l.ids[l.next] = l.ids[l.next], id
	l.next = (l.next + 1) % lobbySize
	return before
}

// receive makes room for a session that has just begun: of so many that have not
// been heard of since, the oldest goes.
func (s *Server) receive(sess *Session) {
	old := s.sessions.get(s.lobby.enter(sess.id))
	if old == nil {
		return
	}
	old.mu.Lock()
	heard := old.polled || old.posting || old.ws != nil || old.probe != nil
	old.mu.Unlock()
	if !heard {
		old.Abort(ReasonPingTimeout)
	}
}
