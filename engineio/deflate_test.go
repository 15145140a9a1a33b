package engineio_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/engineio"
)

// rsv1 in the first byte of a frame says that the message is compressed.
const rsv1 = 0x40

const (
	offer    = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
	accepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
)

func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	io.WriteString(w, s)
	w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func inflated(s string) (string, error) {
	b, err := io.ReadAll(flate.NewReader(strings.NewReader(s + "\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	return string(b), err
}

// openDeflate is openWS with compression negotiated.
func (h *host) openDeflate() (*wsClient, *peer) {
	h.t.Helper()
	c := h.deflating("")
	if f := c.read(); f.b0 != opText || !strings.HasPrefix(f.payload, `0{"sid":"`) {
		h.t.Fatalf("first frame %#x %q, want the open packet", f.b0, f.payload)
	}
	return c, h.peer()
}

func (h *host) deflating(more string) *wsClient {
	h.t.Helper()
	c, res := h.raw(h.wsRequest("EIO=4&transport=websocket"+more, offer))
	if got := res.Header.Get("Sec-WebSocket-Extensions"); res.StatusCode != 101 || got != accepted {
		h.t.Fatalf("handshake: %s, extensions %q", res.Status, got)
	}
	return c
}

// wantDeflated reads a frame that is compressed, and compares what it holds.
func (c *wsClient) wantDeflated(b0 byte, payload string) {
	c.h.t.Helper()
	f := c.read()
	got, err := inflated(f.payload)
	if f.b0 != b0|rsv1 || got != payload || err != nil || len(f.payload) >= len(payload) {
		c.h.t.Fatalf("frame %#x, %d bytes, inflated %.100q %v, want %#x %.100q", f.b0, len(f.payload), got, err, b0|rsv1, payload)
	}
}

var wordy = strings.Repeat("the quick brown fox ", 100)

func noise(n int) string {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(b)
	return string(b)
}

func TestDeflateHandshake(t *testing.T) {
	on := newHost(t, &engineio.Options{Compression: &engineio.Deflate{}})
	off := newHost(t, nil)
	for _, tt := range []struct {
		name   string
		h      *host
		header []string
		want   string
	}{
		{"offered", on, []string{offer}, accepted},
		{"not offered", on, nil, ""},
		{"offered in the second header", on, []string{"Sec-WebSocket-Extensions: foo", offer}, accepted},
		{"with a window", on, []string{"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15"}, accepted + "; server_max_window_bits=15"},
		{"too small a window", on, []string{"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=14"}, ""},
		{"malformed", on, []string{"Sec-WebSocket-Extensions: permessage-deflate;"}, ""},
		{"malformed in the second header", on, []string{offer, "Sec-WebSocket-Extensions: a b"}, ""},
		{"off", off, []string{offer}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.h.in(t)
			request := h.wsRequest("EIO=4&transport=websocket")
			// By hand: a line in header replaces those before it.
			request = strings.TrimSuffix(request, "\r\n") + strings.Join(append(tt.header, ""), "\r\n") + "\r\n"
			c, res := h.raw(request)
			if got := strings.Join(res.Header["Sec-Websocket-Extensions"], "+"); res.StatusCode != 101 || got != tt.want {
				t.Fatalf("%s, extensions %q, want %q", res.Status, got, tt.want)
			}
			c.read()
			p := h.peer()
			p.send(wordy)
			if tt.want == "" {
				c.want(opText, "4"+wordy)
				c.write(masked(opText|rsv1, deflated("4a")))
				c.closed(1002)
				return
			}
			c.wantDeflated(opText, "4"+wordy)
			c.write(masked(opText|rsv1, deflated("4a")))
			p.want("a")
		})
	}
}

// TestDeflateOut has what is compressed and what is not. Go's compressor leaves what
// is below 128 bytes as it is, since 1.27.
func TestDeflateOut(t *testing.T) {
	h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{Threshold: 200}})
	c, p := h.openDeflate()
	send := func(ms ...*engineio.Message) {
		t.Helper()
		if err := p.Send(ms[0], ms[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) *engineio.Message { return engineio.NewMessage([]byte(s)) }
	binary := func(s string) *engineio.Message { return engineio.NewBinaryMessage([]byte(s)) }

	send(text(wordy[:198]))
	c.want(opText, "4"+wordy[:198])
	send(text(wordy[:199]))
	c.wantDeflated(opText, "4"+wordy[:199])
	send(binary(wordy[:199]))
	c.want(opBinary, wordy[:199])
	send(binary(wordy[:200]))
	c.wantDeflated(opBinary, wordy[:200])

	send(text(wordy).Plain())
	c.want(opText, "4"+wordy)
	send(binary(wordy).Plain())
	c.want(opBinary, wordy)

	for _, n := range []int{200, 5000, 100_000} { // what would become larger
		send(binary(noise(n)))
		c.want(opBinary, noise(n))
	}
	b64 := h.deflating("&b64=1")
	b64.read()
	plain, shared := binary(wordy).Plain(), binary(wordy)
	send(shared)
	c.wantDeflated(opBinary, wordy)
	if err := h.peer().Send(plain, shared); err != nil {
		t.Fatal(err)
	}
	b64.want(opText, "b"+base64.StdEncoding.EncodeToString([]byte(wordy)))
	b64.wantDeflated(opText, "b"+base64.StdEncoding.EncodeToString([]byte(wordy)))

	large := strings.Repeat(wordy, 400)
	send(text(large))
	c.wantDeflated(opText, "4"+large)

	same := binary(wordy)
	send(text("a"), same, binary(noise(200)), text(wordy), same)
	c.want(opText, "4a")
	c.wantDeflated(opBinary, wordy)
	c.want(opBinary, noise(200))
	c.wantDeflated(opText, "4"+wordy)
	c.wantDeflated(opBinary, wordy)

	if n := same.Size(); n != 4+len(wordy) {
		t.Errorf("Size %d", n)
	}
	c.write(masked(opPing, strings.Repeat("x", 125)))
	c.want(opPong, strings.Repeat("x", 125))
	c.write(masked(opText|rsv1, deflated("4"+large)), masked(opBinary|rsv1, deflated(large)), masked(opText, "4plain"))
	p.want(large)
	if m := p.next(); !m.binary || m.data != large {
		t.Errorf("message of %d bytes, binary %t", len(m.data), m.binary)
	}
	p.want("plain")
}

// TestDeflateIn has frames that a client may send once compression is negotiated.
func TestDeflateIn(t *testing.T) {
	h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{}, MaxPayload: wsMaxPayload})
	text := func(s string) message { return message{s, false} }
	bin := func(s string) message { return message{s, true} }
	all := deflated("4" + wordy)
	long := strings.Repeat("x", wsMaxPayload)
	tests := []struct {
		name string
		send []byte
		want []message
	}{
		{"text", masked(opText|rsv1, deflated("4hello")), []message{text("hello")}},
		{"binary", masked(opBinary|rsv1, deflated("hello")), []message{bin("hello")}},
		{"binary of no bytes", masked(opBinary|rsv1, "\x00"), []message{bin("")}},
		{"base64", masked(opText|rsv1, deflated("bAQID")), []message{bin("\x01\x02\x03")}},
		{"UTF-8", masked(opText|rsv1, deflated("4\u20ac")), []message{text("\u20ac")}},
		{"not compressed", frames(masked(opText, "4a"), masked(opBinary, "b")), []message{text("a"), bin("b")}},
		{"a mixture", frames(masked(opText|rsv1, deflated("4a")), masked(opText, "4b"), masked(opText|rsv1, deflated("4c"))),
			[]message{text("a"), text("b"), text("c")}},
		{"fragments", frames(masked(moreText|rsv1, all[:5]), masked(more, ""), masked(more, all[5:9]), masked(opContinue, all[9:])), []message{text(wordy)}},
		{"fragments, the first empty", frames(masked(moreText|rsv1, ""), masked(opContinue, all)), []message{text(wordy)}},
		{"fragments, the last empty", frames(masked(moreText|rsv1, all), masked(opContinue, "")), []message{text(wordy)}},
		{"fragments not compressed", frames(masked(moreText, "4a"), masked(opContinue, "b"), masked(opText|rsv1, deflated("4c"))),
			[]message{text("ab"), text("c")}},
		{"exactly MaxPayload", masked(opText|rsv1, deflated("4"+long[1:])), []message{text(long[1:])}},
		{"many in one segment", bytes.Repeat(masked(opText|rsv1, all), 5), []message{text(wordy), text(wordy), text(wordy), text(wordy), text(wordy)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, p := h.in(t).openDeflate()
			c.write(test.send)
			for _, want := range test.want {
				if m := p.next(); m != want {
					t.Fatalf("message %.100q (binary %t), want %.100q (binary %t)", m.data, m.binary, want.data, want.binary)
				}
			}
			c.write(masked(opText, "4end"), masked(opPing, "end"))
			p.want("end")
			c.want(opPong, "end")
		})
	}
	t.Run("a ping between fragments", func(t *testing.T) {
		c, p := h.in(t).openDeflate()
		c.write(masked(moreText|rsv1, all[:5]), masked(opPing, "p"))
		c.want(opPong, "p")
		c.write(masked(opContinue, all[5:]))
		p.want(wordy)
	})
	t.Run("in pieces, each read by itself", func(t *testing.T) {
		c, p := h.in(t).openDeflate()
		large := noise(wsMaxPayload / 2)
		stream := frames(masked(opBinary|rsv1, deflated(large)), masked(opText, "4end"))
		for i := 0; i < len(stream); i += 10_000 {
			c.write(stream[i:min(i+10_000, len(stream))])
			runtime.Gosched()
		}
		if m := p.next(); m.data != large {
			t.Errorf("message of %d bytes", len(m.data))
		}
		p.want("end")
	})
	t.Run("paused in between", func(t *testing.T) {
		h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{}})
		c, p := h.openDeflate()
		p.Pause()
		for i := range 10 {
			c.write(masked(opText|rsv1, deflated(fmt.Sprint("4", i))), masked(opText, fmt.Sprint("4", i)))
		}
		p.silent()
		p.Resume()
		for i := range 10 {
			p.want(fmt.Sprint(i), fmt.Sprint(i))
		}
	})
}

