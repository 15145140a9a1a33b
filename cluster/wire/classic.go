package wire

import (
	"strings"

	"github.com/siokit/sio/socketio/parser"
)

// DefaultPrefix begins the channels of servers written in JavaScript, unless they are told
// otherwise.
const DefaultPrefix = "socket.io"

// ClassicOptions are those of [Classic].
type ClassicOptions struct {
	// Pattern subscribes to all rooms of a namespace by one pattern, as servers written
	// in JavaScript do, rather than to each room that has members.
	Pattern bool
	// SpecificResponses sends answers to who has asked only. It is what
	// publishOnSpecificResponseChannel is in JavaScript, where it does not apply to
	// those to ServerSideEmit. All servers that ask have to listen there, as those of
	// redis-adapter 8 do.
	SpecificResponses bool
}

// Classic returns the format of createAdapter of @socket.io/redis-adapter, and of
// @socket.io/redis-emitter. The channels begin with the prefix, or [DefaultPrefix].
//
// Events and the answers of sockets are msgpack, all else is JSON, where attachments are
// {"type":"Buffer","data":[…]}. What such servers don't know, they ignore: who has
// answered, why there is no answer, and the types from TypeCount to TypeStop.
//
// A request of the first versions is for one socket: Rooms is its id. If it has a Request
// though it is a TypeJoin, TypeLeave or TypeDisconnect, the one server that has the socket
// answers with TypeCounted.
func Classic(prefix string, o ClassicOptions) Format {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return &classic{o, prefix + "#", prefix + "-request#", prefix + "-response#", prefix + "-servers#"}
}

type classic struct {
	opts                                   ClassicOptions
	broadcasts, requests, answers, servers string
}

func (f *classic) Channels(nsp, uid string) []string {
	all := f.broadcasts + nsp + "#"
	if f.opts.Pattern {
		all = literal.Replace(all) + "*"
	}
	return []string{all, f.requests + nsp + "#", f.answers + nsp + "#", f.answers + nsp + "#" + uid + "#"}
}

