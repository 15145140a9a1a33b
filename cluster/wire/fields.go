package wire

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

// The errors of decoding, beside those of JSON and msgpack.
const (
	errChannel     parser.Error = "cluster message on a channel that is none of the format"
	errMessage     parser.Error = "malformed cluster message"
	errUnknown     parser.Error = "cluster message of a type that is not known there"
	errNamespace   parser.Error = "cluster message on the channel of another namespace"
	errText        parser.Error = "cluster message with something else where a string is due"
	errRooms       parser.Error = "cluster message with something else where rooms are due"
	errNumber      parser.Error = "cluster message with a malformed number"
	errNobody      parser.Error = "cluster message that does not say whom it is for"
	errPacket      parser.Error = "cluster message with a packet that is no event"
	errReserved    parser.Error = "cluster message with a reserved event name"
	errAttachments parser.Error = "cluster message with binary data outside of its payload"
	errAnonymous   parser.Error = "cluster message without the id of a request"
)

// A source is a message as JSON.
type source struct {
	json        []byte
	attachments [][]byte
	packed      bool // it came as msgpack
	buffers     bool // {"type":"Buffer","data":[…]} in it is an attachment
}

// read validates a message, and makes JSON of one in msgpack.
func read(data []byte) (s source, err error) {
	if len(data) > 0 && data[0] == '{' {
		return source{json: data}, parser.Validate(data)
	}
	s.json, s.attachments, err = msgpack.ReadValue(data)
	s.packed = true
	return s, err
}

// A field is a member of a message as it stands there, or nil.
type field []byte

// fields are the members that messages and their parts have, in all formats.
type fields struct {
	kind, uid, nsp, request, data, packet, opts, rooms, except, flags,
	sockets, count, shut, sid, room, err, name, addr, more field
}

// fields returns the members of an object.
func (f field) fields() (fields, error) {
	if f == nil {
		return fields{}, errMessage
	}
	c := parser.Walk(f)
	return readFields(&c)
}

// readFields steps over an object, and returns its members.
func readFields(c *parser.Cursor) (f fields, err error) {
	if c.Peek() != '{' {
		return f, errMessage
	}
	for c.More() {
		var at *field
		switch name := c.Name(); string(name) {
		case "type":
			at = &f.kind
		case "uid":
			at = &f.uid
		case "nsp":
			at = &f.nsp
		case "requestId":
			at = &f.request
		case "data":
			at = &f.data
		case "packet":
			at = &f.packet
		case "opts":
			at = &f.opts
		case "rooms":
			at = &f.rooms
		case "except":
			at = &f.except
		case "flags":
			at = &f.flags
		case "sockets":
			at = &f.sockets
		case "clientCount":
			at = &f.count
		case "close":
			at = &f.shut
		case "sid":
			at = &f.sid
		case "room":
			at = &f.room
		case "error":
			at = &f.err
		case "name":
			at = &f.name
		case "addr":
			at = &f.addr
		case "more":
			at = &f.more
		}
		value := c.Value()
		if at == nil {
			continue
		}
		if *at = value; string(value) == "null" && at != &f.data && at != &f.packet {
			*at = nil
		}
	}
	return f, nil
}

// text returns what a string is, or "" if there is none.
func (f field) text() (string, error) {
	if f == nil {
		return "", nil
	}
	if f[0] != '"' {
		return "", errText
	}
	c := parser.Walk(f)
	s, _ := c.Text()
	return string(s), nil
}

// within returns the string, which is part of s if that begins with it.
func (f field) within(s string) (string, error) {
	if n := len(f) - 2; n >= 0 && n <= len(s) && f[0] == '"' && s[:n] == string(f[1:1+n]) && bytes.IndexByte(f, '\\') < 0 {
		return s[:n], nil
	}
	return f.text()
}

func (f field) isTrue() bool { return string(f) == "true" }

// list returns the elements of an array, which are strings, or numbers. One that is hint
// is not copied.
func (f field) list(hint string) ([]string, error) {
	if f == nil {
		return nil, nil
	}
	if f[0] != '[' {
		return nil, errRooms
	}
	var l []string
	for c := parser.Walk(f); c.More(); {
		if l == nil {
			l = make([]string, 0, 1+bytes.Count(f, []byte(","))) // or fewer
		}
		if next := c; next.Peek() != '"' && isExtreme(next.Value()) {
			return nil, errRooms
		}
		s, ok := c.Text()
		switch {
		case !ok:
			return nil, errRooms
		case string(s) == hint:
			l = append(l, hint)
		default:
			l = append(l, string(s))
		}
	}
	return l, nil
}