// TestDeflateRefused has frames that a client must not send, and the close code
// each is answered with.
func TestDeflateRefused(t *testing.T) {
	const rsv2, rsv3 = 0x20, 0x10
	long := strings.Repeat("x", wsMaxPayload)
	bomb := deflated("4" + strings.Repeat(long, 100))
	a := deflated("4a")
	tests := []struct {
		name string
		send []byte
		code int
	}{
		{"RSV1 on a continuation", frames(masked(moreText|rsv1, a[:2]), masked(opContinue|rsv1, a[2:])), 1002},
		{"RSV1 on the continuation of a plain message", frames(masked(moreText, "4a"), masked(opContinue|rsv1, a)), 1002},
		{"RSV1 on a ping", masked(opPing|rsv1, ""), 1002},
		{"RSV1 on a pong", masked(opPong|rsv1, a), 1002},
		{"RSV1 on a close", masked(opClose|rsv1, ""), 1002},
		{"RSV1 on a ping between fragments", frames(masked(moreText|rsv1, a[:2]), masked(opPing|rsv1, "")), 1002},
		{"RSV1 on a reserved opcode", masked(0x83|rsv1, a), 1002},
		{"RSV2", masked(opText|rsv2, "4a"), 1002},
		{"RSV3", masked(opText|rsv3, "4a"), 1002},
		{"RSV1 and 2", masked(opText|rsv1|rsv2, a), 1002},
		{"RSV1 and 3", masked(opText|rsv1|rsv3, a), 1002},

		{"not compressed", masked(opText|rsv1, "4hello, this is text"), 1007},
		{"nothing", masked(opBinary|rsv1, ""), 1007},
		{"cut", masked(opText|rsv1, deflated("4" + wordy)[:20]), 1007},
		{"with the tail", masked(opText|rsv1, a+"\x00\x00\xff\xff"), 1007},
		{"noise in fragments", frames(masked(moreBinary|rsv1, noise(500)), masked(opContinue, noise(500))), 1007},
		{"text not UTF-8", masked(opText|rsv1, deflated("4\xff")), 1007},
		{"code point cut at the end", masked(opText|rsv1, deflated("4\xe2\x82")), 1007},

		{"a byte more than MaxPayload", masked(opText|rsv1, deflated("4"+long)), 1009},
		{"a byte more than MaxPayload, binary", masked(opBinary|rsv1, deflated("x"+long)), 1009},
		{"a bomb", masked(opText|rsv1, bomb), 1009},
		{"a bomb in fragments", frames(masked(moreText|rsv1, bomb[:100]), masked(opContinue, bomb[100:])), 1009},
		{"a bomb of noise", masked(opBinary|rsv1, deflated(noise(wsMaxPayload-5))), 1009},
		{"only the header of a byte more", maskedLen(opText|rsv1, shortest(wsMaxPayload+1), ""), 1009},
	}
	h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{}, MaxPayload: wsMaxPayload})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, p := h.in(t).openDeflate()
			c.write(test.send)
			c.closed(test.code)
			p.ends("transport error")
			p.silent()
		})
	}
}

