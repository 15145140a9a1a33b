package socketio

import "github.com/siokit/sio/internal/sid"

// Clients of Engine.IO 3 speak revision 4 of this protocol. They are in "/" without
// a CONNECT, which is not answered with an id, and put into the query of a
// namespace what is a payload today. Everything else is the same.

func (c *conn) v3() bool { return c.sess.Protocol() == 3 }

// newID returns the id of a socket. Clients of revision 4 make theirs of the
// session's.
func (c *conn) newID(nsp string) string {
	switch {
	case !c.v3():
		return sid.New()
	case nsp == "/":
		return c.sess.ID()
	}
	return nsp + "#" + c.sess.ID()
}
