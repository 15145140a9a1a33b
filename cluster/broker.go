package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// A broker is that of one namespace.
type broker struct {
	c      *Cluster
	local  *socketio.Local
	nsp    string
	codec  parser.Codec
	linger time.Duration
}

// Close implements [io.Closer]: a dynamic namespace ends.
func (b *broker) Close() error {
	b.c.channels.shut(b)
	return nil
}

// Interest implements [socketio.Broker].
func (b *broker) Interest(room string, joined bool) {
	channel := b.c.format.Room(b.nsp, room)
	switch {
	case channel == "":
	case joined:
		b.c.channels.use(channel, b.nsp)
	default:
		b.c.channels.drop(channel, b.linger)
	}
}

// Broadcast implements [socketio.Broker].
func (b *broker) Broadcast(e *socketio.Broadcast) error {
	if e.Local {
		return b.local.Broadcast(e)
	}
	e, err := b.encoded(e)
	if err != nil {
		return err
	}
	if err := b.local.Broadcast(e); err != nil {
		return err
	}
	m := b.message(e)
	return b.c.publish(&m)
}

// encoded returns e with its Data.
func (b *broker) encoded(e *socketio.Broadcast) (*socketio.Broadcast, error) {
	if e.Data != nil {
		return e, nil
	}
	data, attachments, err := parser.AppendEvent(b.codec, nil, e.Event, e.Args)
	if err != nil {
		return nil, err
	}
	c := *e
	c.Data, c.Attachments = data, attachments
	return &c, nil
}

// message returns what tells others of e.
func (b *broker) message(e *socketio.Broadcast) wire.Message {
	return wire.Message{
		Type:        wire.TypeBroadcast,
		Nsp:         b.nsp,
		Data:        e.Data,
		Attachments: e.Attachments,
		Rooms:       e.Rooms,
		Except:      e.Except,
		Flags:       wire.Flags{Volatile: e.Volatile, Plain: e.Plain},
		All:         len(e.Rooms) == 1 && b.c.fresh.Has(b.nsp, e.Rooms[0]),
	}
}

// Join implements [socketio.Broker].
func (b *broker) Join(sel socketio.Selector, rooms []string) error {
	err := b.local.Join(sel, rooms)
	if sel.Local || len(rooms) == 0 {
		return err
	}
	b.c.fresh.Add(b.nsp, rooms)
	return errors.Join(err, b.c.publish(b.action(wire.TypeJoin, sel, rooms)))
}

// Leave implements [socketio.Broker].
func (b *broker) Leave(sel socketio.Selector, rooms []string) error {
	err := b.local.Leave(sel, rooms)
	if sel.Local || len(rooms) == 0 {
		return err
	}
	return errors.Join(err, b.c.publish(b.action(wire.TypeLeave, sel, rooms)))
}

// Disconnect implements [socketio.Broker].
func (b *broker) Disconnect(sel socketio.Selector, closeConn bool) error {
	err := b.local.Disconnect(sel, closeConn)
	if sel.Local {
		return err
	}
	m := b.action(wire.TypeDisconnect, sel, nil)
	m.Close = closeConn
	return errors.Join(err, b.c.publish(m))
}

func (b *broker) action(t wire.Type, sel socketio.Selector, rooms []string) *wire.Message {
	return &wire.Message{Type: t, Nsp: b.nsp, Rooms: sel.Rooms, Except: sel.Except, Names: rooms}
}

// ServerSideEmit implements [socketio.Broker].
func (b *broker) ServerSideEmit(event string, args []any) error {
	m, err := b.serverEvent(event, args)
	if err != nil {
		return err
	}
	return b.c.publish(m)
}

func (b *broker) serverEvent(event string, args []any) (*wire.Message, error) {
	data, attachments, err := parser.AppendEvent(b.codec, nil, event, args)
	return &wire.Message{Type: wire.TypeServerEvent, Nsp: b.nsp, Data: data, Attachments: attachments}, err
}

// BroadcastWithAck implements [socketio.Broker].
func (b *broker) BroadcastWithAck(ctx context.Context, e *socketio.Broadcast) ([]socketio.Answer, error) {
	if e.Local {
		return b.local.BroadcastWithAck(ctx, e)
	}
	e, err := b.encoded(e)
	if err != nil {
		return nil, err
	}
	return b.inquire(ctx, e)
}
