package engineio

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// A foundV3 is a packet of a payload: as a string, type and data, binary in hex.
type foundV3 struct {
	kind   PacketType
	data   string
	binary bool
}

func (f foundV3) String() string {
	if f.binary {
		return fmt.Sprintf("%c %x", f.kind, f.data)
	}
	return string(rune(f.kind)) + f.data
}

func joined(found []foundV3) string {
	all := make([]string, len(found))
	for i, f := range found {
		all[i] = f.String()
	}
	return strings.Join(all, "|")
}

// decodeAllV3 decodes a payload as receivePayloadV3 does.
func decodeAllV3(payload []byte, form bool) (found []foundV3, err error) {
	if len(payload) == 0 || !form && !utf8.Valid(payload) {
		return nil, errNotUTF8
	}
	for len(payload) > 0 {
		var packet []byte
		binary := false
		if form {
			packet, payload, binary, err = cutBinaryV3(payload)
		} else {
			packet, payload, err = cutTextV3(payload)
		}
		switch {
		case err != nil:
			return found, err
		case len(packet) == 0 && !form:
			continue
		}
		kind, data, binary, err := decodeV3(packet, binary)
		if err != nil {
			return found, err
		}
		found = append(found, foundV3{kind, string(data), binary})
	}
	return found, nil
}

func TestPayloadV3(t *testing.T) {
	for _, test := range []struct {
		payload string
		want    string // separated by "|"
		bad     bool   // an error follows
	}{
		{"1:2", "2", false},
		{"6:4hello2:42", "4hello|42", false},
		{"4:4€uro", "4€ur", true}, // one short
		{"5:4€uro", "4€uro", false},
		{"3:4🎉", "4🎉", false},
		{"5:4🎉🎉3:4é!", "4🎉🎉|4é!", false},
		{"2:4🎉", "", true}, // between the surrogates
		{"4:4🎉", "", true}, // past the end
		{"3:4🎉x", "4🎉", true},
		{"9:4a:b:4\x1ec1:3", "4a:b:4\x1ec1", true},
		{"8:4a:b:4\x1ec1:3", "4a:b:4\x1ec|3", false},
		{"0:", "", false},
		{"0:0:1:60:", "6", false},
		{"001:6", "6", false},
		{"6:b4AQID", "4 010203", false},
		{"7:b4AQID=", "4 010203", false},    // as in revision 4, any padding will do
		{"8:b4AQ\nID\n", "4 010203", false}, // and any lines
		{"6:b4-_-_", "4 fbffbf", false},
		{"2:b4", "4 ", false},
		{"1:b", "", true},
		{"6:b2AQID", "", true},
		{"5:bAQID", "", true}, // as in revision 4
		{"", "", true},
		{":", "", true},
		{":4", "", true},
		{"1", "", true},
		{"1:", "", true},
		{"4hello", "", true},
		{"4a\x1e4b", "", true},
		{"-1:2", "", true},
		{"+1:2", "", true},
		{" 1:2", "", true},
		{"1e0:2", "", true},
		{"0x1:2", "", true},
		{"1.0:2", "", true},
		{"١:2", "", true},
		{"\ufeff1:2", "", true},
		{"1:22:", "2", true},
		{"1:2garbage", "2", true},
		{"1:7", "", true},
		{"1:\x00", "", true},
		{"3:4\xff\xfe", "", true},
		{"99999999999:4", "", true},
		{"18446744073709551617:4", "", true}, // 2^64+1
		{strings.Repeat("9", 1000) + ":4", "", true},
		{strings.Repeat("9", 1000), "", true},
	} {
		found, err := decodeAllV3([]byte(test.payload), false)
		if got := joined(found); got != test.want || (err != nil) != test.bad {
			t.Errorf("%.40q decodes to %q, %v; want %q, bad %t", test.payload, got, err, test.want, test.bad)
		}
	}
}

func TestBinaryPayloadV3(t *testing.T) {
	for _, test := range []struct {
		payload string
		want    string
		bad     bool
	}{
		{"\x00\x01\xff2", "2", false},
		{"\x01\x04\xff\x04\x01\x02\x03", "4 010203", false},
		{"\x01\x01\xff\x04", "4 ", false},
		{"\x00\x05\xff4🎉\x01\x02\xff\x04\xff\x00\x01\xff3", "4🎉|4 ff|3", false}, // bytes are counted
		{"\x00\x01\x00\xff4123456789", "4123456789", false},
		{"\x00\x06\xffb4AQID", "4 010203", false},
		{"\x00\x00\x01\xff6", "6", false},
		{"", "", true},
		{"\x00", "", true},
		{"\x00\xff", "", true},
		{"\x00\x01", "", true},
		{"\x00\x01\xff", "", true},
		{"\x00\x09\xff2", "", true},
		{"\x00\x00\xff", "", true},
		{"\x01\x00\xff", "", true},
		{"\x01\x01\xff\x02", "", true}, // only messages are binary
		{"\x01\x02\xff4a", "", true},
		{"\x02\x01\xff2", "", true},
		{"\x00\x0a\xff0123456789", "", true},
		{"\x001\xff2", "", true}, // the digit is a character
		{"\x00\x02\xff4\xff", "", true},
		{"\x00\x01\xff2\x00", "2", true},
		{"1:2", "", true},
		{"\x00" + strings.Repeat("\x09", 400) + "\xff4", "", true},
		{"\x00" + strings.Repeat("\x09", 400), "", true},
	} {
		found, err := decodeAllV3([]byte(test.payload), true)
		if got := joined(found); got != test.want || (err != nil) != test.bad {
			t.Errorf("%.40q decodes to %q, %v; want %q, bad %t", test.payload, got, err, test.want, test.bad)
		}
	}
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
			want = append(want, foundV3{PacketMessage, data, binary})
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

func TestUTF16Len(t *testing.T) {
	for _, s := range []string{"", "a", "é", "€", "🎉", "a🎉é€\U0010ffff", "\u07ff\u0800\uffff\U00010000"} {
		if got, want := utf16Len([]byte(s)), len(utf16.Encode([]rune(s))); got != want {
			t.Errorf("length of %q is %d, want %d", s, got, want)
		}
	}
}