// TestDeflateUpgrade negotiates on the handshake of the probe.
func TestDeflateUpgrade(t *testing.T) {
	opts := &engineio.Options{Compression: &engineio.Deflate{}}
	t.Run("what was queued for polling is compressed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, opts)
			p := h.open()
			p.send(wordy, "a")
			c := h.deflating("&sid=" + p.ID())
			c.write(masked(opText|rsv1, deflated("2probe")))
			c.wants("3probe")
			p.send(wordy + "b")
			c.write(masked(opText|rsv1, deflated("5")))
			c.wantDeflated(opText, "4"+wordy)
			c.want(opText, "4a")
			c.wantDeflated(opText, "4"+wordy+"b")
			h.upgraded(c, p)
			p.send(wordy)
			c.wantDeflated(opText, "4"+wordy)
		})
	})
	t.Run("polling stays as it is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, opts)
			p := h.open()
			c := h.deflating("&sid=" + p.ID())
			c.text("2probe")
			c.wants("3probe")
			p.send(wordy)
			h.get(p.ID()).want(t, 200, "4"+wordy)
		})
	})
	t.Run("a probe without it after one with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, opts)
			p := h.open()
			c := h.deflating("&sid=" + p.ID())
			c.text("bad")
			c.closed(1005)
			p.send(wordy)
			c = h.upgrade(p)
			c.want(opText, "4"+wordy)
			p.send(wordy)
			c.want(opText, "4"+wordy)
		})
	})
	for _, bad := range []struct {
		name string
		send []byte
		code int
	}{
		{"garbage", masked(opText|rsv1, "garbage"), 1007},
		{"a bomb", masked(opText|rsv1, deflated(strings.Repeat("x", 2_000_000))), 1009},
	} {
		t.Run(bad.name+" ends the probe only", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, opts)
				p := h.open()
				c := h.deflating("&sid=" + p.ID())
				c.write(bad.send)
				c.closed(bad.code)
				h.pollingWorks(p)
			})
		})
	}
}
