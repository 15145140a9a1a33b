package engineio

import (
	"bytes"
	"strings"
	"testing"
)

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
