package embedded

import (
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
)

const (
	// heardSubject is the same for all prefixes: servers of other ones are peers, too. No
	// channel is called so.
	heardSubject = "sio-heard"
	// heardTimeout is how long a server that is to end waits for others that do not answer.
	heardTimeout = time.Second
)

// A farewell has the others confirm what this server has sent, before it ends. It would close
// its connections to them with something of theirs unread, so that they are reset, and what
// the others have not read by then is gone: above all, that this server leaves.
type farewell struct {
	conn   *natsgo.Conn
	server *server.Server
}

// newFarewell has this server confirm what others send, from now on, even while it ends.
func newFarewell(nc *natsgo.Conn, s *server.Server) (*farewell, error) {
	id := []byte(s.ID())
	_, err := nc.Subscribe(heardSubject, func(m *natsgo.Msg) { _ = m.Respond(id) }) // behind what came before
	return &farewell{nc, s}, err
}

// say waits until the others have got all that this server has sent, or for heardTimeout.
// If none of them confirms anything, it does not wait.
func (f *farewell) say() {
	inbox := f.conn.NewInbox()
	answers, err := f.conn.SubscribeSync(inbox)
	if err != nil || f.conn.PublishRequest(heardSubject, inbox, nil) != nil {
		return // it has ended already
	}
	const pause = 10 * time.Millisecond
	heard := make(map[string]bool)
	for end := time.Now().Add(heardTimeout); !f.all(heard) && time.Now().Before(end); {
		switch m, err := answers.NextMsg(pause); {
		case err == nil:
			heard[string(m.Data)] = true
		case !errors.Is(err, natsgo.ErrTimeout): // nobody has subscribed, or the connection has ended
			return
		}
	}
}

// all reports whether the servers that this one is connected to are among heard.
func (f *farewell) all(heard map[string]bool) bool {
	z, err := f.server.Routez(nil)
	if err != nil {
		return true // it has ended
	}
	for _, r := range z.Routes {
		if !heard[r.RemoteID] {
			return false
		}
	}
	return true
}
