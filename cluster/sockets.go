package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// A handshake is what the reference server tells of one. The auth payload is not kept.
type handshake struct {
	Headers     map[string]string `json:"headers"`
	Time        string            `json:"time"`
	Address     string            `json:"address"`
	CrossDomain bool              `json:"xdomain"`
	Secure      bool              `json:"secure"`
	Issued      int64             `json:"issued"` // ms
	URL         string            `json:"url"`
	Query       map[string]string `json:"query"`
	Auth        struct{}          `json:"auth"`
}

// dateFormat is that of JavaScript's Date.prototype.toString, in UTC.
const dateFormat = "Mon Jan 02 2006 15:04:05 GMT-0700 (Coordinated Universal Time)"

func handshakeOf(h socketio.Handshake) handshake {
	out := handshake{
		Headers:     make(map[string]string, len(h.Headers)),
		Time:        h.Issued.UTC().Format(dateFormat),
		Address:     h.Address,
		CrossDomain: h.CrossDomain,
		Secure:      h.Secure,
		Issued:      h.Issued.UnixMilli(),
		URL:         h.URL,
		Query:       make(map[string]string),
	}
	for name, values := range h.Headers {
		out.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	for name, values := range h.Query() {
		out.Query[name] = values[0]
	}
	return out
}

// partBytes is how large an answer grows before another one follows it, so that others of
// its connection need not wait for long. Servers that do not tell their names, as those
// written in JavaScript, take one only.
const partBytes = 256 << 10

// fetched makes the answer that describes sockets of this process, and sends what
// goes in front of it.
func (b *broker) fetched(sel socketio.Selector, out *wire.Message) {
	out.Type = wire.TypeFetched
	sockets, _ := b.local.Sockets(b.c.ctx, sel) // that of a Local does not fail
	parts := b.c.members.has(out.To)
	text, size := []byte{'['}, 0
	for _, s := range sockets {
		if parts && len(text)+size >= partBytes {
			part := *out
			part.Data, part.More = append(text, ']'), true
			b.c.try(&part)
			text, size, out.Attachments = []byte{'['}, 0, nil
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		head := struct {
			ID        string    `json:"id"`
			Rooms     []string  `json:"rooms"` // with the id
			Handshake handshake `json:"handshake"`
		}{s.ID, append([]string{s.ID}, s.Rooms...), handshakeOf(s.Handshake)}
		text, _, _ = parser.JSON{}.Append(text, head, nil) // these types always encode
		text = append(text[:len(text)-1], `,"data":`...)
		had := len(out.Attachments)
		text, out.Attachments = b.appendData(text, s.Data, out.Attachments)
		for _, a := range out.Attachments[had:] {
			size += len(a)
		}
		text = append(text, '}')
	}
	out.Data = append(text, ']')
}

// appendData appends the values of a socket, but for those that can't be encoded.
func (b *broker) appendData(dst []byte, data map[string]any, attachments [][]byte) ([]byte, [][]byte) {
	if text, more, err := b.appendValue(dst, data, attachments); err == nil {
		return text, more
	}
	dst = append(dst, '{')
	comma := false
	for name, v := range data {
		start := len(dst)
		if comma {
			dst = append(dst, ',')
		}
		dst, _, _ = parser.JSON{}.Append(dst, name, nil) // a string always encodes
		dst = append(dst, ':')
		text, more, err := b.appendValue(dst, v, attachments)
		if err != nil {
			b.c.log.Debug().Str("nsp", b.nsp).Str("name", name).Err(err).Msg("a value of a socket can't be told to other servers")
			dst = dst[:start]
			continue
		}
		dst, attachments, comma = text, more, true
	}
	return append(dst, '}'), attachments
}

// appendValue appends a value of the application's.
func (b *broker) appendValue(dst []byte, v any, attachments [][]byte) (text []byte, more [][]byte, err error) {
	defer contain(&err)
	return b.codec.Append(dst, v, attachments)
}

// unmarshal decodes values of another server's socket. A panic of the codec is an error.
func (b *broker) unmarshal(data []byte, attachments [][]byte, into *map[string]any) (err error) {
	defer contain(&err)
	return b.codec.Unmarshal(data, attachments, into)
}

// contain makes an error of a panic of the application's codec, or of its values' methods.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
	}
}

// remoteSockets returns the sockets that an answer describes.
func (b *broker) remoteSockets(m *wire.Message) ([]socketio.RemoteSocket, error) {
	var list []struct {
		ID        string
		Rooms     []any
		Data      json.RawMessage
		Handshake struct {
			Headers map[string]any
			Address string
			XDomain bool
			Secure  bool
			Issued  float64
			URL     string
		}
	}
	if err := (parser.JSON{}).Unmarshal(m.Data, nil, &list); err != nil {
		return nil, err
	}
	sockets := make([]socketio.RemoteSocket, len(list))
	for i, s := range list {
		h := s.Handshake
		r := socketio.RemoteSocket{ID: s.ID, Handshake: socketio.Handshake{
			Issued:      time.UnixMilli(int64(h.Issued)),
			Address:     h.Address,
			Secure:      h.Secure,
			CrossDomain: h.XDomain,
			URL:         h.URL,
			Headers:     make(http.Header, len(h.Headers)),
		}}
		for name, v := range h.Headers {
			if text := text(v); text != "" {
				r.Handshake.Headers.Add(name, text)
			}
		}
		for _, room := range s.Rooms {
			if room := text(room); room != s.ID {
				r.Rooms = append(r.Rooms, room)
			}
		}
		if len(s.Data) > 0 {
			if err := b.unmarshal(s.Data, m.Attachments, &r.Data); err != nil {
				b.c.log.Debug().Str("nsp", b.nsp).Err(err).Msg("values of another server's socket can't be decoded")
			}
		}
		sockets[i] = r
	}
	return sockets, nil
}

// text returns a string, or what JavaScript makes one of: rooms may be numbers.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any: // a header that came several times
		all := make([]string, len(v))
		for i, v := range v {
			all[i], _ = v.(string)
		}
		return strings.Join(all, ", ")
	}
	return ""
}

// ids makes the answer that lists ids.
func (b *broker) ids(sel socketio.Selector, out *wire.Message) {
	out.Type = wire.TypeIDList
	for _, s := range b.local.Select(sel) {
		out.Names = append(out.Names, s.ID())
	}
}

// rooms makes the answer that lists rooms. For servers written in JavaScript ids are among
// them.
func (b *broker) rooms(out *wire.Message) {
	b.ids(socketio.Selector{}, out)
	out.Type, out.Names = wire.TypeRoomSet, append(out.Names, b.local.Namespace().Rooms()...)
}