// literal makes a pattern of Redis of what is none.
var literal = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `\`, `\\`)

func (f *classic) Room(nsp, room string) string {
	if f.opts.Pattern {
		return ""
	}
	return f.room(nsp, room)
}

func (f *classic) room(nsp, room string) string { return f.broadcasts + nsp + "#" + room + "#" }

func (f *classic) Counted(nsp string) string { return f.requests + nsp + "#" }
func (f *classic) Servers() string           { return f.servers }
func (f *classic) Direct(uid string) string  { return f.servers + uid + "#" }

func (f *classic) Channel(m *Message) string {
	switch {
	case m.isMember():
		return f.servers
	case m.isRoom():
		return f.room(m.Nsp, m.Rooms[0])
	case m.Type == TypeBroadcast && m.Request == "":
		return f.broadcasts + m.Nsp + "#"
	case !m.isAnswer():
		return f.requests + m.Nsp + "#"
	case f.opts.SpecificResponses && m.To != "":
		return f.answers + m.Nsp + "#" + m.To + "#"
	}
	return f.answers + m.Nsp + "#"
}

// The types of the requests and answers of Node. Those of ours are as [Type] has them.
const (
	classicIDs         = 0
	classicRooms       = 1
	classicJoin        = 2
	classicLeave       = 3
	classicDisconnect  = 4
	classicFetch       = 5
	classicServerEvent = 6
	classicBroadcast   = 7
	classicClientCount = 8
	classicAnswer      = 9
)

func (f *classic) Append(dst []byte, m *Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return dst, err
	}
	write := classicRequest
	switch {
	case m.isMember():
		return encode(dst, m, false, (*text).member)
	case m.Type == TypeBroadcast && m.Request == "":
		return encode(dst, m, true, classicEvent)
	case m.isAnswer():
		write = classicReply
	}
	return encode(dst, m, m.Type == TypeBroadcast || m.Type == TypeClientAnswer, write)
}

// classicEvent writes a broadcast.
func classicEvent(t *text, m *Message) {
	t.out = append(t.out, '[')
	t.quote(m.UID)
	t.out = append(t.out, ",{"...)
	t.packet(m, m.Nsp)
	t.out = append(t.out, "},{"...)
	t.opts(m, true)
	t.out = append(t.out, "}]"...)
}

// classicRequest writes a request.
func classicRequest(t *text, m *Message) {
	t.out = append(t.out, '{')
	if m.UID != EmitterUID || m.Type == TypeServerEvent {
		t.str("uid", m.UID)
	}
	t.str("requestId", m.Request)
	switch m.Type {
	case TypeIDs:
		t.num("type", classicIDs)
		t.list("rooms", m.Rooms)
	case TypeRooms:
		t.num("type", classicRooms)
	case TypeJoin, TypeLeave:
		t.num("type", classicJoin+int64(m.Type-TypeJoin))
		t.target(m, false)
		t.list("rooms", m.Names)
	case TypeDisconnect:
		t.num("type", classicDisconnect)
		t.target(m, false)
		t.bool("close", m.Close)
	case TypeFetch:
		t.num("type", classicFetch)
		t.target(m, false)
	case TypeServerEvent:
		t.num("type", classicServerEvent)
		t.data("data", m)
	case TypeBroadcast:
		t.num("type", classicBroadcast)
		t.open("packet")
		t.packet(m, m.Nsp)
		t.shut()
		t.target(m, true)
	default:
		t.num("type", int64(m.Type))
		if m.Type == TypeCount {
			t.target(m, false)
		}
	}
	t.shut()
}

// classicReply writes an answer.
func classicReply(t *text, m *Message) {
	t.out = append(t.out, '{')
	t.str("uid", m.UID) // in front, for SentBy
	switch m.Type {
	case TypeServerAnswer:
		t.num("type", classicServerEvent)
	case TypeClientCount:
		t.num("type", classicClientCount)
	case TypeClientAnswer:
		if m.Err != "" {
			t.num("type", typeFailed)
		} else {
			t.num("type", classicAnswer)
		}
	case TypeCounted:
		t.num("type", int64(m.Type))
	}
	t.str("requestId", m.Request)
	switch m.Type {
	case TypeIDList:
		t.list("sockets", m.Names)
	case TypeRoomSet:
		t.list("rooms", m.Names)
	case TypeFetched:
		t.data("sockets", m)
		t.more(m)
	case TypeServerAnswer:
		t.result("data", m)
	case TypeClientCount, TypeCounted:
		t.num("clientCount", int64(m.Count))
	case TypeClientAnswer:
		t.result("packet", m)
	}
	t.shut()
}

func (f *classic) Decode(channel string, data []byte, m *Message) error {
	s, err := read(data)
	if err != nil {
		return err
	}
	if channel == f.servers {
		return m.member(s)
	}
	s.buffers = !s.packed
	if rest, ok := strings.CutPrefix(channel, f.broadcasts); ok {
		err = m.classicEvent(rest, s)
	} else if nsp, ok := cutNamespace(channel, f.requests); ok {
		m.Nsp = nsp
		err = m.classicRequest(s)
	} else if _, ok := cutNamespace(channel, f.answers); ok {
		err = m.classicReply(s)
	} else {
		err = errChannel
	}
	if err != nil {
		return err
	}
	return m.whole(s)
}

// cutNamespace returns what is between the prefix of a channel and its end.
func cutNamespace(channel, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(channel, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "#")
}

// classicEvent decodes a broadcast. The channel ends in the namespace and perhaps a room,
// a '#' behind each.
func (m *Message) classicEvent(channel string, s source) error {
	m.Type = TypeBroadcast
	if !s.packed || s.json[0] != '[' {
		return errMessage
	}
	c := parser.Walk(s.json)
	if !c.More() {
		return errMessage
	}
	uid := field(c.Value())
	if string(uid) == "null" {
		uid = nil
	}
	if !c.More() {
		return errMessage
	}
	packet, err := readFields(&c)
	if err != nil {
		return err
	}
	if err := m.packet(s, &packet); err != nil {
		return err
	}
	if m.UID, err = uid.text(); err != nil {
		return err
	}
	m.Nsp = "/"
	if packet.nsp != nil {
		if m.Nsp, err = packet.nsp.within(channel); err != nil {
			return err
		}
	}
	room, ok := strings.CutPrefix(channel, m.Nsp)
	if !ok || room == "" || room[0] != '#' {
		return errNamespace
	}
	if !c.More() {
		return errNobody
	}
	opts, err := readFields(&c)
	if err != nil {
		return err
	}
	return m.options(&opts, strings.TrimSuffix(room[1:], "#"))
}

// classicRequest decodes a request.
func (m *Message) classicRequest(s source) error {
	f, err := field(s.json).fields()
	if err != nil {
		return err
	}
	if m.UID, err = f.uid.text(); err != nil {
		return err
	}
	if m.Request, err = f.request.text(); err != nil {
		return err
	}
	kind, err := f.kind.integer()
	if err != nil {
		return err
	}
	asks := true // there is an answer
	switch kind {
	case classicIDs:
		m.Type = TypeIDs
		m.Rooms, err = f.rooms.list("")
	case classicRooms:
		m.Type = TypeRooms
	case classicJoin, classicLeave:
		m.Type = TypeJoin + Type(kind-classicJoin)
		asks = false
		names := f.rooms
		if f.opts == nil && f.room != nil {
			names = field("[" + string(f.room) + "]")
		}
		if m.Names, err = names.list(""); err == nil {
			err = m.sockets(&f)
		}
	case classicDisconnect:
		m.Type = TypeDisconnect
		m.Close = f.shut.isTrue()
		asks = false
		err = m.sockets(&f)
	case classicFetch:
		m.Type = TypeFetch
		err = m.target(f.opts, "")
	case classicServerEvent:
		m.Type = TypeServerEvent
		asks = false
		err = m.event(s, f.data)
	case classicBroadcast:
		m.Type = TypeBroadcast
		if err = m.target(f.opts, ""); err == nil {
			err = m.inner(s, f.packet)
		}
	case int(TypeCount):
		m.Type = TypeCount
		err = m.target(f.opts, "")
	case int(TypeStop):
		m.Type = TypeStop
	default:
		return errUnknown
	}
	if err == nil && asks && m.Request == "" {
		err = errAnonymous
	}
	return err
}

// sockets decodes whom a message acts upon: opts, or one socket in old versions.
func (m *Message) sockets(f *fields) error {
	if f.opts != nil {
		return m.target(f.opts, "")
	}
	if f.sid == nil {
		return errNobody
	}
	sid, err := f.sid.text()
	m.Rooms = []string{sid}
	return err
}

// classicReply decodes an answer. Some do not tell what they answer to.
func (m *Message) classicReply(s source) error {
	f, err := field(s.json).fields()
	if err != nil {
		return err
	}
	if m.UID, err = f.uid.text(); err != nil {
		return err
	}
	if m.Request, err = f.request.text(); err != nil {
		return err
	}
	if m.Request == "" {
		return errAnonymous
	}
	kind := -1
	if f.kind != nil {
		if kind, err = f.kind.integer(); err != nil {
			return err
		}
	}
	switch {
	case kind == classicServerEvent:
		m.Type = TypeServerAnswer
		return m.answer(s, f.data, &f)
	case kind == classicClientCount, kind == int(TypeCounted):
		m.Type = TypeClientCount
		if kind == int(TypeCounted) {
			m.Type = TypeCounted
		}
		m.Count, err = f.count.integer()
		return err
	case kind == classicAnswer, kind == typeFailed:
		m.Type = TypeClientAnswer
		return m.answer(s, f.packet, &f)
	case kind >= 0:
		return errUnknown
	case f.rooms != nil:
		m.Type = TypeRoomSet
		m.Names, err = f.rooms.list("")
		return err
	case f.sockets == nil: // the answer to a request of old versions
		m.Type = TypeCounted
		return nil
	}
	if c := parser.Walk(f.sockets); c.Peek() == '[' && c.More() && c.Peek() != '{' {
		m.Type = TypeIDList
		m.Names, err = f.sockets.list("")
		return err
	}
	m.Type, m.More = TypeFetched, f.more.isTrue()
	return m.list(s, f.sockets)
}
