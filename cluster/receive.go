package cluster

import (
	"errors"
	"fmt"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

var (
	errNamespace = errors.New("it is for another namespace")
	errEvent     = errors.New("it has no event that servers send")
	errType      = errors.New("its type is unknown")
)

// A receiver is what the engine tells.
type receiver struct{ c *Cluster }

// Receive implements [Receiver]. Nothing here waits for anybody: it is the engine's
// goroutine, which keeps the order of what others did.
func (r receiver) Receive(sub, channel string, data []byte) {
	c := r.c
	if wire.SentBy(c.uid, data) {
		if sub == c.format.Servers() {
			c.heardItself(channel, data)
		}
		return
	}
	c.counts.received.Add(1)
	if sub == c.inbox {
		if err := c.receiveDirect(data); err != nil {
			c.malformed(channel, err)
		}
		return
	}
	nsp, b, ok := c.channels.find(sub)
	if !ok {
		return // unsubscribed meanwhile
	}
	var m wire.Message
	if err := c.format.Decode(channel, data, &m); err != nil {
		c.malformed(channel, err)
		return
	}
	if m.UID == c.uid || m.To != "" && m.To != c.uid {
		return
	}
	if nsp == "" {
		b = c.channels.broker(m.Nsp)
	} else if m.Nsp != "" && m.Nsp != nsp {
		c.malformed(channel, errNamespace)
		return
	}
	if err := c.handle(b, &m); err != nil {
		c.malformed(channel, err)
	}
}

// handle does what a message asks for. B is nil if there is no such namespace here. The error
// says that the message is no good.
func (c *Cluster) handle(b *broker, m *wire.Message) error {
	switch m.Type {
	case wire.TypeHello, wire.TypeHeartbeat, wire.TypeClose:
		c.heard(m)
	case wire.TypeFetched, wire.TypeCounted, wire.TypeServerAnswer, wire.TypeClientCount, wire.TypeClientAnswer:
		if c.members.hasLeft(m.UID) {
			return nil // it is not awaited any more, and would count as another
		}
		c.requests.answered(m)
		c.met(m.UID)
	case wire.TypeStop:
		c.serving.stopInquiry(inquiryKey{m.UID, m.Request}, errStopped)
	default:
		if b == nil {
			c.serveNobody(m)
			return nil
		}
		return b.handle(m)
	}
	return nil
}

// handle does what other servers want of a namespace.
func (b *broker) handle(m *wire.Message) error {
	sel := socketio.Selector{Rooms: m.Rooms, Except: m.Except}
	switch m.Type {
	case wire.TypeBroadcast:
		e, err := eventOf(m)
		if err != nil {
			return err
		}
		e.Local = true // it is not to go further
		if m.Request != "" {
			b.serveInquiry(m, e)
			return nil
		}
		return b.local.Broadcast(e)
	case wire.TypeJoin, wire.TypeLeave, wire.TypeDisconnect:
		if m.Request != "" && len(b.local.Select(sel)) == 0 {
			return nil // in the first versions of the format, who has the socket answers
		}
		b.act(m, sel)
		if m.Request != "" {
			out := answerTo(m)
			out.Type, out.Nsp = wire.TypeCounted, b.nsp
			b.c.try(out)
		}
	case wire.TypeFetch:
		b.serve(m, func(out *wire.Message) { b.fetched(sel, out) })
	case wire.TypeCount:
		b.serve(m, func(out *wire.Message) {
			out.Type = wire.TypeCounted
			out.Count, _ = b.local.Count(b.c.ctx, sel) // that of a Local does not fail
		})
	case wire.TypeIDs:
		b.serve(m, func(out *wire.Message) { b.ids(sel, out) })
	case wire.TypeRooms:
		b.serve(m, b.rooms)
	case wire.TypeServerEvent:
		if name, err := parser.EventName(m.Data); err != nil || parser.IsReserved(string(name)) {
			return errEvent
		}
		b.serveEvent(m)
	case wire.TypeIDList, wire.TypeRoomSet: // answers to what this server does not ask
	default:
		return errType
	}
	return nil
}

// eventOf returns the event that clients are to get.
func eventOf(m *wire.Message) (*socketio.Broadcast, error) {
	if name, err := parser.EventName(m.Data); err != nil || parser.IsReserved(string(name)) {
		return nil, errEvent
	}
	return &socketio.Broadcast{
		Data: m.Data, Attachments: m.Attachments, Selector: socketio.Selector{Rooms: m.Rooms, Except: m.Except},
		Volatile: m.Flags.Volatile, Plain: m.Flags.Plain,
	}, nil
}

// act does something with sockets.
func (b *broker) act(m *wire.Message, sel socketio.Selector) {
	var err error
	switch m.Type {
	case wire.TypeJoin:
		err = b.local.Join(sel, m.Names)
	case wire.TypeLeave:
		err = b.local.Leave(sel, m.Names)
	case wire.TypeDisconnect:
		err = b.local.Disconnect(sel, m.Close)
	}
	if err != nil {
		b.c.log.Debug().Str("nsp", b.nsp).Err(err).Msg("not all that another server wants of sockets can be done")
	}
}

// malformed counts a message that is dropped.
func (c *Cluster) malformed(channel string, err error) {
	c.counts.malformed.Add(1)
	c.log.Debug().Str("channel", fmt.Sprintf("%.100q", channel)).Err(err).Msg("a message of the cluster is dropped")
}

// Lost implements [Receiver].
func (r receiver) Lost(messages int, err error) { r.c.lost(messages, err) }

// Missed implements [Receiver].
func (r receiver) Missed(messages int, err error) { r.c.missed(messages, err) }

// Away implements [Receiver].
func (r receiver) Away(err error) { r.c.leave(err) }

// Back implements [Receiver].
func (r receiver) Back() { r.c.back() }
