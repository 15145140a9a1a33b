package engineio

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio/engineio/parser"
)

// A foundV3 is a packet that has been found in a payload.
type foundV3 struct {
	kind   parser.PacketType
	data   string
	binary bool
}

func (f foundV3) String() string { return fmt.Sprintf("%c %x", f.kind, f.data) }

// decodeAllV3 decodes a payload.
func decodeAllV3(payload []byte, form bool) (found []foundV3, err error) {
	for p, err := range parser.PacketsV3(payload, form) {
		if err != nil {
			return found, err
		}
		found = append(found, foundV3{p.Type, string(p.Data), p.Binary})
	}
	return found, nil
}

// TestEncodePayloadV3 has what the reference server sends for the same packets.
func TestEncodePayloadV3(t *testing.T) {
	text, emoji, binary := NewMessage([]byte("2[]")), NewMessage([]byte("é🎉")), NewBinaryMessage([]byte{1, 255})
	for _, test := range []struct {
		packets []*Message
		base64  bool
		want    string
	}{
		{[]*Message{text}, false, "4:42[]"},
		{[]*Message{text, emoji, pongPacket}, false, "4:42[]4:4é🎉1:3"},
		{[]*Message{binary}, false, "\x01\x03\xff\x04\x01\xff"},
		{[]*Message{emoji, binary, text}, false, "\x00\x07\xff4é🎉\x01\x03\xff\x04\x01\xff\x00\x04\xff42[]"},
		{[]*Message{emoji, binary, text}, true, "4:4é🎉6:b4Af8=4:42[]"},
		{[]*Message{NewMessage(bytes.Repeat([]byte{'x'}, 122)), binary}, false, "\x00\x01\x02\x03\xff4" + strings.Repeat("x", 122) + "\x01\x03\xff\x04\x01\xff"},
	} {
		o := outbox{v3: true, base64: test.base64}
		for _, m := range test.packets {
			o.push(m)
		}
		if got := string(o.payload(1000, 16)); got != test.want || o.len() != 0 || o.bytes != 0 {
			t.Errorf("payload %q, want %q; %d packets of %d bytes left", got, test.want, o.len(), o.bytes)
		}
	}
}

// TestFormsV3 sends one message in all forms, from many goroutines.
func TestFormsV3(t *testing.T) {
	for range 100 {
		m := NewBinaryMessage([]byte{1, 2, 3})
		var wg sync.WaitGroup
		for _, test := range []struct {
			o    outbox
			want string
		}{
			{outbox{}, "\x82\x03\x01\x02\x03"},
			{outbox{base64: true}, "\x81\x05bAQID"},
			{outbox{v3: true}, "\x82\x04\x04\x01\x02\x03"},
			{outbox{v3: true, base64: true}, "\x81\x06b4AQID"},
		} {
			for range 3 {
				wg.Go(func() {
					for range 2 {
						if got := test.o.frameOf(m); string(got) != test.want {
							t.Errorf("frame %q, want %q", got, test.want)
						}
					}
				})
			}
		}
		wg.Wait()
		forms := 0
		for o := m.other.Load(); o != nil; o = o.other.Load() {
			forms++
		}
		if forms < 3 || forms > 9 {
			t.Fatalf("%d forms are kept", forms)
		}
		if n := testing.AllocsPerRun(10, func() { m.as(formBinaryV3) }); n > 0 {
			t.Fatalf("a form that is there costs %v allocations", n)
		}
	}
}

// FuzzPayloadV3 decodes payloads of revision 3 in both forms. What is accepted is
// encoded again in both, and decodes to the same.
func FuzzPayloadV3(f *testing.F) {
	for _, s := range []string{
		"", "1:2", "6:4hello2:42", "3:4🎉", "2:4🎉", "0:", "6:b4AQID", "6:b4AQI=", "99999999999:4", "-1:", "1:", ":", "1", "4hello",
		"18446744073709551617:4", "3:4\xff\xfe", "\x00\x01\xff2", "\x01\x04\xff\x04\x01\x02\x03", "\x00\x05\xff4🎉\x01\x02\xff\x04\xff",
		"\x00\x09\xff2", "\x01\x00\xff", "\x00" + strings.Repeat("\x09", 400) + "\xff", strings.Repeat("0:", 100), "5:4\U0010ffff🎉",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, form bool) {
		before := bytes.Clone(payload)
		found, err := decodeAllV3(payload, form)
		if !bytes.Equal(payload, before) {
			t.Fatal("the payload has been written to")
		}
		size := 0
		for _, p := range found {
			size += 1 + len(p.data)
		}
		if size > len(payload) {
			t.Fatalf("%d bytes decode to %d", len(payload), size)
		}
		if err != nil || len(found) == 0 {
			return
		}
		for _, base64 := range []bool{false, true} {
			o := outbox{v3: true, base64: base64}
			binary := false
			for _, p := range found {
				if p.binary {
					binary = true
					o.push(NewBinaryMessage([]byte(p.data)))
				} else {
					o.push(newPacket(p.kind, []byte(p.data)))
				}
			}
			encoded := o.payload(1<<30, 1000)
			if got := contentType(encoded)[0] == headerBinary[0]; got != (binary && !base64) {
				t.Fatalf("%q is said to be binary: %t", encoded, got)
			}
			again, err := decodeAllV3(encoded, binary && !base64)
			if err != nil || !slices.Equal(again, found) {
				t.Fatalf("%q encodes to %q and decodes to %q, %v", found, encoded, again, err)
			}
		}
	})
}

// FuzzResponseV3 does for revision 3 what FuzzResponse does.
func FuzzResponseV3(f *testing.F) {
	f.Add([]byte{49, 48}, 100, false)
	f.Add([]byte{49, 49, 255, 0, 0, 99, 98, 36, 37}, 100, true)
	f.Add([]byte{0, 0, 0, 0, 0}, 1, false)
	f.Add(bytes.Repeat([]byte{7}, 100), 50, true)
	f.Fuzz(func(t *testing.T, sizes []byte, limit int, base64 bool) {
		if limit < 1 {
			return
		}
		o := outbox{v3: true, base64: base64}
		var all, want []foundV3
		for i, n := range sizes {
			data := strings.Repeat(string(rune(0x1f389+i)), int(n))
			binary := n%3 == 0
			want = append(want, foundV3{parser.TypeMessage, data, binary})
			if binary {
				o.push(NewBinaryMessage([]byte(data)))
			} else {
				o.push(NewMessage([]byte(data)))
			}
		}
		for o.len() > 0 {
			p := o.payload(limit, 16)
			found, err := decodeAllV3(p, contentType(p)[0] == headerBinary[0])
			if err != nil || len(found) == 0 || len(found) > 1 && len(p) > limit {
				t.Fatalf("%d packets in a response of %d bytes, the limit being %d, %v", len(found), len(p), limit, err)
			}
			all = append(all, found...)
		}
		if !slices.Equal(all, want) || o.bytes != 0 {
			t.Fatalf("packets %q, want %q; %d bytes are left", all, want, o.bytes)
		}
	})
}
