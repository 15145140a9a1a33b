package socketio

// What a socket sees of the transport below it.

// Cause returns what the transport knows about the end of the connection beyond
// the [Reason]: the error of a read or write, an [engineio.ProtocolError], or a
// [ParseError]. It is nil if there is nothing, if the socket left by itself or
// was thrown out, and while it has not left.
func (s *Socket) Cause() error {
	switch s.Reason() {
	case "", ReasonClientDisconnect, ReasonServerDisconnect:
		return nil
	}
	return s.conn.sess.Cause()
}

// Upgraded implements [engineio.UpgradeHandler].
func (c *conn) Upgraded() {
	defer c.srv.crew.start()
	for _, s := range c.all() {
		if u := s.nsp.upgrade; u != nil && u.WantsUpgrades() {
			c.hold(0)
			if !s.enqueue(&Event{socket: s, upgrade: true}) {
				c.release(0)
			}
		}
	}
}
