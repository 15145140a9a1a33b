package socketio

import (
	"fmt"
	"sync"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/parser"
)

// An encoded packet is shared by all who get it.
type encoded struct {
	first *engineio.Message
	rest  []*engineio.Message // the attachments
	soon  bool                // errCrowded rather than send it, if much waits
	ack   bool                // it answers an event
}

func (e encoded) size() int {
	n := e.first.Size()
	for _, m := range e.rest {
		n += m.Size()
	}
	return n
}

// encodeEvent encodes an event, with an id if an ack is wanted.
func (n *Namespace) encodeEvent(name string, args []any, id uint64, wantsAck bool) (encoded, error) {
	return n.srv.encode(parser.TypeEvent, n.name, id, wantsAck, func(dst []byte) ([]byte, [][]byte, error) {
		return parser.AppendEvent(n.srv.opts.Codec, dst, name, args)
	})
}

// encodeAck encodes the answer to the event that came with id.
func (n *Namespace) encodeAck(id uint64, args []any) (encoded, error) {
	e, err := n.srv.encode(parser.TypeAck, n.name, id, true, func(dst []byte) ([]byte, [][]byte, error) {
		return parser.AppendAck(n.srv.opts.Codec, dst, args)
	})
	e.ack = true
	return e, err
}

// encodeConnected encodes the answer to the CONNECT of a socket that has been
// let in.
func (s *Socket) encodeConnected() (encoded, error) {
	return s.nsp.srv.encode(parser.TypeConnect, s.nsp.name, 0, false, func(dst []byte) ([]byte, [][]byte, error) {
		if s.conn.v3() {
			return dst, nil, nil
		}
		dst = append(dst, `{"sid":"`...)
		dst = append(dst, s.id...) // base64url: nothing to escape
		if s.rec != nil {
			dst = append(dst, `","pid":"`...)
			dst = append(dst, s.rec.secret()...)
		}
		return append(dst, `"}`...), nil, nil
	})
}

// encodeRefusal encodes a CONNECT_ERROR. A panic of the data's own methods is
// an error like others.
func (c *conn) encodeRefusal(nsp string, r *Refusal) (_ encoded, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return c.srv.encode(parser.TypeConnectError, nsp, 0, false, func(dst []byte) ([]byte, [][]byte, error) {
		if c.v3() {
			return parser.AppendConnectErrorV4(c.srv.opts.Codec, dst, r.Message, r.Data)
		}
		return parser.AppendConnectError(c.srv.opts.Codec, dst, r.Message, r.Data)
	})
}

// encodeDisconnect encodes a DISCONNECT.
func (s *Server) encodeDisconnect(nsp string) (encoded, error) {
	return s.encode(parser.TypeDisconnect, nsp, 0, false, func(dst []byte) ([]byte, [][]byte, error) {
		return dst, nil, nil
	})
}

// scratch holds buffers for encoding; the messages copy what they need.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxScratch keeps the buffers of rare large packets out of the pool.
const maxScratch = 64 << 10

// An appendPayload appends the JSON of a packet to dst, with a placeholder for each of
// the attachments that it returns.
type appendPayload = func(dst []byte) (text []byte, attachments [][]byte, err error)

// encode makes a packet, with an id if it has one. The payload is made deep in the stack
// of a goroutine that may have just begun: 400 bytes more in the frames above it made that
// stack grow once more for each ack, which took half as long again.
func (s *Server) encode(t parser.PacketType, nsp string, id uint64, hasID bool, payload appendPayload) (e encoded, err error) {
	buf := scratch.Get().(*[]byte)
	text, most := (*buf)[:0], maxScratch
	if f := s.opts.Parser; f == nil {
		var attachments [][]byte
		text, attachments, err = parser.EncodePacket(text, t, nsp, id, hasID, payload)
		if err == nil {
			err = s.allows(attachments)
		}
		if err == nil {
			e = textMessages(text, attachments)
		}
	} else {
		text, e, err = encodeWith(f, text, t, nsp, id, hasID, payload)
		most *= 2 // for the payload, and for the message made of it
	}
	if cap(text) <= most {
		*buf = text
	}
	scratch.Put(buf)
	return e, err
}

// textMessages makes the messages of a packet in the text format.
func textMessages(text []byte, attachments [][]byte) (e encoded) {
	e.first = engineio.NewMessage(text)
	if len(attachments) > 0 {
		e.rest = make([]*engineio.Message, len(attachments))
		for i, a := range attachments {
			e.rest[i] = engineio.NewBinaryMessage(a)
		}
	}
	return e
}

// allows returns an error if clients refuse so many attachments of a packet.
func (s *Server) allows(attachments [][]byte) error {
	if n, limit := len(attachments), s.opts.MaxAttachments; s.opts.Parser == nil && n > limit {
		return fmt.Errorf("%w: %d, of which Options.MaxAttachments allows %d", ErrTooManyAttachments, n, limit)
	}
	return nil
}
