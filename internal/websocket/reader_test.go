package websocket

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// A recorder writes down what a Reader hands over.
type recorder struct {
	events    []string
	pauses    bool // stop after each message
	isStopped bool
	ended     bool // the close frame has come
}

func (r *recorder) add(format string, args ...any) {
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) OnMessage(data []byte, binary bool) error {
	if !binary && !utf8.Valid(data) {
		r.add("INVALID UTF-8")
	}
	r.add("message %t %q", binary, data)
	r.isStopped = r.pauses
	return nil
}

func (r *recorder) OnPing(data []byte) error {
	if len(data) > maxControl {
		r.add("LONG PING")
	}
	r.add("ping %q", data)
	return nil
}

func (r *recorder) OnClose(code ws.StatusCode) error {
	r.add("close %d", code)
	r.ended = true
	return io.EOF
}

func (r *recorder) Stopped() bool { return r.isStopped }

// run feeds stream in pieces, whose sizes come from cuts over and over, and
// ends with an event for the error.
func (r *recorder) run(t *testing.T, limit int, stream, cuts []byte) {
	in := Reader{Limit: int32(limit), Deflate: true}
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(cuts) > 0 {
			n = min(n, 1+int(cuts[i%len(cuts)]))
		}
		piece := bytes.Clone(stream[:n]) // it will be unmasked in place
		stream = stream[n:]
		for {
			used, err := in.Feed(piece, r)
			if len(in.msg) > limit || len(in.ctl) > maxControl || cap(in.msg) > 2*limit+1024 {
				t.Fatalf("%d bytes (%d allocated) of a message, %d of a control frame; the limit is %d",
					len(in.msg), cap(in.msg), len(in.ctl), limit)
			}
			if err != nil {
				r.add("error %v", err)
				return
			}
			piece = piece[used:]
			if !r.isStopped {
				if len(piece) > 0 {
					t.Fatalf("%d bytes left unread", len(piece))
				}
				break
			}
			r.isStopped = false
		}
	}
}

// FuzzFrame feeds the bytes of a WebSocket client in one piece, in pieces of
// random sizes, and with a stop after each message. All must give the same.
func FuzzFrame(f *testing.F) {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	frame := func(b0 byte, length []byte, payload string) []byte {
		b := append([]byte{b0}, length...)
		b[1] |= 0x80
		b = append(b, key[:]...)
		masked := []byte(payload)
		ws.Cipher(masked, key, 0)
		return append(b, masked...)
	}
	short := func(b0 byte, payload string) []byte { return frame(b0, []byte{byte(len(payload))}, payload) }
	for _, frames := range [][][]byte{
		{short(0x81, "4hello"), short(0x82, "\x00\xff"), short(0x89, "ping"), short(0x8a, "")},
		{short(0x01, "4a"), short(0x89, "p"), short(0x00, ""), short(0x80, "b"), short(0x81, "4c")},
		{short(0x01, "\xe2"), short(0x80, "\x82\xac"), short(0x81, "\xff")},
		{frame(0x81, []byte{126, 0, 2}, "4a"), frame(0x82, []byte{127, 0, 0, 0, 0, 0, 0, 0, 1}, "x")},
		{frame(0x81, []byte{126, 0, 200}, strings.Repeat("x", 200)), short(0x88, "\x03\xe8bye"), short(0x81, "4late")},
		{frame(0x81, []byte{127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "")},
		{frame(0x82, []byte{127, 0, 0, 0, 0, 0x40, 0, 0, 0}, "")},
		{short(0x88, "")}, {short(0x88, "\x03")}, {short(0x88, "\x03\xed")}, {short(0x88, "\x03\xe8\xff")},
		{{0x81, 0x02, '4', 'a'}}, {{0x81, 0x00}}, {short(0xa1, "4a")}, {short(0xc1, "4a")}, {short(0x80|0x40, "4a")},
		{short(0xc1, compress("4hello")), short(0x81, "4a"), short(0xc2, compress("\xff"))},
		{short(0x41, compress("4")), short(0x89, "ping"), short(0x80, compress("hello"))}, {short(0xc1, compress(strings.Repeat("x", 2000)))},
		{short(0x83, "")}, {short(0x09, "x")},
		{short(0x80, "x")}, {short(0x01, "a"), short(0x01, "b")}, {frame(0x89, []byte{126, 0, 126}, strings.Repeat("x", 126))},
	} {
		f.Add(bytes.Join(frames, nil), []byte{0}, uint16(1000))
		f.Add(bytes.Join(frames, nil), []byte{2, 0, 5}, uint16(100))
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte, limit uint16) {
		want := &recorder{}
		want.run(t, int(limit), stream, nil)
		for _, got := range []*recorder{{}, {pauses: true}} {
			got.run(t, int(limit), stream, cuts)
			if strings.Join(got.events, "\n") != strings.Join(want.events, "\n") {
				t.Fatalf("in pieces (with stops: %t):\n%s\nin one:\n%s",
					got.pauses, strings.Join(got.events, "\n"), strings.Join(want.events, "\n"))
			}
		}
		for _, e := range want.events {
			if strings.HasPrefix(e, "INVALID") || strings.HasPrefix(e, "LONG") {
				t.Fatal(e)
			}
		}
	})
}

