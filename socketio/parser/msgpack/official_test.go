package msgpack

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

// A hexBytes is in hexadecimal in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// A vector is a packet and what the official parser makes of it, as
// interop/node/msgpack-vectors.mjs has printed it.
type vector struct {
	Name   string
	Packet struct {
		Type        parser.PacketType
		Nsp         string
		ID          *uint64
		Data        string
		Attachments []hexBytes
	}
	Node, Browser hexBytes // as clients send it
	Answer        hexBytes // as the reference server would
}

func vectors(t testing.TB) []vector {
	t.Helper()
	file, err := os.ReadFile("testdata/official.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(file, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

// packet is what a decoder should make of v.
func (v *vector) packet() parser.Packet {
	p := parser.Packet{Type: v.Packet.Type, Namespace: v.Packet.Nsp, Data: []byte(v.Packet.Data), Attachments: [][]byte{}}
	if v.Packet.ID != nil {
		p.ID, p.HasID = *v.Packet.ID, true
	}
	for _, b := range v.Packet.Attachments {
		p.Attachments = append(p.Attachments, b)
	}
	return p
}

func TestDecodeOfficial(t *testing.T) {
	for _, v := range vectors(t) {
		for from, message := range map[string][]byte{"node": v.Node, "browser": v.Browser, "server": v.Answer} {
			p, err := decode(message)
			if err != nil {
				t.Errorf("%s from %s: %v", v.Name, from, err)
				continue
			}
			equal(t, v.Name+" from "+from, p, v.packet())
		}
	}
}

func TestEncodeAsOfficial(t *testing.T) {
	for _, v := range vectors(t) {
		if got := encode(t, v.packet()); !bytes.Equal(got, v.Answer) {
			t.Errorf("%s:\n%x, want\n%x", v.Name, got, v.Answer)
		}
	}
}

func decode(message []byte) (parser.Packet, error) {
	d := Parser{}.NewDecoder()
	p, done, err := d.Binary(message)
	if done != (err == nil) || d.Pending() {
		panic("neither done nor an error")
	}
	return p, err
}

func encode(t testing.TB, p parser.Packet) []byte {
	t.Helper()
	var w writer
	if err := w.packet(p); err != nil {
		t.Fatalf("packet(%+v): %v", p, err)
	}
	return w.out
}

func equal(t testing.TB, what string, got, want parser.Packet) {
	t.Helper()
	if got.Type != want.Type || got.Namespace != want.Namespace || got.ID != want.ID || got.HasID != want.HasID || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("%s:\n%v %q %d %t %s, want\n%v %q %d %t %s", what,
			got.Type, got.Namespace, got.ID, got.HasID, got.Data, want.Type, want.Namespace, want.ID, want.HasID, want.Data)
	}
	if len(got.Attachments) != len(want.Attachments) {
		t.Fatalf("%s: %d attachments, want %d", what, len(got.Attachments), len(want.Attachments))
	}
	if got.Attachments == nil {
		t.Errorf("%s: attachments are nil, as if Data were shared with the message", what)
	}
	for i, b := range got.Attachments {
		if b == nil || !bytes.Equal(b, want.Attachments[i]) {
			t.Errorf("%s: attachment %d is %x (nil: %t), want %x", what, i, b, b == nil, want.Attachments[i])
		}
	}
}
