package wire

import (
	"bytes"
	"encoding/hex"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"
)

const uid, nsp = "0SROC2", "/chat"

// formats are all that there are, by name.
var formats = map[string]Format{
	"classic":          Classic("", ClassicOptions{}),
	"classic specific": Classic("app", ClassicOptions{SpecificResponses: true}),
	"classic pattern":  Classic("", ClassicOptions{Pattern: true}),
	"sharded":          Sharded("", Dynamic),
	"sharded private":  Sharded("app", DynamicPrivate),
	"sharded static":   Sharded("", Static),
	"subjects":         Subjects(""),
	"streams":          Streams(""),
}

// placed is an event with attachments at two depths.
const placed = `["ev",{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1},"ü\"\\"]`

// messages are one of each type and of each shape, as all formats keep it.
func messages() map[string]Message {
	bins := [][]byte{{1, 2, 255}, {}}
	to := Message{UID: uid, Nsp: nsp, Request: "reQ123", Rooms: []string{"a", "b#c", ""}, Except: []string{"d"}}
	from := Message{UID: "answer", Nsp: nsp, Request: "reQ123"}
	with := func(m Message, change func(*Message)) Message { change(&m); return m }
	return map[string]Message{
		"hello":        {Type: TypeHello, UID: uid, Name: `web "1"`},
		"heartbeat":    {Type: TypeHeartbeat, UID: uid},
		"close":        {Type: TypeClose, UID: uid},
		"event to all": {Type: TypeBroadcast, UID: uid, Nsp: nsp, Data: []byte(`["ev"]`)},
		"event to a room": {Type: TypeBroadcast, UID: uid, Nsp: nsp, Data: []byte(`["ev",{"a":1}]`), Rooms: []string{"room1"},
			Flags: Flags{Volatile: true}},
		"event to rooms": {Type: TypeBroadcast, UID: EmitterUID, Nsp: nsp, Data: []byte(`[7,1.5,null,true,-3,"` + "\u2028" + `"]`), Rooms: []string{"a", "b"},
			Except: []string{"c"}, Flags: Flags{Volatile: true, Plain: true, Timeout: 1500 * time.Millisecond}},
		"binary event":        {Type: TypeBroadcast, UID: uid, Nsp: nsp, Data: []byte(placed), Attachments: bins},
		"event like a packet": {Type: TypeBroadcast, UID: uid, Nsp: nsp, Data: []byte(`["ev",{"_placeholder":true,"num":0}]`)},
		"asking event":        with(to, func(m *Message) { m.Type, m.Data, m.Flags.Timeout = TypeBroadcast, []byte(`["ev",1]`), time.Second }),
		"asking binary event": with(to, func(m *Message) { m.Type, m.Data, m.Attachments = TypeBroadcast, []byte(placed), bins }),
		"join":                with(to, func(m *Message) { m.Type, m.Request, m.Names = TypeJoin, "", []string{"e", "f"} }),
		"leave":               with(to, func(m *Message) { m.Type, m.Request, m.Names = TypeLeave, "", []string{"e"} }),
		"disconnect":          with(to, func(m *Message) { m.Type, m.Request, m.Close = TypeDisconnect, "", true }),
		"leave, connected":    with(to, func(m *Message) { m.Type, m.Request = TypeDisconnect, "" }),
		"fetch":               with(to, func(m *Message) { m.Type = TypeFetch }),
		"fetched": with(from, func(m *Message) {
			m.Type, m.Data = TypeFetched, []byte(`[{"id":"x","handshake":{},"rooms":[],"data":null}]`)
		}),
		"fetched binary": with(from, func(m *Message) {
			m.Type, m.Data, m.Attachments = TypeFetched, []byte(`[{"id":"x","data":{"_placeholder":true,"num":0}}]`), bins[:1]
		}),
		"fetched in part":     with(from, func(m *Message) { m.Type, m.Data, m.More = TypeFetched, []byte(`[]`), true }),
		"fetched nothing":     with(from, func(m *Message) { m.Type, m.Data = TypeFetched, []byte(`[]`) }),
		"server event":        {Type: TypeServerEvent, UID: uid, Nsp: nsp, Data: []byte(`["ev",{"a":[]}]`)},
		"binary server event": {Type: TypeServerEvent, UID: EmitterUID, Nsp: nsp, Data: []byte(placed), Attachments: bins},
		"asking server event": {Type: TypeServerEvent, UID: uid, Nsp: nsp, Request: "reQ123", Data: []byte(`["connection"]`)},
		"server answer":       with(from, func(m *Message) { m.Type, m.Data = TypeServerAnswer, []byte(`"ok"`) }),
		"binary server answer": with(from, func(m *Message) {
			m.Type, m.Data, m.Attachments = TypeServerAnswer, []byte(`{"_placeholder":true,"num":0}`), bins[:1]
		}),
		"failed server answer": with(from, func(m *Message) { m.Type, m.Err = TypeServerAnswer, "no handler" }),
		"client count":         with(from, func(m *Message) { m.Type, m.Count = TypeClientCount, 3 }),
		"client answer":        with(from, func(m *Message) { m.Type, m.Data, m.SID = TypeClientAnswer, []byte(`[1]`), "sid" }),
		"binary client answer": with(from, func(m *Message) {
			m.Type, m.Data, m.Attachments = TypeClientAnswer, []byte(`{"_placeholder":true,"num":0}`), bins[:1]
		}),
		"failed client answer": with(from, func(m *Message) { m.Type, m.Err, m.SID = TypeClientAnswer, "gone", "sid" }),
		"count":                with(to, func(m *Message) { m.Type = TypeCount }),
		"counted":              with(from, func(m *Message) { m.Type, m.Count = TypeCounted, 70_000 }),
		"stop":                 {Type: TypeStop, UID: uid, Nsp: nsp, Request: "reQ123"},
	}
}

