package cluster

import (
	"errors"
)

// A directKind says what one server tells another one alone. Such messages have no format
// that servers in other languages know: a byte for the kind, one for the length of the
// sender's UID, that, and the rest.
type directKind byte

var errDirect = errors.New("it is none for one server")

// direct sends a message to one server. It arrives at most once, behind what was sent to it
// before. Payload is copied.
func (c *Cluster) direct(to string, kind directKind, payload []byte) {
	if c.ctx.Err() != nil {
		return
	}
	data := make([]byte, 0, 2+len(c.uid)+len(payload))
	data = append(data, byte(kind), byte(len(c.uid)))
	data = append(append(data, c.uid...), payload...)
	c.counts.published.Add(1)
	c.engine.Publish(c.format.Direct(to), data, false)
}

// receiveDirect hands a message over to what it is for. Nothing there blocks.
func (c *Cluster) receiveDirect(data []byte) error {
	if len(data) < 2 || len(data) < 2+int(data[1]) {
		return errDirect
	}
	kind, from, payload := directKind(data[0]), string(data[2:2+data[1]]), data[2+data[1]:]
	if h := c.directs[kind]; h != nil && from != c.uid {
		h(from, payload)
		return nil
	}
	return errDirect
}
