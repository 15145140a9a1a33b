package wire

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

var (
	errType    = errors.New("wire: the format has no such message")
	errEvent   = errors.New("wire: Data is not the array of an event")
	errList    = errors.New("wire: Data is not an array of sockets")
	errRequest = errors.New("wire: message without a Request")
	errName    = errors.New("wire: the name of a room is not valid UTF-8")
)

// check refuses messages that nobody could make sense of, or that would be for other rooms
// once they are written.
func (m *Message) check() error {
	if !areText(m.Rooms) || !areText(m.Except) || !m.isAnswer() && !areText(m.Names) {
		return errName
	}
	switch m.Type {
	case TypeHello, TypeHeartbeat, TypeClose, TypeBroadcast, TypeJoin, TypeLeave, TypeDisconnect, TypeServerEvent:
	case TypeIDs, TypeIDList, TypeRooms, TypeRoomSet, TypeFetch, TypeFetched, TypeServerAnswer,
		TypeClientCount, TypeClientAnswer, TypeCount, TypeCounted, TypeStop:
		if m.Request == "" {
			return errRequest
		}
	default:
		return errType
	}
	isArray := len(m.Data) > 0 && m.Data[0] == '['
	switch m.Type {
	case TypeBroadcast, TypeServerEvent:
		if !isArray {
			return errEvent
		}
	case TypeFetched:
		if !isArray {
			return errList
		}
	case TypeServerAnswer, TypeClientAnswer:
		if len(m.Data) == 0 {
			return nil
		}
	default:
		return nil
	}
	return parser.ValidateWithin(m.Data, outer)
}

// outer is within how many arrays and objects the formats put Data: who decodes a message
// counts them, too.
const outer = 3

// areText reports whether names can be written: what is not UTF-8 would become U+FFFD, and
// so the name of another room.
func areText(names []string) bool {
	for _, name := range names {
		if !utf8.ValidString(name) {
			return false
		}
	}
	return true
}

// A text is a message being written as JSON.
type text struct {
	out  []byte
	pack bool // it becomes msgpack, where attachments are not JSON
}

// encode appends what write writes, as JSON or as the same in msgpack.
func encode(dst []byte, m *Message, pack bool, write func(*text, *Message)) ([]byte, error) {
	if !pack {
		t := text{out: slices.Grow(dst, m.size())}
		write(&t, m)
		return t.out, nil
	}
	t := texts.Get().(*text)
	defer t.free()
	write(t, m)
	return msgpack.AppendValue(slices.Grow(dst, m.size()), t.out, m.Attachments)
}

// size returns about how large a message is.
func (m *Message) size() int {
	n := 160 + len(m.Data) + 16*(len(m.Rooms)+len(m.Except)+len(m.Names))
	for _, b := range m.Attachments {
		n += len(b)
	}
	return n
}

var texts = sync.Pool{New: func() any { return &text{pack: true} }}

// maxKept keeps what has grown large out of the pool.
const maxKept = 64 << 10

// free gives back what is from the pool.
func (t *text) free() {
	if t.out = t.out[:0]; cap(t.out) <= maxKept {
		texts.Put(t)
	}
}

// open begins an object, and shut ends it.
func (t *text) open(name string) { t.name(name); t.out = append(t.out, '{') }
func (t *text) shut()            { t.out = append(t.out, '}') }

// name writes the name of a member, which needs no escapes.
func (t *text) name(name string) {
	if t.out[len(t.out)-1] != '{' {
		t.out = append(t.out, ',')
	}
	t.out = append(t.out, '"')
	t.out = append(t.out, name...)
	t.out = append(t.out, '"', ':')
}

func (t *text) quote(s string) {
	t.out, _ = jsontext.AppendQuote(t.out, s) // the error can only be about UTF-8
}

// str writes a member, unless it is empty.
func (t *text) str(name, s string) {
	if s != "" {
		t.name(name)
		t.quote(s)
	}
}

func (t *text) num(name string, n int64) {
	t.name(name)
	t.out = strconv.AppendInt(t.out, n, 10)
}

func (t *text) bool(name string, b bool) {
	t.name(name)
	t.out = strconv.AppendBool(t.out, b)
}

func (t *text) more(m *Message) {
	if m.More {
		t.bool("more", true)
	}
}

// list writes an array, which is never null: servers written in JavaScript would wait for
// ever.
func (t *text) list(name string, l []string) {
	t.name(name)
	t.out = append(t.out, '[')
	for i, s := range l {
		if i > 0 {
			t.out = append(t.out, ',')
		}
		t.quote(s)
	}
	t.out = append(t.out, ']')
}

// data writes Data.
func (t *text) data(name string, m *Message) {
	t.name(name)
	switch {
	case len(m.Data) == 0:
		t.out = append(t.out, "null"...)
	case t.pack || len(m.Attachments) == 0:
		t.out = append(t.out, m.Data...)
	default:
		t.out = appendBuffers(t.out, m.Data, m.Attachments)
	}
}

// opts writes whom a message is for.
func (t *text) opts(m *Message, flags bool) {
	t.list("rooms", m.Rooms)
	t.list("except", m.Except)
	if flags {
		t.open("flags")
		if m.Flags.Volatile {
			t.bool("volatile", true)
		}
		if m.Flags.Plain {
			t.bool("compress", false)
		}
		if m.Flags.Timeout > 0 {
			t.num("timeout", max(1, m.Flags.Timeout.Milliseconds()))
		}
		t.shut()
	}
}

// target writes the same as a member.
func (t *text) target(m *Message, flags bool) {
	t.open("opts")
	t.opts(m, flags)
	t.shut()
}

// result writes the answer of a socket or a server, or why there is none.
func (t *text) result(name string, m *Message) {
	if m.Err == "" {
		t.data(name, m)
	} else {
		t.name(name)
		t.out = append(t.out, "null"...)
	}
	t.str("sid", m.SID)
	t.str("error", m.Err)
}

// packet writes an event as the packet that it is to clients.
func (t *text) packet(m *Message, nsp string) {
	t.num("type", int64(parser.TypeEvent))
	t.data("data", m)
	t.str("nsp", nsp)
}

// member writes a message of a server, which looks the same in all formats.
func (t *text) member(m *Message) {
	t.out = append(t.out, '{')
	t.str("uid", m.UID) // in front, for SentBy
	t.num("type", int64(m.Type))
	t.str("name", m.Name)
	t.str("addr", m.Addr)
	t.shut()
}
