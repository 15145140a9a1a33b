package wire

import (
	"encoding/base64"
	"strconv"

	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

const errBase64 parser.Error = "entry with something else where JSON or base64 is due"

// An Entry is a [Message] as a journal keeps it. Its first four fields are those of an entry
// in a stream of @socket.io/redis-streams-adapter, which ignores the others.
type Entry struct {
	UID  string // of the server that has appended it
	Nsp  string
	Type string // the number
	Data string // JSON, or msgpack in base64; "" if there is none

	Number uint64 // which of the entries of that server it is, from 1 on; 0 if it does not count
}

// Kept tells whether a message goes into the journal, if there is one: events without an
// answer, unless they are volatile, and what is done to sockets. All else is told to the
// servers that are there.
func (m *Message) Kept() bool {
	switch m.Type {
	case TypeBroadcast:
		return m.Request == "" && !m.Flags.Volatile
	case TypeJoin, TypeLeave, TypeDisconnect:
		return m.Request == ""
	}
	return false
}

// Entry returns the entry of a message that is kept. It fails if the message is not one, Data
// is not valid, or the name of a room is not UTF-8.
func (m *Message) Entry() (e Entry, err error) {
	if !m.Kept() {
		return e, errType
	}
	if err := m.check(); err != nil {
		return e, err
	}
	e = Entry{UID: m.UID, Nsp: m.Nsp, Type: strconv.Itoa(int(m.Type))}
	t := texts.Get().(*text)
	defer t.free()
	clusterData(t, m)
	if len(m.Attachments) == 0 {
		e.Data = string(t.out)
		return e, nil
	}
	data, err := msgpack.AppendValue(nil, t.out, m.Attachments)
	e.Data = base64.StdEncoding.EncodeToString(data)
	return e, err
}

// Message decodes an entry into m, which is zero. The message does not alias the entry, and
// what it allocates is in proportion to that. Servers written in JavaScript keep volatile
// events, too.
func (e *Entry) Message(m *Message) error {
	kind, err := field(e.Type).integer()
	if err != nil {
		return err
	}
	switch Type(kind) {
	case TypeBroadcast, TypeJoin, TypeLeave, TypeDisconnect:
	default:
		return errUnknown
	}
	if e.Nsp == "" {
		return errNamespace
	}
	m.UID, m.Nsp = e.UID, e.Nsp
	s, err := e.source()
	if err != nil {
		return err
	}
	f, err := field(s.json).fields()
	if err != nil {
		return err
	}
	if f.request != nil {
		return errUnknown
	}
	return m.content(s, kind, &f, "")
}

// source returns what the Data of an entry is.
func (e *Entry) source() (source, error) {
	if len(e.Data) > 0 && e.Data[0] == '{' {
		return read([]byte(e.Data))
	}
	data, err := base64.StdEncoding.DecodeString(e.Data)
	if err != nil {
		return source{}, errBase64
	}
	if len(data) > 0 && data[0] == '{' { // that is 123 in msgpack, and no message
		return source{}, errMessage
	}
	return read(data)
}
