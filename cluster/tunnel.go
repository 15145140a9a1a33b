package cluster

import "github.com/siokit/sio/cluster/internal/tunnel"

// directTunnel is a frame of a connection between two servers.
const directTunnel directKind = 'T'

// openTunnels makes connections to other servers of messages to them, for when the engine
// is all that they share.
func (c *Cluster) openTunnels() {
	c.tunnels = tunnel.New(c.uid, func(to string, frame []byte) { c.direct(to, directTunnel, frame) })
	c.directs[directTunnel] = func(from string, frame []byte) {
		if err := c.tunnels.Receive(from, frame); err != nil {
			c.malformed(c.inbox, err)
		}
	}
}
