package socketio

import (
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/parser"
)

// A parserConn is a conn whose messages go to the decoder of Options.Parser.
type parserConn struct {
	conn
	dec parser.Decoder
}

// Message implements [engineio.Handler].
func (c *parserConn) Message(data []byte, binary bool) {
	var p parser.Packet
	var done bool
	var err error
	if binary {
		p, done, err = c.dec.Binary(data)
	} else {
		p, done, err = c.dec.Text(data)
	}
	if done && err == nil {
		err = p.Check()
	}
	c.decoded(&p, done, c.dec.Pending(), err)
}

// encodeWith makes the messages of a packet in the format of an application. It uses
// buf, which it returns, for the payload and for the first message behind it.
func encodeWith(f parser.Parser, buf []byte, t parser.PacketType, nsp string, id uint64, hasID bool, payload appendPayload) (_ []byte, e encoded, err error) {
	data, attachments, err := payload(buf)
	if err != nil {
		return buf, e, err
	}
	p := parser.Packet{Type: t, Namespace: nsp, ID: id, HasID: hasID, Data: data, Attachments: attachments}
	first, rest, err := parser.EncodeWith(f, p.Data, p)
	if err != nil {
		return p.Data, e, err
	}
	e.first = newMessage(parser.Message{Data: first.Data[len(p.Data):], Binary: first.Binary})
	if len(rest) > 0 {
		e.rest = make([]*engineio.Message, len(rest))
		for i, m := range rest {
			e.rest[i] = newMessage(m)
		}
	}
	return first.Data, e, nil
}

// newMessage copies m.
func newMessage(m parser.Message) *engineio.Message {
	if m.Binary {
		return engineio.NewBinaryMessage(m.Data)
	}
	return engineio.NewMessage(m.Data)
}