// isExtreme reports whether a number has an exponent of three digits. No room is called so,
// and to read such numbers takes up to 40 µs each, so that a list of them would hold up what
// comes behind it.
func isExtreme(number []byte) bool {
	i := bytes.IndexAny(number, "eE")
	return i >= 0 && len(bytes.TrimLeft(number[i+1:], "+-")) > 2
}

// integer returns a number that counts something, or tells a type.
func (f field) integer() (int, error) {
	n, err := strconv.ParseUint(string(f), 10, 31)
	if err != nil {
		return 0, errNumber
	}
	return int(n), nil
}

// member decodes a message of a server.
func (m *Message) member(s source) error {
	f, err := field(s.json).fields()
	if err != nil {
		return err
	}
	n, err := f.kind.integer()
	if err != nil || len(s.attachments) > 0 {
		return errMessage
	}
	switch m.Type = Type(n); {
	case n > math.MaxUint8, m.Type != TypeHello && m.Type != TypeHeartbeat && m.Type != TypeClose:
		return errUnknown
	}
	if m.UID, err = f.uid.text(); err != nil {
		return err
	}
	if m.UID == "" {
		return errMessage
	}
	if m.Name, err = f.name.text(); err != nil {
		return err
	}
	m.Addr, err = f.addr.text()
	return err
}

// target decodes whom a message is for, and how. Without opts that is nobody: rather
// than to everybody, what is malformed goes to none.
func (m *Message) target(opts field, hint string) error {
	if opts == nil {
		return errNobody
	}
	f, err := opts.fields()
	if err != nil {
		return err
	}
	return m.options(&f, hint)
}

// options decodes the members of opts.
func (m *Message) options(f *fields, hint string) (err error) {
	if m.Rooms, err = f.rooms.list(hint); err != nil {
		return err
	}
	if m.Except, err = f.except.list(""); err != nil {
		return err
	}
	if f.flags == nil || m.Type != TypeBroadcast {
		return nil
	}
	if f.flags[0] != '{' {
		return errMessage
	}
	for c := parser.Walk(f.flags); c.More(); {
		switch name := c.Name(); string(name) {
		case "volatile":
			m.Flags.Volatile = string(c.Value()) == "true"
		case "compress":
			m.Flags.Plain = string(c.Value()) == "false"
		case "timeout":
			m.Flags.Timeout = milliseconds(c.Value())
		default:
			c.Value()
		}
	}
	return nil
}

// milliseconds returns a number of them, or 0 for what is none.
func milliseconds(number []byte) time.Duration {
	ms, err := strconv.ParseFloat(string(number), 64)
	if err != nil || ms <= 0 {
		return 0
	}
	return time.Duration(min(ms, math.MaxInt64/float64(2*time.Millisecond))) * time.Millisecond
}

// value sets Data to any value; none is null.
func (m *Message) value(s source, value field) {
	switch m.Data = value; {
	case value == nil:
		m.Data = []byte("null")
	case s.buffers:
		m.Data, m.Attachments = cutBuffers(value)
	default:
		m.Attachments = s.attachments
	}
}

// event sets Data to an array that begins with a name.
func (m *Message) event(s source, array field) error {
	name, err := parser.EventName(array)
	if err != nil {
		return err
	}
	if m.Type == TypeBroadcast && parser.IsReserved(string(name)) {
		return errReserved
	}
	m.value(s, array)
	return nil
}

// packet decodes the members of a packet that is an event.
func (m *Message) packet(s source, f *fields) error {
	switch string(f.kind) {
	case "2", "5": // in old emitters, the latter has binary data
		return m.event(s, f.data)
	}
	return errPacket
}

// inner decodes a packet within a request.
func (m *Message) inner(s source, packet field) error {
	f, err := packet.fields()
	if err != nil {
		return err
	}
	return m.packet(s, &f)
}

// answer sets Data to a value, unless there is an error instead.
func (m *Message) answer(s source, value field, f *fields) (err error) {
	if m.SID, err = f.sid.text(); err != nil {
		return err
	}
	if m.Err, err = f.err.text(); err != nil || m.Err != "" {
		return err
	}
	m.value(s, value)
	return nil
}

// list sets Data to an array of sockets.
func (m *Message) list(s source, array field) error {
	if array == nil || array[0] != '[' {
		return errMessage
	}
	m.value(s, array)
	return nil
}

// whole refuses a message whose attachments are not all in Data: what is left of it would
// have the wrong numbers.
func (m *Message) whole(s source) error {
	if len(s.attachments) > 0 && bytes.Count(m.Data, []byte(parser.Placeholder)) != len(s.attachments) {
		return errAttachments
	}
	return nil
}
