package embedded

import (
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
)

// heardTimeout is how long a server that is to end waits for others that do not answer.
const heardTimeout = time.Second

// A farewell has the others confirm what this server has sent, before it ends. It would close
// its connections to them with something of theirs unread, so that they are reset, and what
// the others have not read by then is gone: above all, that this server leaves.
type farewell struct {
	conn    *natsgo.Conn
	server  *server.Server
	subject string
	asked   *natsgo.Subscription
}

// newFarewell has this server confirm what others send, from now on.
func newFarewell(nc *natsgo.Conn, s *server.Server, prefix string) (*farewell, error) {
	f := &farewell{conn: nc, server: s, subject: prefix + "-heard"} // no channel is called so
	var err error
	f.asked, err = nc.Subscribe(f.subject, func(m *natsgo.Msg) { _ = m.Respond(nil) }) // behind what it has sent before
	return f, err
}

// say waits until the others have got all that this server has sent.
func (f *farewell) say() {
	if f.asked.Unsubscribe() != nil { // it has ended already
		return
	}
	inbox := f.conn.NewInbox()
	answers, err := f.conn.SubscribeSync(inbox)
	if err != nil || f.conn.PublishRequest(f.subject, inbox, nil) != nil {
		return
	}
	const pause = 10 * time.Millisecond
	for end, heard := time.Now().Add(heardTimeout), 0; heard < f.server.NumRoutes() && time.Now().Before(end); {
		switch _, err := answers.NextMsg(pause); {
		case err == nil:
			heard++
		case !errors.Is(err, natsgo.ErrTimeout): // nobody else is there, or the connection has ended
			return
		}
	}
}
