package parser

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// payloadOf returns a payload for EncodePacket, and what it says are attachments.
func payloadOf(text string, attachments ...[]byte) func([]byte) ([]byte, [][]byte, error) {
	return func(dst []byte) ([]byte, [][]byte, error) { return append(dst, text...), attachments, nil }
}

func TestEncodePacket(t *testing.T) {
	one := []byte("one")
	for _, tt := range []struct {
		head    Packet
		payload func([]byte) ([]byte, [][]byte, error)
		want    string
		err     error
	}{
		{Packet{Type: TypeEvent, Namespace: "/"}, payloadOf(`["e"]`), `2["e"]`, nil},
		{Packet{Type: TypeBinaryEvent, Namespace: "/"}, payloadOf(`["e"]`), `2["e"]`, nil},
		{Packet{Type: TypeEvent, Namespace: "/n", ID: 7, HasID: true}, payloadOf(`["e"]`, one), `51-/n,7["e"]`, nil},
		{Packet{Type: TypeBinaryEvent, Namespace: "/n"}, payloadOf(`["e"]`, one, one), `52-/n,["e"]`, nil},
		{Packet{Type: TypeAck, Namespace: "/", HasID: true}, payloadOf(`[]`), `30[]`, nil},
		{Packet{Type: TypeBinaryAck, Namespace: "/", HasID: true}, payloadOf(`[]`, one), `61-0[]`, nil},
		{Packet{Type: TypeDisconnect, Namespace: "/n"}, payloadOf(""), `1/n,`, nil},
		{Packet{Type: TypeConnect, Namespace: "/"}, payloadOf(`{}`, one), "", errBinaryPayload},
		{Packet{Type: TypeConnectError, Namespace: "/"}, payloadOf(`{}`, one), "", errBinaryPayload},
		{Packet{Type: TypeEvent, Namespace: "/\xff"}, payloadOf(`["e"]`), "", ErrInvalidUTF8},
		{Packet{Type: TypeEvent, Namespace: "/"}, payloadOf("[\"\xff\"]"), "", ErrInvalidUTF8},
		{Packet{Type: TypeEvent, Namespace: "/"}, func(dst []byte) ([]byte, [][]byte, error) {
			return append(dst, "half"...), [][]byte{one}, ErrMissing
		}, "", ErrMissing},
	} {
		text, attachments, err := EncodePacket([]byte("before"), tt.head.Type, tt.head.Namespace, tt.head.ID, tt.head.HasID, tt.payload)
		if err != tt.err || string(text) != "before"+tt.want || err != nil && attachments != nil {
			t.Errorf("EncodePacket(%+v) = %s, %q, %v, want %s, %v", tt.head, text, attachments, err, tt.want, tt.err)
		}
	}
}

// A fakeFormat encodes every packet as what it says.
type fakeFormat func(dst []byte, p Packet) ([]byte, error)

func (fakeFormat) NewDecoder() Decoder { return new(TextDecoder) }

func (f fakeFormat) Encode(dst []byte, p Packet) (Message, []Message, error) {
	data, err := f(dst, p)
	return Message{Data: data}, nil, err
}

// A format is handed valid JSON only, and has to append.
func TestEncodeWith(t *testing.T) {
	appends := func(dst []byte, p Packet) ([]byte, error) { return append(append(dst, '!'), p.Data...), nil }
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	bad := errors.New("bad")
	for _, tt := range []struct {
		data string
		f    fakeFormat
		err  error
	}{
		{"", appends, nil},
		{`["e"]`, appends, nil},
		{deep, appends, nil},
		{"[" + deep + "]", appends, errDepth},
		{"[", appends, errTruncated},
		{"1 2", appends, errTrailing},
		{"[\"\xff\"]", appends, ErrInvalidUTF8},
		{"[]", func([]byte, Packet) ([]byte, error) { return nil, bad }, bad},
		{"[]", func([]byte, Packet) ([]byte, error) { return []byte("own"), nil }, errNotAppended},
	} {
		dst := []byte("before")
		first, _, err := EncodeWith(tt.f, dst, Packet{Type: TypeAck, Data: []byte(tt.data)})
		if err != tt.err || err == nil && string(first.Data) != "before!"+tt.data {
			t.Errorf("%.20q: %.20q, %v, want %v", tt.data, first.Data, err, tt.err)
		}
	}
}

func TestHeld(t *testing.T) {
	var d TextDecoder
	text := []byte(`52-["e",{"_placeholder":true,"num":1}]`)
	if d.Held() != 0 {
		t.Errorf("%d bytes of nothing", d.Held())
	}
	for range 2 { // the second time, something has been held before
		if _, _, err := d.Text(text); err != nil || d.Held() != len(text) {
			t.Fatalf("%d bytes, %v, want %d", d.Held(), err, len(text))
		}
		if _, _, err := d.Binary(make([]byte, 1000)); err != nil || d.Held() != len(text)+1000 {
			t.Fatalf("%d bytes, %v, want %d", d.Held(), err, len(text)+1000)
		}
		if _, done, err := d.Binary(nil); !done || err != nil || d.Held() != 0 {
			t.Fatalf("%d bytes, done %t, %v, want 0", d.Held(), done, err)
		}
	}
}

// In revision 4 a refusal is the data, if clients can bear them, or else the message.
func TestAppendConnectErrorV4(t *testing.T) {
	for _, tt := range []struct {
		data any
		want string
	}{
		{nil, `"no"`}, {"data", `"data"`}, {map[string]int{"a": 1}, `{"a":1}`}, {[]int{1}, `[1]`},
		{7, `"no"`}, {true, `"no"`}, {(*int)(nil), `"no"`},
	} {
		text, attachments, err := AppendConnectErrorV4(nil, []byte("before"), "no", tt.data)
		if string(text) != "before"+tt.want || attachments != nil || err != nil {
			t.Errorf("%v: %s, %q, %v, want %s", tt.data, text, attachments, err, tt.want)
		}
	}
	for _, refusal := range []func(Codec, []byte, string, any) ([]byte, [][]byte, error){AppendConnectError, AppendConnectErrorV4} {
		if text, attachments, err := refusal(nil, []byte("before"), "no", []any{[]byte("x"), func() {}}); err == nil || attachments != nil || string(text) != "before" {
			t.Errorf("%s, %q, %v, want an error", text, attachments, err)
		}
		if _, attachments, err := refusal(nil, nil, "no", []byte("x")); err != nil || len(attachments) != 1 || !bytes.Equal(attachments[0], []byte("x")) {
			t.Errorf("%q, %v, want an attachment", attachments, err)
		}
	}
}