// legacy are what the classic format alone has.
var legacy = map[string]Message{
	"ids":      {Type: TypeIDs, UID: uid, Nsp: nsp, Request: "reQ123", Rooms: []string{"a"}},
	"id list":  {Type: TypeIDList, UID: uid, Nsp: nsp, Request: "reQ123", Names: []string{"x", "y"}},
	"rooms":    {Type: TypeRooms, UID: uid, Nsp: nsp, Request: "reQ123"},
	"room set": {Type: TypeRoomSet, UID: uid, Nsp: nsp, Request: "reQ123", Names: []string{"x"}},
}

// TestRoundTrip has each message come out as it went in, on the channel that it is for.
func TestRoundTrip(t *testing.T) {
	for of, f := range formats {
		_, isClassic := f.(*classic)
		all := messages()
		if isClassic {
			maps.Copy(all, legacy)
		}
		for name, m := range all {
			for _, to := range []string{"", "other1"} {
				m.To = to
				data, err := f.Append([]byte("before"), &m)
				if err != nil {
					t.Errorf("%s, %s: %v", of, name, err)
					continue
				}
				want := m
				want.To = ""
				if isClassic && m.isAnswer() {
					want.Nsp = "" // nothing tells it
				}
				if isClassic && m.UID == EmitterUID && m.Type != TypeBroadcast && m.Type != TypeServerEvent {
					want.UID = ""
				}
				data = data[len("before"):]
				kept := bytes.Clone(data)
				var got Message
				if err := f.Decode(f.Channel(&m), data, &got); err != nil {
					t.Errorf("%s, %s: %v of %s", of, name, err, data)
					continue
				}
				if !same(&got, &want) {
					t.Errorf("%s, %s: %+v\nfrom %s is\n%+v", of, name, want, data, got)
				}
				if !bytes.Equal(data, kept) {
					t.Errorf("%s, %s: the message has been changed", of, name)
				}
			}
		}
	}
}

// same compares messages; an empty list is none.
func same(a, b *Message) bool {
	norm := func(m Message) Message {
		for _, l := range []*[]string{&m.Rooms, &m.Except, &m.Names} {
			if len(*l) == 0 {
				*l = nil
			}
		}
		if len(m.Attachments) == 0 {
			m.Attachments = nil
		}
		return m
	}
	return reflect.DeepEqual(norm(*a), norm(*b))
}

// TestCapturedBroadcast has the bytes that a Node server has sent.
func TestCapturedBroadcast(t *testing.T) {
	const captured = "93a63053524f433283a47479706502a46461746192a2657681a16101a36e7370a12f83a5726f6f6d7391a5726f6f6d31a665786365707490a5666c61677380"
	want, err := hex.DecodeString(captured)
	if err != nil {
		t.Fatal(err)
	}
	f := formats["classic"]
	m := Message{Type: TypeBroadcast, UID: uid, Nsp: "/", Data: []byte(`["ev",{"a":1}]`), Rooms: []string{"room1"}}
	got, err := f.Append(nil, &m)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v, want\n%x", got, err, want)
	}
	if channel := f.Channel(&m); channel != "socket.io#/#room1#" {
		t.Errorf("on %s", channel)
	}
	var back Message
	if err := f.Decode("socket.io#/#room1#", want, &back); err != nil || !same(&back, &m) {
		t.Errorf("%+v, %v", back, err)
	}
}

// TestSentBy has every message of every format recognized by who has sent it, and by nobody
// else.
func TestSentBy(t *testing.T) {
	for of, f := range formats {
		for name, m := range messages() {
			m.UID = uid
			data, err := f.Append(nil, &m)
			if err != nil {
				continue // the format has no such message
			}
			if !SentBy(uid, data) {
				t.Errorf("%s: %s is not known by its sender: %.60q", of, name, data)
			}
			for _, other := range []string{"", uid[:len(uid)-1], uid + "x", "emitter", strings.Repeat("x", 40)} {
				if SentBy(other, data) {
					t.Errorf("%s: %s is taken for one of %q", of, name, other)
				}
			}
			for i := range data[:min(len(data), 20)] {
				SentBy(uid, data[:i])
			}
		}
	}
}
