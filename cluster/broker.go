package cluster

import (
	"context"
	"sync"
	"sync/atomic"
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

	fresh fresh
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
		b.c.channels.join(channel, b)
	default:
		b.c.channels.leave(channel, b)
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
	return b.c.publish(b.message(e))
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
func (b *broker) message(e *socketio.Broadcast) *wire.Message {
	return &wire.Message{
		Type:        wire.TypeBroadcast,
		Nsp:         b.nsp,
		Data:        e.Data,
		Attachments: e.Attachments,
		Rooms:       e.Rooms,
		Except:      e.Except,
		Flags:       wire.Flags{Volatile: e.Volatile, Plain: e.Plain},
		All:         len(e.Rooms) == 1 && b.fresh.has(e.Rooms[0]),
	}
}

// Join implements [socketio.Broker].
func (b *broker) Join(sel socketio.Selector, rooms []string) error {
	err := b.local.Join(sel, rooms)
	if sel.Local || len(rooms) == 0 {
		return err
	}
	b.fresh.add(rooms)
	b.c.try(b.action(wire.TypeJoin, sel, rooms))
	return err
}

// Leave implements [socketio.Broker].
func (b *broker) Leave(sel socketio.Selector, rooms []string) error {
	err := b.local.Leave(sel, rooms)
	if sel.Local || len(rooms) == 0 {
		return err
	}
	b.c.try(b.action(wire.TypeLeave, sel, rooms))
	return err
}

// Disconnect implements [socketio.Broker].
func (b *broker) Disconnect(sel socketio.Selector, closeConn bool) error {
	err := b.local.Disconnect(sel, closeConn)
	if sel.Local {
		return err
	}
	m := b.action(wire.TypeDisconnect, sel, nil)
	m.Close = closeConn
	b.c.try(m)
	return err
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

const (
	// freshFor is how long after sockets of other servers were told to join a room an
	// event for that room goes to all servers: theirs may not have subscribed to its
	// channel yet.
	freshFor = 5 * time.Second
	// maxFresh bounds the rooms of which that is remembered. Beyond, it is so for all.
	maxFresh = 4096
)

// fresh are the rooms that sockets of other servers have been told to join lately.
type fresh struct {
	until atomic.Int64 // the last of them, so that most events need no lock

	mu    sync.Mutex
	rooms map[string]time.Time // until when; nil stands for all
	any   time.Time            // until when it is so for all rooms
}

func (f *fresh) add(rooms []string) {
	now := time.Now()
	until := now.Add(freshFor)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rooms)+len(rooms) > maxFresh {
		for room, end := range f.rooms {
			if end.Before(now) {
				delete(f.rooms, room)
			}
		}
	}
	if len(f.rooms)+len(rooms) > maxFresh {
		f.any = until
	} else {
		if f.rooms == nil {
			f.rooms = make(map[string]time.Time)
		}
		for _, room := range rooms {
			f.rooms[room] = until
		}
	}
	f.until.Store(until.UnixNano())
}

func (f *fresh) has(room string) bool {
	last := f.until.Load()
	if last == 0 {
		return false
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.UnixNano() > last && f.until.CompareAndSwap(last, 0) {
		f.rooms = nil
	}
	return now.Before(f.any) || now.Before(f.rooms[room])
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
