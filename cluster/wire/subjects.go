package wire

import (
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// DefaultSubject begins the subjects of [Subjects], unless it is told otherwise.
const DefaultSubject = "sio.v1"

// Subjects returns the format of clusters by NATS, which are the messages of [Sharded] by
// other channels. They are subjects that begin with the prefix, or [DefaultSubject]:
//
//	PREFIX.all              for all servers: who is there, and requests that each answers
//	PREFIX.s.SERVER         what one server tells another one alone, in no format
//	PREFIX.NSP.b.all        events, for all servers with the namespace
//	PREFIX.NSP.b.r.ROOM     events for a room
//	PREFIX.NSP.q.all        what is done with sockets, and events for servers
//	PREFIX.NSP.n.SERVER     what is for one server
//
// Requests go to servers without the namespace, too: nobody knows which ones have it, so
// that all have to answer.
//
// Each name is in base64url, which any subject may have as a part. Instead of one that is
// longer than 63 bytes there is its SHA-512 sum, and "_" instead of an empty one.
func Subjects(prefix string) Format {
	if prefix == "" {
		prefix = DefaultSubject
	}
	return &subjects{prefix + "."}
}

type subjects struct{ prefix string }

// maxName keeps tokens shorter than those of sums.
const maxName = sha512.Size - 1

// token returns what stands for a name in a subject. It has never one character only, but
// for an empty name.
func token(name string) string {
	if name == "" {
		return "_"
	}
	var buf [86]byte // as large as that of a sum
	b := []byte(name)
	if len(name) > maxName {
		sum := sha512.Sum512(b)
		b = sum[:]
	}
	return string(base64.RawURLEncoding.AppendEncode(buf[:0], b))
}

func (f *subjects) all(nsp string) string         { return f.prefix + token(nsp) + ".b.all" }
func (f *subjects) requests(nsp string) string    { return f.prefix + token(nsp) + ".q.all" }
func (f *subjects) server(nsp, uid string) string { return f.prefix + token(nsp) + ".n." + token(uid) }
func (f *subjects) Room(nsp, room string) string {
	return f.prefix + token(nsp) + ".b.r." + token(room)
}
func (f *subjects) Counted(nsp string) string { return f.requests(nsp) }
func (f *subjects) Servers() string           { return f.prefix + "all" }
func (f *subjects) Direct(uid string) string  { return f.prefix + "s." + token(uid) }
func (f *subjects) Channels(nsp, uid string) []string {
	return []string{f.all(nsp), f.requests(nsp), f.server(nsp, uid)}
}

func (f *subjects) Channel(m *Message) string {
	switch {
	case m.isMember(), m.Request != "" && !m.isAnswer():
		return f.Servers()
	case m.To != "":
		return f.server(m.Nsp, m.To)
	case m.isRoom():
		return f.Room(m.Nsp, m.Rooms[0])
	case m.Type == TypeBroadcast:
		return f.all(m.Nsp)
	}
	return f.requests(m.Nsp)
}

func (f *subjects) Append(dst []byte, m *Message) ([]byte, error) {
	return appendCluster(dst, m, false)
}

func (f *subjects) Decode(channel string, data []byte, m *Message) error {
	s, err := read(data)
	if err != nil {
		return err
	}
	if channel == f.Servers() {
		if err := m.cluster(s, ""); err != errNamespace {
			return err
		}
		*m = Message{}
		return m.member(s)
	}
	rest, ok := strings.CutPrefix(channel, f.prefix)
	if !ok {
		return errChannel
	}
	if err := m.cluster(s, ""); err != nil {
		return err
	}
	if behind, ok := strings.CutPrefix(rest, token(m.Nsp)); !ok || behind == "" || behind[0] != '.' {
		return errNamespace
	}
	return nil
}