// FuzzFragments cuts a message into frames, with pings between, and wants it
// whole again.
func FuzzFragments(f *testing.F) {
	f.Add([]byte("4h\u00e9llo"), []byte{1, 0, 3}, []byte{2, 7}, true)
	f.Add([]byte{}, []byte{0, 0}, []byte{}, false)
	f.Add(bytes.Repeat([]byte("\u20ac"), 300), []byte{100, 1}, []byte{0}, true)
	f.Fuzz(func(t *testing.T, data, sizes, cuts []byte, text bool) {
		const limit = 1 << 16
		if len(data) > limit || len(sizes) > 1000 {
			return
		}
		op := ws.OpBinary
		if text {
			op = ws.OpText
		}
		want := fmt.Sprintf("message %t %q", !text, data)
		if text && !utf8.Valid(data) {
			want = "error text is not UTF-8"
		}
		var stream []byte
		pings := 0
		send := func(b0 byte, p []byte) {
			h := AppendHeader(nil, 0, len(p))
			h[0], h[1] = b0, h[1]|0x80
			mask := [4]byte{byte(len(stream)), 1, 2, 3}
			stream = append(append(stream, h...), mask[:]...)
			p = bytes.Clone(p)
			ws.Cipher(p, mask, 0)
			stream = append(stream, p...)
		}
		rest := data
		for _, n := range sizes {
			k := min(int(n), len(rest))
			send(byte(op), rest[:k])
			op, rest = ws.OpContinuation, rest[k:]
			if n%2 == 0 {
				send(0x89, []byte{n})
				pings++
			}
		}
		send(0x80|byte(op), rest)

		r := &recorder{}
		r.run(t, limit, stream, cuts)
		if len(r.events) != pings+1 || r.events[pings] != want {
			t.Fatalf("%q, want %d pings and %s", r.events, pings, want)
		}
	})
}

// TestMaxFragments grows with the limit of a message.
func TestMaxFragments(t *testing.T) {
	for _, tt := range []struct{ limit, size, fragments, want int }{
		{1 << 20, 64, 1 << 14, 1 << 14},
		{1 << 20, 0, 1 << 15, 1 << 14},
		{100 << 20, 4 << 10, 25_600, 25_600},
		{100 << 20, 0, 1 << 17, 100 << 10},
	} {
		in := Reader{Limit: int32(tt.limit)}
		more := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewFrame(ws.OpContinuation, false, make([]byte, tt.size)), [4]byte{}))
		first := bytes.Clone(more)
		first[0] = byte(ws.OpBinary)
		got := &recorder{}
		_, err := in.Feed(first, got)
		n := 1
		for ; err == nil && n < tt.fragments; n++ {
			if _, err = in.Feed(bytes.Clone(more), got); err != nil {
				break
			}
		}
		if n != tt.want {
			t.Errorf("limit %d, fragments of %d bytes: %d are taken, want %d (%v)", tt.limit, tt.size, n, tt.want, err)
		}
	}
}

// What is dropped is not missed: neither does the rest have to make sense, nor does what
// follows suffer.
func TestDrop(t *testing.T) {
	frame := func(b0 byte, payload string) []byte {
		f := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame([]byte(payload)), [4]byte{1, 2, 3, 4}))
		f[0] = b0
		return f
	}
	for name, test := range map[string]struct {
		first, rest []byte
		cut         int // the rest of first comes after Drop
	}{
		"half a character":  {frame(0x81, "a€"), nil, 1},
		"compressed":        {frame(0xc1, "\x07 is no block"), nil, 3},
		"the first frame":   {frame(0x01, "\xe2"), frame(0x80, "\x82\xac"), 0},
		"between fragments": {frame(0x41, "\x07"), frame(0x80, " is no block"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := Reader{Limit: 100, Deflate: true}
			got := &recorder{}
			feed := func(p []byte) {
				if _, err := in.Feed(p, got); err != nil {
					t.Fatal(err)
				}
			}
			feed(test.first[:len(test.first)-test.cut])
			in.Drop()
			if n := in.Partial() + in.Allocated(); n != 0 || len(got.events) != 0 {
				t.Errorf("%d bytes, %q", n, got.events)
			}
			feed(test.first[len(test.first)-test.cut:])
			feed(test.rest)
			got.events = nil
			feed(frame(0x81, "next"))
			if len(got.events) != 1 || got.events[0] != `message false "next"` {
				t.Errorf("%q follows", got.events)
			}
		})
	}
}
