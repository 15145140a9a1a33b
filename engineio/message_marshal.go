package engineio

import (
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

// A Message as bytes is a flag byte and what it carries, without the frame: it is
// the same whatever the transports make of it.
const (
	flagBinary = 1 << iota
	flagPlain
	flagsEnd
)

var errNoMessage = errors.New("engineio: not a message")

// MarshalBinary implements [encoding.BinaryMarshaler], for a store that keeps messages.
// It fails for the zero value, which is no message.
func (m *Message) MarshalBinary() ([]byte, error) {
	if len(m.frame) == 0 {
		return nil, errNoMessage // the zero value is none
	}
	data := m.frame[m.body:]
	if !m.binary {
		data = data[1:] // the packet's type
	}
	flags := byte(0)
	if m.binary {
		flags |= flagBinary
	}
	if m.plain {
		flags |= flagPlain
	}
	return append([]byte{flags}, data...), nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It must be called on a new
// Message: one that has been sent must not change.
func (m *Message) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] >= flagsEnd {
		return errNoMessage
	}
	var made *Message
	switch flags, data := b[0], b[1:]; {
	case flags&flagBinary != 0:
		made = NewBinaryMessage(data)
	case utf8.Valid(data):
		made = NewMessage(data)
	default:
		return errNoMessage
	}
	m.frame, m.body, m.binary, m.plain = made.frame, made.body, made.binary, b[0]&flagPlain != 0
	return nil
}

// MarshalText implements [encoding.TextMarshaler]: what MarshalBinary returns, as
// base64. In JSON, a message is a string of it.
func (m *Message) MarshalText() ([]byte, error) {
	b, err := m.MarshalBinary()
	return base64.StdEncoding.AppendEncode(nil, b), err
}

// UnmarshalText implements [encoding.TextUnmarshaler]. Like UnmarshalBinary, it must be
// called on a new Message.
func (m *Message) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return errNoMessage
	}
	return m.UnmarshalBinary(b)
}
