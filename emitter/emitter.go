// Package emitter is for programs that only send to the clients of a cluster, such as
// workers and cron jobs. It is what @socket.io/redis-emitter is, for servers written in Go
// or in JavaScript, and links neither HTTP nor sessions.
//
// An [Emitter] makes messages; who publishes them is up to the program. The format is that
// of the servers, with the same prefix. With rueidis:
//
//	e := emitter.New(wire.Classic("", wire.ClassicOptions{}), func(channel string, data []byte) error {
//		return client.Do(ctx, client.B().Publish().Channel(channel).Message(rueidis.BinaryString(data)).Build()).Error()
//	}, nil)
//	err := e.To("room").Emit("news", "hello")
//
// With go-redis, for servers with the sharded format:
//
//	e := emitter.New(wire.Sharded("", wire.Dynamic), func(channel string, data []byte) error {
//		return client.SPublish(ctx, channel, data).Err()
//	}, nil)
//
// With nats.go, whose connection is to be flushed or drained at the end:
//
//	e := emitter.New(wire.Subjects(""), nc.Publish, nil)
//
// Servers whose clients come back to any of them keep events in a journal, which has a way of
// its own: see [Options]. The format of those with Redis Streams is [wire.Streams].
package emitter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fresh"
	"github.com/siokit/sio/socketio/parser"
)

// Options are those of [New]. The zero value is useful.
type Options struct {
	Codec parser.Codec // of arguments; default: parser.JSON, as on the servers

	// Append, if set, adds an entry to the journal of the servers, and is called for all
	// that goes by that, instead of what publishes: what is done to sockets, and events that
	// are not volatile. Without it, or without a journal, clients that are away miss them.
	// With rueidis, for servers with Redis Streams:
	//
	//	func(e wire.Entry) error {
	//		return client.Do(ctx, client.B().Xadd().Key("socket.io").Maxlen().Almost().Threshold("10000").Id("*").FieldValue().
	//			FieldValue("uid", e.UID).FieldValue("nsp", e.Nsp).FieldValue("type", e.Type).FieldValue("data", e.Data).Build()).Error()
	//	}
	//
	// For servers with JetStream it is what Appender of cluster/nats returns.
	Append func(wire.Entry) error
}

// An Emitter addresses a set of sockets of a namespace, on all servers: it emits to them, or
// acts upon them. It is immutable, and may be kept and used from any goroutine if what
// publishes may be: the methods that modify it return another one.
//
// An error of a method says that an argument can't be encoded, or that the name of a room is
// not UTF-8, or is that of what publishes or appends. Without one, the message has been sent;
// nobody tells who got it.
type Emitter struct {
	*sender
	nsp             string
	rooms, except   []string
	to              bool // rooms have been asked for
	volatile, plain bool
}

// A sender is what is the same for all that come from one New.
type sender struct {
	format  wire.Format
	publish func(channel string, data []byte) error
	append  func(wire.Entry) error // nil: there is no journal
	codec   parser.Codec
	fresh   fresh.Rooms
}

// New returns an Emitter of all sockets in the namespace "/". Publish is called for each
// message, and may keep data, which is not used again. Options may be nil.
func New(f wire.Format, publish func(channel string, data []byte) error, o *Options) Emitter {
	s := &sender{format: f, publish: publish}
	if o != nil {
		s.codec, s.append = o.Codec, o.Append
	}
	return Emitter{sender: s, nsp: "/"}
}

// Of returns an Emitter of all sockets in another namespace. It panics if the name does not
// begin with a slash.
func (e Emitter) Of(nsp string) Emitter {
	if !strings.HasPrefix(nsp, "/") {
		panic("emitter: namespace " + strconv.Quote(nsp) + " does not begin with a slash")
	}
	return Emitter{sender: e.sender, nsp: nsp}
}

// To returns an Emitter of the sockets in any of the rooms, or in any that were named before.
// A socket's id is a room that only it is in. An empty list of rooms addresses nobody,
// unless another To names some.
func (e Emitter) To(rooms ...string) Emitter {
	e.rooms, e.to = slices.Concat(e.rooms, rooms), true
	return e
}

func (e Emitter) nobody() bool { return e.to && len(e.rooms) == 0 }

// In is another name for [Emitter.To].
func (e Emitter) In(rooms ...string) Emitter { return e.To(rooms...) }

// Except returns an Emitter without the sockets in any of the rooms.
func (e Emitter) Except(rooms ...string) Emitter {
	e.except = slices.Concat(e.except, rooms)
	return e
}

// Volatile returns an Emitter whose events are dropped for a client to which they can't be
// sent at once.
func (e Emitter) Volatile() Emitter {
	e.volatile = true
	return e
}

// Compress returns an Emitter whose events are not compressed if on is false. Compress(true)
// takes that back.
func (e Emitter) Compress(on bool) Emitter {
	e.plain = !on
	return e
}

// Emit sends an event to the sockets.
func (e Emitter) Emit(event string, args ...any) error {
	m := e.message(wire.TypeBroadcast)
	m.Flags = wire.Flags{Volatile: e.volatile, Plain: e.plain}
	m.All = len(e.rooms) == 1 && e.fresh.Has(e.nsp, e.rooms[0])
	return e.event(m, event, args)
}

// Join adds the sockets to rooms. What is emitted to these afterwards reaches them.
func (e Emitter) Join(rooms ...string) error {
	m := e.message(wire.TypeJoin)
	m.Names = rooms
	e.fresh.Add(e.nsp, rooms)
	return e.send(m)
}

// Leave removes the sockets from rooms.
func (e Emitter) Leave(rooms ...string) error {
	m := e.message(wire.TypeLeave)
	m.Names = rooms
	return e.send(m)
}

// Disconnect makes the sockets leave the namespace, and closes their connections if
// closeConn is true.
func (e Emitter) Disconnect(closeConn ...bool) error {
	m := e.message(wire.TypeDisconnect)
	m.Close = slices.Contains(closeConn, true)
	return e.send(m)
}

// ServerSideEmit sends an event to the servers that have the namespace, rather than to
// sockets, whatever rooms have been named.
func (e Emitter) ServerSideEmit(event string, args ...any) error {
	return Emitter{sender: e.sender}.event(&wire.Message{Type: wire.TypeServerEvent, UID: wire.EmitterUID, Nsp: e.nsp}, event, args)
}

func (e Emitter) message(t wire.Type) *wire.Message {
	return &wire.Message{Type: t, UID: wire.EmitterUID, Nsp: e.nsp, Rooms: e.rooms, Except: e.except}
}

// event sends a message with an event.
func (e Emitter) event(m *wire.Message, event string, args []any) (err error) {
	if m.Data, m.Attachments, err = parser.AppendEvent(e.codec, nil, event, args); err != nil {
		return err
	}
	return e.send(m)
}

func (e Emitter) send(m *wire.Message) error {
	if e.nobody() {
		return nil
	}
	if e.append != nil && m.Kept() {
		entry, err := m.Entry()
		if err != nil {
			return err
		}
		return e.append(entry)
	}
	data, err := e.format.Append(nil, m)
	if err != nil {
		return err
	}
	return e.publish(e.format.Channel(m), data)
}
