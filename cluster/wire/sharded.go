package wire

import (
	"strings"
	"unicode/utf16"
)

// A Mode says which rooms have channels of their own.
type Mode uint8

// The subscription modes of createShardedAdapter, whose names are "dynamic",
// "dynamic-private" and "static". All servers of a cluster have the same.
const (
	Dynamic        Mode = iota // all but those whose names have 20 characters, as ids of sockets do
	DynamicPrivate             // all
	Static                     // none
)

// Sharded returns the format of createShardedAdapter of @socket.io/redis-adapter, which are
// the cluster messages of socket.io-adapter. The channels begin with the prefix, or
// [DefaultPrefix].
//
// Messages with attachments are msgpack, all others JSON. What servers written in
// JavaScript don't know, they ignore: why there is no answer, and the types from TypeCount
// to TypeStop.
func Sharded(prefix string, mode Mode) Format {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return &sharded{mode, false, prefix + "#", prefix + "-servers#"}
}

// Streams returns the format of what @socket.io/redis-streams-adapter does not keep: the
// messages of [Sharded], all of them in msgpack, by the channels of [Static]. What is kept
// is an [Entry].
func Streams(prefix string) Format {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return &sharded{Static, true, prefix + "#", prefix + "-servers#"}
}

type sharded struct {
	mode            Mode
	packed          bool // all messages are msgpack
	prefix, servers string
}

func (f *sharded) Channels(nsp, uid string) []string {
	all := f.prefix + nsp + "#"
	return []string{all, all + uid + "#"}
}

func (f *sharded) Room(nsp, room string) string {
	if f.mode == Static || f.mode == Dynamic && looksLikeID(room) {
		return ""
	}
	return f.prefix + nsp + "#" + room + "#"
}

// looksLikeID reports whether a name has 20 characters, as JavaScript counts them.
func looksLikeID(room string) bool {
	const chars = 20
	if len(room) < chars || len(room) > 3*chars {
		return false
	}
	n := 0
	for _, r := range room {
		n += utf16.RuneLen(r)
	}
	return n == chars
}

func (f *sharded) Counted(nsp string) string { return f.prefix + nsp + "#" }
func (f *sharded) Servers() string           { return f.servers }
func (f *sharded) Direct(uid string) string  { return f.servers + uid + "#" }

func (f *sharded) Channel(m *Message) string {
	switch {
	case m.isMember():
		return f.servers
	case m.isRoom():
		if channel := f.Room(m.Nsp, m.Rooms[0]); channel != "" {
			return channel
		}
	case m.isAnswer() && m.To != "":
		return f.prefix + m.Nsp + "#" + m.To + "#"
	}
	return f.prefix + m.Nsp + "#"
}

func (f *sharded) Append(dst []byte, m *Message) ([]byte, error) {
	return appendCluster(dst, m, f.packed)
}

func (f *sharded) Decode(channel string, data []byte, m *Message) error {
	s, err := read(data)
	if err != nil {
		return err
	}
	if channel == f.servers {
		return m.member(s)
	}
	rest, ok := strings.CutPrefix(channel, f.prefix)
	if !ok || !strings.HasSuffix(rest, "#") {
		return errChannel
	}
	rest = rest[:len(rest)-1]
	if err := m.cluster(s, rest); err != nil {
		return err
	}
	if behind, ok := strings.CutPrefix(rest, m.Nsp); !ok || behind != "" && behind[0] != '#' {
		return errNamespace
	}
	return nil
}
