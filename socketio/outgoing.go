package socketio

import (
	"fmt"
	"sync"

	"github.com/siokit/sio/engineio"
)

// An encoded packet is shared by all who get it.
type encoded struct {
	first *engineio.Message
	rest  []*engineio.Message // the attachments
	soon  bool                // errCrowded rather than send it, if much waits
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
	head := Packet{Type: TypeEvent, Namespace: n.name, ID: id, HasID: wantsAck}
	return n.srv.encode(head, func(dst []byte) ([]byte, [][]byte, error) {
		return AppendEvent(n.srv.opts.Codec, dst, name, args)
	})
}

// encodeAck encodes the answer to the event that came with id.
func (n *Namespace) encodeAck(id uint64, args []any) (encoded, error) {
	head := Packet{Type: TypeAck, Namespace: n.name, ID: id, HasID: true}
	return n.srv.encode(head, func(dst []byte) ([]byte, [][]byte, error) {
		return appendArgs(n.srv.opts.Codec, append(dst, '['), args)
	})
}

// encodeConnected encodes the answer to the CONNECT of a socket that has been
// let in.
func (s *Socket) encodeConnected() (encoded, error) {
	return s.nsp.srv.encode(Packet{Type: TypeConnect, Namespace: s.nsp.name}, func(dst []byte) ([]byte, [][]byte, error) {
		if s.conn.v3() {
			return dst, nil, nil
		}
		dst = append(dst, `{"sid":"`...)
		dst = append(dst, s.id...) // base64url: nothing to escape
		if s.rec != nil {
			dst = append(dst, `","pid":"`...)
			dst = append(dst, s.rec.pid...)
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
	return c.srv.encode(Packet{Type: TypeConnectError, Namespace: nsp}, func(dst []byte) ([]byte, [][]byte, error) {
		if c.v3() {
			return appendRefusalV4(c.srv.opts.Codec, dst, r.Message, r.Data)
		}
		return appendRefusal(c.srv.opts.Codec, dst, r.Message, r.Data)
	})
}

// encodeDisconnect encodes a DISCONNECT.
func (s *Server) encodeDisconnect(nsp string) (encoded, error) {
	return s.encode(Packet{Type: TypeDisconnect, Namespace: nsp}, func(dst []byte) ([]byte, [][]byte, error) {
		return dst, nil, nil
	})
}

// scratch holds buffers for encoding; the messages copy what they need.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxScratch keeps the buffers of rare large packets out of the pool.
const maxScratch = 64 << 10

// encode makes a packet of the head given and of the payload that f appends.
func (s *Server) encode(head Packet, f func(dst []byte) ([]byte, [][]byte, error)) (e encoded, err error) {
	buf := scratch.Get().(*[]byte)
	text, parser := (*buf)[:0], s.opts.Parser
	if parser == nil {
		text = AppendHeader(text, head.Type, 0, head.Namespace, head.ID, head.HasID)
	}
	text, attachments, err := f(text)
	switch {
	case err != nil:
	case parser == nil:
		text, e, err = s.encodeText(text, attachments, head.Type)
	default:
		head.Data, head.Attachments = text, attachments
		e, err = encodeWith(parser, head)
	}
	if cap(text) <= maxScratch {
		*buf = text
	}
	scratch.Put(buf)
	return e, err
}

// encodeText makes the messages of a packet in the text format, whose head does
// not know of attachments yet.
func (s *Server) encodeText(text []byte, attachments [][]byte, t PacketType) (_ []byte, e encoded, err error) {
	binary, limit := TypeBinaryEvent, s.opts.MaxAttachments
	switch {
	case len(attachments) == 0:
	case t == TypeAck:
		binary = TypeBinaryAck
	case t != TypeEvent:
		return text, e, errBinaryPayload
	}
	text, attachments, err = finish(text[:0], text, attachments, binary, nil)
	if err == nil && len(attachments) > limit {
		err = fmt.Errorf("%w: %d, of which Options.MaxAttachments allows %d", ErrTooManyAttachments, len(attachments), limit)
	}
	if err != nil {
		return text, e, err
	}
	e.first = engineio.NewMessage(text)
	if len(attachments) > 0 {
		e.rest = make([]*engineio.Message, len(attachments))
		for i, a := range attachments {
			e.rest[i] = engineio.NewBinaryMessage(a)
		}
	}
	return text, e, nil
}
