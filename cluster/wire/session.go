package wire

import (
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

const (
	// LeaseLen is how many bytes a record of a session begins with that are the same in all
	// records of one owner, and in no others.
	LeaseLen = 32

	// LeaseSize is how many bytes a lease has: with what is in front of it in msgpack, as
	// many as base64 makes LeaseLen of.
	LeaseSize = 18
)

var (
	errLease   = errors.New("wire: a lease has 18 characters of ASCII")
	errValues  = errors.New("wire: the values of a session are not an object")
	errStrings = errors.New("wire: a session with a name that is not valid UTF-8")
)

const errSession parser.Error = "malformed record of a session"

// A Session is what a server keeps of a client that may come back to another one. A record
// of it is base64 of the msgpack of @socket.io/redis-streams-adapter, {sid, pid, rooms,
// data}, and has two members more, which servers written in JavaScript ignore.
type Session struct {
	Lease string   // who may change the record: LeaseSize characters of ASCII; "" if a Node server has written it
	SID   string   // the id of the socket
	PID   string   // by which the client knows it
	Rooms []string // that it is in
	Data  []byte   // its values: a JSON object; {} if empty. Bytes of Node servers are Buffers, as JSON has them
	Extra []byte   // anything else, which has to be valid UTF-8
}

// AppendSession appends the record of a session to dst. It fails if the lease has another
// length, the values are not an object, or a name is not UTF-8.
func AppendSession(dst []byte, s *Session) ([]byte, error) {
	if len(s.Lease) != LeaseSize || !isASCII(s.Lease) {
		return dst, errLease
	}
	if !areText(s.Rooms) || !areText([]string{s.SID, s.PID}) || !utf8.Valid(s.Extra) {
		return dst, errStrings
	}
	values := s.Data
	if len(values) == 0 {
		values = []byte("{}")
	}
	if values[0] != '{' {
		return dst, errValues
	}
	if err := parser.ValidateWithin(values, 1); err != nil {
		return dst, err
	}
	t := texts.Get().(*text)
	t.out = append(t.out, '{')
	t.name("sio") // the first, for LeaseLen
	t.quote(s.Lease)
	t.name("sid")
	t.quote(s.SID)
	t.name("pid")
	t.quote(s.PID)
	t.list("rooms", s.Rooms)
	t.name("data")
	t.out = append(t.out, values...)
	t.name("extra") // always, so that there are as many members
	t.quote(string(s.Extra))
	t.shut()
	packed, err := msgpack.AppendValue(nil, t.out, nil)
	if t.out = t.out[:0]; cap(t.out) <= maxKept {
		texts.Put(t)
	}
	if err != nil {
		return dst, err
	}
	return base64.StdEncoding.AppendEncode(dst, packed), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' {
			return false
		}
	}
	return true
}

// DecodeSession decodes a record, which may be one of a Node server. What it allocates is in
// proportion to the record.
func DecodeSession(record []byte) (Session, error) {
	packed, err := base64.StdEncoding.AppendDecode(nil, record)
	if err != nil {
		return Session{}, errSession
	}
	json, attachments, err := msgpack.ReadValue(packed)
	if err != nil {
		return Session{}, err
	}
	c := parser.Walk(json)
	if c.Peek() != '{' {
		return Session{}, errSession
	}
	var s Session
	var text [4]field // of what is a string
	var rooms, values field
	for c.More() {
		var at *field
		switch name := c.Name(); string(name) {
		case "sio":
			at = &text[0]
		case "sid":
			at = &text[1]
		case "pid":
			at = &text[2]
		case "extra":
			at = &text[3]
		case "rooms":
			at = &rooms
		case "data":
			at = &values
		default:
			c.Value()
			continue
		}
		*at = c.Value()
	}
	var extra string
	for i, to := range []*string{&s.Lease, &s.SID, &s.PID, &extra} {
		if *to, err = text[i].text(); err != nil {
			return Session{}, err
		}
	}
	if s.SID == "" || s.PID == "" || values == nil || values[0] != '{' {
		return Session{}, errSession
	}
	if s.Rooms, err = rooms.list(""); err != nil {
		return Session{}, err
	}
	if extra != "" {
		s.Extra = []byte(extra)
	}
	s.Data = appendBuffers(nil, values, attachments)
	return s, nil
}
