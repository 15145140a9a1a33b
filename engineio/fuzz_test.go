package engineio

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// FuzzPayload decodes polling payloads. Whatever is accepted can be encoded
// again and then decodes to the same.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{
		"", "\x1e", "\x1e\x1e", "4", "4hello", "4a\x1e4b", "4a\x1e", "\x1e4a", "1", "2", "2probe", "3", "3probe", "5", "6",
		"0{}", "7", "9", "abc", "b", "bA", "bAQ", "bAQ=", "bAQ==", "bAQI=", "bAQID", "bAQID=", "b====", "bAQ\nID", "bAQ==AQ==",
		"b-_-_", "b+/+/", "4a\x1ebAQID\x1e4b", "\ufeff4a", "d=42%5B%5D", "6:4hello", "4\xff", "4\u20ac", "4\x00", "40{\"sid\":1}",
		strings.Repeat("6\x1e", 100), strings.Repeat("\x1e", 100),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		parts := bytes.Split(before, []byte{separator})
		rest, more := payload, true
		for i := range parts {
			if !more {
				t.Fatalf("%d packets, want %d", i, len(parts))
			}
			var p []byte
			p, rest, more = nextPacket(rest)
			if !bytes.Equal(p, parts[i]) {
				t.Fatalf("packet %d is %q, want %q", i, p, parts[i])
			}
			kind, data, binary, err := decodePacket(p)
			switch {
			case err != nil:
				continue
			case len(p) == 0 || len(data) >= len(p):
				t.Fatalf("packet %q: %d bytes of data", p, len(data))
			case binary:
				if kind != PacketMessage || p[0] != binaryMark {
					t.Fatalf("packet %q is binary, type %c", p, kind)
				}
				// Either alphabet, up to the padding, in lines or not.
				b64, _, _ := strings.Cut(string(p[1:]), "=")
				b64 = strings.NewReplacer("-", "+", "_", "/", " ", "", "\t", "").Replace(b64)
				if want, err := base64.RawStdEncoding.DecodeString(b64); err != nil || !bytes.Equal(data, want) {
					t.Fatalf("packet %q decodes to %x, want %x %v", p, data, want, err)
				}
				_, again, binary, err := decodePacket(NewBinaryMessage(data).packet())
				if err != nil || !binary || !bytes.Equal(again, data) {
					t.Fatalf("%x encodes and decodes to %x %t %v", data, again, binary, err)
				}
			case kind < PacketOpen || kind > PacketNoop || byte(kind) != p[0]:
				t.Fatalf("packet %q has type %c", p, kind)
			default:
				if again := newPacket(kind, data).packet(); !bytes.Equal(again, p) {
					t.Fatalf("packet %q encodes to %q", p, again)
				}
			}
		}
		if more {
			t.Fatalf("more packets than %d", len(parts))
		}
		if !bytes.Equal(payload, before) {
			t.Fatal("the payload has been written to")
		}
	})
}

// FuzzResponse queues packets and takes them out as poll responses: each keeps
// the limits or holds a single packet, none is smaller than they ask, and nothing is
// lost.
func FuzzResponse(f *testing.F) {
	f.Add([]byte{49, 48}, 100)
	f.Add([]byte{49, 49, 255, 0, 0, 99, 98, 36, 37}, 100)
	f.Add([]byte{0, 0, 0, 0, 0}, 1)
	f.Add(bytes.Repeat([]byte{7}, 100), 50)
	f.Add(bytes.Repeat([]byte{7}, 17), 1000)
	const most = 16
	f.Fuzz(func(t *testing.T, sizes []byte, limit int) {
		if limit < 1 {
			return
		}
		var o outbox
		var want []string
		total := 0
		for i, n := range sizes {
			data := bytes.Repeat([]byte{byte('a' + i%26)}, int(n))
			m := NewMessage(data)
			if n%3 == 0 {
				m = NewBinaryMessage(data)
			}
			o.push(m)
			total += m.Size()
			want = append(want, string(m.packet()))
			if o.bytes != total || o.len() != i+1 {
				t.Fatalf("%d packets of %d bytes queued, want %d of %d", o.len(), o.bytes, i+1, total)
			}
		}
		for o.len() > 0 {
			full := o.len()
			p := string(o.payload(limit, most))
			n := full - o.len()
			if n == 0 || n > most || n > 1 && len(p) > limit {
				t.Fatalf("%d packets in a response of %d bytes, the limit being %d", n, len(p), limit)
			}
			if joined := strings.Join(want[:n], "\x1e"); p != joined {
				t.Fatalf("response %q, want %q", p, joined)
			}
			want = want[n:]
			if len(want) > 0 && n < most && len(p)+1+len(want[0]) <= limit {
				t.Fatalf("a response of %d bytes leaves out a packet of %d, the limit being %d", len(p), len(want[0]), limit)
			}
		}
		if o.bytes != 0 || len(want) != 0 {
			t.Fatalf("%d bytes and %d packets are left", o.bytes, len(want))
		}
	})
}
