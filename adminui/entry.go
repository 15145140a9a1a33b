package adminui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/siokit/sio"
)

const (
	maxRooms = 100     // of a socket that are shown
	maxData  = 4 << 10 // bytes of its data
	maxKeys  = 40      // of those
)

// An entry is a socket that the pages list.
type entry struct {
	socket *sio.Socket
	queued bool // in feed.changed; protected by feed.mu

	// Of the goroutine:
	seen    bool // hold has
	held    bool // nobody is told of it yet
	again   bool // those who know of it are told all the same
	trimmed bool // it is listed no more
	told    bool // the pages know of it, as follows
	known
}

// A known is what may change of a socket.
type known struct {
	transport string
	rooms     []string // ordered
	data      []byte
}

// A socket is one as the page knows it. Of the handshake nothing changes.
type socket struct {
	ID        string          `json:"id"`
	ClientID  string          `json:"clientId"`
	Transport string          `json:"transport"`
	Nsp       string          `json:"nsp"`
	Data      json.RawMessage `json:"data"`
	Handshake handshake       `json:"handshake"`
	Rooms     []string        `json:"rooms"`
}

type handshake struct {
	Address string            `json:"address"`
	Headers map[string]string `json:"headers"`
	Query   map[string]any    `json:"query"`
	Issued  int64             `json:"issued"` // in milliseconds
	Secure  bool              `json:"secure"`
	Time    string            `json:"time"`
	URL     string            `json:"url"`
	XDomain bool              `json:"xdomain"`
}

// dateFormat is how JavaScript writes a time.
const dateFormat = "Mon Jan 02 2006 15:04:05 GMT-0700 (Coordinated Universal Time)"

// isoFormat is how it does so in JSON.
const isoFormat = "2006-01-02T15:04:05.000Z07:00"

func iso(t time.Time) string { return t.UTC().Format(isoFormat) }

// socket describes a socket, with what is known of it.
func (u *ui) socket(s *sio.Socket, k known) socket {
	h := s.Handshake()
	params, url := query(h.URL)
	return socket{
		ID:        u.id(s),
		ClientID:  s.Session().LogID(), // the id of a session is a credential
		Transport: k.transport,
		Nsp:       u.namespace(s),
		Data:      k.data,
		Handshake: handshake{
			Address: h.Address,
			Headers: shown(h.Headers),
			Query:   params,
			Issued:  h.Issued.UnixMilli(),
			Secure:  h.Secure,
			Time:    h.Issued.UTC().Format(dateFormat),
			URL:     url,
			XDomain: h.CrossDomain,
		},
		Rooms: k.rooms,
	}
}

// id returns what a page calls a socket: its id, which commands name. If that is made of the
// session's, which is a credential, who may only look is shown what is in logs instead.
func (u *ui) id(s *sio.Socket) string {
	if u.opts.ReadOnly {
		return s.LogID()
	}
	return s.ID()
}

// namespace returns what a page calls a socket's namespace: its name, which commands name. Who may
// only look is shown what is in logs instead.
func (u *ui) namespace(s *sio.Socket) string {
	if u.opts.ReadOnly {
		return public(s.Namespace().Name())
	}
	return s.Namespace().Name()
}

// look returns what there is to know of a socket now.
func (u *ui) look(s *sio.Socket) known {
	rooms := s.Rooms()
	slices.Sort(rooms)
	return known{
		transport: s.Session().Transport(),
		rooms:     rooms[:min(maxRooms, len(rooms))],
		data:      u.data(s),
	}
}

// data returns what is shown as the data of a socket, as a JSON object.
func (u *ui) data(s *sio.Socket) (b []byte) {
	defer func() {
		if v := recover(); v != nil { // in Options.Data, or a method of what it returned
			b = failed(fmt.Sprint("panic: ", v))
		}
	}()
	var v any
	if u.opts.Data != nil {
		v = u.opts.Data(s)
	} else {
		v = plain(s.Values())
	}
	b, err := json.Marshal(v)
	switch {
	case err != nil:
		b = failed(err.Error())
	case !bytes.HasPrefix(b, []byte("{")):
		b = []byte("{}")
	case len(b) > maxData:
		b = failed("too much to show")
	}
	return b
}

// failed returns what is shown in the place of data.
func failed(why string) []byte {
	b, _ := json.Marshal(map[string]string{"(error)": cut(why)}) // never fails
	return b
}

// plain returns those values that nobody can change meanwhile, and the types of the others.
func plain(values map[string]any) map[string]any {
	out := make(map[string]any)
	for k, v := range values {
		if len(out) == maxKeys {
			break
		}
		switch r := reflect.ValueOf(v); {
		case secret(k):
			v = hidden
		case v == nil:
		case r.Kind() == reflect.String:
			v = value(r.String())
		case r.Kind() == reflect.Bool:
			v = r.Bool()
		case r.CanInt():
			v = r.Int()
		case r.CanUint():
			v = r.Uint()
		case r.CanFloat():
			v = json.RawMessage(floatText(r.Float()))
		default:
			if t, ok := v.(time.Time); ok {
				v = iso(t)
			} else {
				v = "(" + r.Type().String() + ")"
			}
		}
		out[text(k)] = v
	}
	return out
}

// floatText also writes what JSON has no number for.
func floatText(f float64) []byte {
	b, err := json.Marshal(f)
	if err != nil {
		return []byte("null")
	}
	return b
}
