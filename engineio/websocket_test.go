package engineio_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// Opcodes without the FIN bit.
const (
	moreText   = 0x01
	moreBinary = 0x02
	more       = 0x00
)

func frames(fs ...[]byte) []byte { return bytes.Join(fs, nil) }

// wsMaxPayload is the limit in the tests of frames.
const wsMaxPayload = 100_000

// TestFrameRefused has frames that break RFC 6455, and the close code each is
// answered with.
func TestFrameRefused(t *testing.T) {
	long := strings.Repeat("x", wsMaxPayload)
	tests := []struct {
		name  string
		send  []byte
		codes []int // any of them
	}{
		{"unmasked", unmasked(opText, "4hello"), []int{1002}},
		{"unmasked and short", unmasked(opText, "4"), []int{1002}},
		{"unmasked and empty", unmasked(opText, ""), []int{1002}},
		{"unmasked ping", unmasked(opPing, ""), []int{1002}},
		{"RSV1", masked(opText|0x40, "4a"), []int{1002}},
		{"RSV2", masked(opText|0x20, "4a"), []int{1002}},
		{"RSV3", masked(opText|0x10, "4a"), []int{1002}},
		{"RSV1 on a ping", masked(opPing|0x40, ""), []int{1002}},
		{"RSV1 on a continuation", frames(masked(moreText, "4a"), masked(opContinue|0x40, "b")), []int{1002}},
		{"opcode 3", masked(0x83, "4a"), []int{1002}},
		{"opcode 7", masked(0x87, ""), []int{1002}},
		{"opcode B", masked(0x8b, ""), []int{1002}},
		{"opcode F", masked(0x8f, ""), []int{1002}},
		{"continuation first", masked(opContinue, "4a"), []int{1002}},
		{"open continuation first", masked(more, "4a"), []int{1002}},
		{"continuation after a complete message", frames(masked(opText, "3"), masked(opContinue, "a")), []int{1002}},
		{"text inside a fragmented message", frames(masked(moreText, "4a"), masked(opText, "4b")), []int{1002}},
		{"binary inside a fragmented message", frames(masked(moreText, "4a"), masked(opBinary, "b")), []int{1002}},
		{"a fragmented message inside another", frames(masked(moreBinary, "a"), masked(moreText, "4b")), []int{1002}},
		{"ping of 126 bytes", masked(opPing, long[:126]), []int{1002}},
		{"pong of 126 bytes", masked(opPong, long[:126]), []int{1002}},
		{"close of 126 bytes", masked(opClose, closePayload(1000, long[:124])), []int{1002}},
		{"ping that announces 4 GB", maskedLen(opPing, []byte{127, 0, 0, 0, 1, 0, 0, 0, 0}, ""), []int{1002}},
		{"fragmented ping", masked(0x09, "a"), []int{1002}},
		{"fragmented close", masked(0x08, ""), []int{1002}},

		{"a byte more than maxPayload", masked(opText, "4"+long), []int{1009}},
		{"a byte more than maxPayload, binary", masked(opBinary, "x"+long), []int{1009}},
		{"only the header of a byte more", maskedLen(opText, shortest(wsMaxPayload+1), ""), []int{1009}},
		{"only the header of 1 GB", maskedLen(opText, shortest(1<<30), ""), []int{1009}},
		{"only the header of 2^63-1 bytes", maskedLen(opBinary, []byte{127, 0x7f, 255, 255, 255, 255, 255, 255, 255}, ""), []int{1009}},
		{"only the header of 2^64-1 bytes", maskedLen(opText, []byte{127, 255, 255, 255, 255, 255, 255, 255, 255}, ""), []int{1002, 1009}},
		{"fragments that add up past the limit",
			frames(masked(moreText, "4"+long[:wsMaxPayload-1]), masked(opContinue, "x")), []int{1009}},
		{"the header of the fragment that would",
			frames(masked(moreText, "4"+long[:60_000]), maskedLen(more, shortest(40_000), "")), []int{1009}},
		{"many fragments that add up past the limit",
			frames(bytes.Repeat(masked(moreText, ""), 1), bytes.Repeat(masked(more, long[:1000]), 101)), []int{1009}},

		{"text not UTF-8", masked(opText, "4\xff"), []int{1007}},
		{"overlong", masked(opText, "4\xc0\x80"), []int{1007}},
		{"surrogate", masked(opText, "4\xed\xa0\x80"), []int{1007}},
		{"beyond U+10FFFF", masked(opText, "4\xf4\x90\x80\x80"), []int{1007}},
		{"code point cut at the end", masked(opText, "4\xe2\x82"), []int{1007}},
		{"code point cut at the end of the last fragment",
			frames(masked(moreText, "4\xe2"), masked(opContinue, "\x82")), []int{1007}},
		{"close reason not UTF-8", masked(opClose, closePayload(1000, "\xff")), []int{1007}},

		{"close of one byte", masked(opClose, "\x03"), []int{1002}},
		{"close 0", masked(opClose, closePayload(0, "")), []int{1002}},
		{"close 999", masked(opClose, closePayload(999, "")), []int{1002}},
		{"close 1004", masked(opClose, closePayload(1004, "")), []int{1002}},
		{"close 1005", masked(opClose, closePayload(1005, "")), []int{1002}},
		{"close 1006", masked(opClose, closePayload(1006, "")), []int{1002}},
		{"close 1015", masked(opClose, closePayload(1015, "")), []int{1002}},
		{"close 2999", masked(opClose, closePayload(2999, "")), []int{1002}},
		{"close 5000", masked(opClose, closePayload(5000, "")), []int{1002}},
		{"close 65535", masked(opClose, closePayload(65535, "x")), []int{1002}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, p := newHost(t, &engineio.Options{MaxPayload: wsMaxPayload}).openWS()
			c.write(test.send)
			c.closed(test.codes...)
			p.ends("transport error")
			p.silent()
		})
	}

	t.Run("a bound on the number of fragments", func(t *testing.T) {
		c, p := newHost(t, nil).openWS()
		joined := make(chan struct{})
		go func() { // until the server closes
			defer close(joined)
			some := bytes.Repeat(masked(more, ""), 1000)
			c.conn.SetWriteDeadline(time.Now().Add(patience))
			_, err := c.conn.Write(masked(moreText, "4"))
			for range 1000 {
				if err == nil {
					_, err = c.conn.Write(some)
				}
			}
		}()
		if f := c.read(); f.b0 != opClose || f.payload != closePayload(1008, "") {
			t.Errorf("frame %#x %q, want a close frame with 1008", f.b0, f.payload)
		}
		p.ends("transport error")
		c.conn.Close()
		<-joined
	})
}

// TestFrame has frames that are fine.
func TestFrame(t *testing.T) {
	long := strings.Repeat("x", wsMaxPayload)
	text := func(s string) message { return message{s, false} }
	bin := func(s string) message { return message{s, true} }
	pong := func(s string) frame { return frame{opPong, s} }
	tests := []struct {
		name string
		send []byte
		want []message
		back []frame
	}{
		{"text", masked(opText, "4hello"), []message{text("hello")}, nil},
		{"text of no bytes", masked(opText, "4"), []message{text("")}, nil},
		{"text with a separator is one message", masked(opText, "4a\x1e4b"), []message{text("a\x1e4b")}, nil},
		{"binary", masked(opBinary, "\x00\xff4a"), []message{bin("\x00\xff4a")}, nil},
		{"binary of no bytes", masked(opBinary, ""), []message{bin("")}, nil},
		{"base64 in text", masked(opText, "bAQID"), []message{bin("\x01\x02\x03")}, nil},
		{"base64 in lines in text", masked(opText, "bAQ\n-_\n"), []message{bin("\x01\x0f\xbf")}, nil},
		{"UTF-8", masked(opText, "4\u20ac\U0001F600"), []message{text("\u20ac\U0001F600")}, nil},
		{"fragments", frames(masked(moreText, "4a"), masked(more, "b"), masked(opContinue, "c")), []message{text("abc")}, nil},
		{"binary fragments", frames(masked(moreBinary, "a"), masked(opContinue, "\xff")), []message{bin("a\xff")}, nil},
		{"empty fragments", frames(masked(moreText, ""), masked(more, ""), masked(more, "4a"), masked(opContinue, "")), []message{text("a")}, nil},
		{"code point split over fragments",
			frames(masked(moreText, "4\xf0\x9f"), masked(more, "\x98"), masked(opContinue, "\x80")), []message{text("\U0001F600")}, nil},
		{"ping", masked(opPing, "hi"), nil, []frame{pong("hi")}},
		{"empty ping", masked(opPing, ""), nil, []frame{pong("")}},
		{"ping of 125 bytes", masked(opPing, long[:125]), nil, []frame{pong(long[:125])}},
		{"ping between fragments", frames(masked(moreText, "4a"), masked(opPing, "p"), masked(opContinue, "b")),
			[]message{text("ab")}, []frame{pong("p")}},
		{"pong nobody asked for", frames(masked(opPong, "x"), masked(opText, "4a")), []message{text("a")}, nil},
		{"length in 16 bits that needs 7", maskedLen(opText, []byte{126, 0, 2}, "4a"), []message{text("a")}, nil},
		{"length in 64 bits that needs 7", maskedLen(opText, []byte{127, 0, 0, 0, 0, 0, 0, 0, 2}, "4a"), []message{text("a")}, nil},
		{"125 bytes", masked(opText, "4"+long[:124]), []message{text(long[:124])}, nil},
		{"126 bytes", masked(opText, "4"+long[:125]), []message{text(long[:125])}, nil},
		{"65535 bytes", masked(opText, "4"+long[:65534]), []message{text(long[:65534])}, nil},
		{"65536 bytes", masked(opText, "4"+long[:65535]), []message{text(long[:65535])}, nil},
		{"exactly maxPayload", masked(opText, "4"+long[1:]), []message{text(long[1:])}, nil},
		{"exactly maxPayload in fragments", frames(masked(moreText, "4"+long[:50_000]), masked(opContinue, long[50_001:])),
			[]message{text(long[1:])}, nil},
		{"many frames in one segment", bytes.Repeat(masked(opText, "4a"), 3), []message{text("a"), text("a"), text("a")}, nil},
		{"3, 3probe, 0, 5, 6 are ignored", frames(masked(opText, "3"), masked(opText, "3probe"), masked(opText, "0{}"),
			masked(opText, "5"), masked(opText, "6"), masked(opText, "4a")), []message{text("a")}, nil},
	}
	h := newHost(t, &engineio.Options{MaxPayload: wsMaxPayload})
	check := func(t *testing.T, c *wsClient, p *peer, want []message, back []frame) {
		t.Helper()
		for _, w := range want {
			if m := p.next(); m != w {
				t.Fatalf("message %.100q (binary %t), want %.100q (binary %t)", m.data, m.binary, w.data, w.binary)
			}
		}
		for _, f := range back {
			c.want(f.b0, f.payload)
		}
		c.write(masked(opText, "4end"), masked(opPing, "end"))
		p.want("end")
		c.want(opPong, "end")
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, p := h.in(t).openWS()
			c.write(test.send)
			check(t, c, p, test.want, test.back)
		})
		if len(test.send) < 300 {
			t.Run(test.name+", byte by byte", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newPipeHost(t, nil)
					c, p := h.openWS()
					joined := make(chan struct{})
					go func() { // until all is written; pongs are read meanwhile
						defer close(joined)
						for i := range test.send {
							c.conn.Write(test.send[i : i+1])
						}
					}()
					for _, f := range test.back {
						c.want(f.b0, f.payload)
					}
					<-joined
					check(t, c, p, test.want, nil)
				})
			})
		}
	}
}

// TestWebSocketClose has the closing handshake from both sides.
func TestWebSocketClose(t *testing.T) {
	h := newHost(t, nil)
	for _, test := range []struct{ name, payload, answer string }{
		{"empty", "", ""},
		{"1000", closePayload(1000, ""), closePayload(1000, "")},
		{"1000 with a reason", closePayload(1000, "bye \u20ac"), closePayload(1000, "")},
		{"1001", closePayload(1001, ""), closePayload(1001, "")},
		{"1011", closePayload(1011, ""), closePayload(1011, "")},
		{"3000", closePayload(3000, ""), closePayload(3000, "")},
		{"4999", closePayload(4999, ""), closePayload(4999, "")},
	} {
		t.Run("close frame is echoed/"+test.name, func(t *testing.T) {
			c, p := h.in(t).openWS()
			c.write(masked(opClose, test.payload))
			f := c.read()
			if f.b0 != opClose || f.payload != test.answer && f.payload != test.payload {
				t.Errorf("frame %#x %q, want a close frame with %q", f.b0, f.payload, test.answer)
			}
			c.eof()
			p.ends("transport close")
		})
	}
	t.Run("data after close is ignored", func(t *testing.T) {
		c, p := h.in(t).openWS()
		c.write(masked(opText, "4a"), masked(opClose, ""), masked(opText, "4b"), masked(opPing, ""))
		p.want("a")
		c.want(opClose, "")
		c.eof()
		p.ends("transport close")
		p.silent()
	})
	t.Run("close inside a fragmented message", func(t *testing.T) {
		c, p := h.in(t).openWS()
		c.write(masked(moreText, "4a"), masked(opClose, closePayload(1001, "")))
		c.want(opClose, closePayload(1001, ""))
		c.eof()
		p.ends("transport close")
		p.silent()
	})
	t.Run("close frame is echoed where a write cannot be tried", func(t *testing.T) {
		// A pipe is no socket, like a TLS connection.
		synctest.Test(t, func(t *testing.T) {
			c, p := newPipeHost(t, nil).openWS()
			c.write(masked(opClose, closePayload(1001, "")))
			c.want(opClose, closePayload(1001, ""))
			c.eof()
			p.ends("transport close")
		})
	})
	t.Run("close frame while a write that cannot be tried goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPipeHost(t, nil).openWS()
			p.send("a") // a pipe takes nothing that is not read
			synctest.Wait()
			c.write(masked(opClose, closePayload(1001, "")))
			c.wants("4a")
			c.want(opClose, closePayload(1001, ""))
			c.eof()
			p.ends("transport close")
		})
	})
	t.Run("close frame behind a write that does not end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPipeHost(t, nil).openWS()
			p.send("a")
			synctest.Wait()
			c.write(masked(opText, "x"))
			p.ends("parse error")
			time.Sleep(2*time.Second - time.Millisecond)
			c.write(masked(opText, "y"))
			time.Sleep(2 * time.Millisecond)
			if _, err := c.conn.Write(masked(opText, "z")); err == nil {
				t.Error("the connection stays open")
			}
		})
	})
	t.Run("the connection ends without a close frame", func(t *testing.T) {
		c, p := h.in(t).openWS()
		c.text("4a")
		p.want("a")
		c.conn.Close()
		p.ends("transport close")
	})
	t.Run("the connection ends inside a frame", func(t *testing.T) {
		c, p := h.in(t).openWS()
		c.write(masked(opText, "4a"), masked(opText, "4bcdef")[:8])
		c.conn.Close()
		p.want("a")
		p.ends("transport close")
		p.silent()
	})
	t.Run("Session.Close sends what is queued, and asks to come back", func(t *testing.T) {
		h := h.in(t)
		timetest.Prompt(t, time.Second, "the connection's end behind the close frame", func() time.Duration {
			c, p := h.openWS()
			p.send("a", "b")
			p.Session.Close()
			if err := p.Send(engineio.NewMessage(nil)); !errors.Is(err, engineio.ErrClosed) {
				t.Errorf("Send after Close: %v", err)
			}
			c.wants("4a", "4b")
			c.want(opClose, closePayload(1012, ""))
			start := time.Now()
			c.write(masked(opClose, ""))
			c.eof() // it is the server that ends the connection
			p.ends("forced close")
			return time.Since(start)
		})
	})
	t.Run("what comes after Session.Close is not handed over", func(t *testing.T) {
		c, p := h.in(t).openWS()
		p.Session.Close()
		c.want(opClose, closePayload(1012, ""))
		c.write(masked(opText, "4late"), masked(opClose, ""))
		c.eof()
		p.ends("forced close")
		p.silent()
	})
	t.Run("a client that breaks the rules and goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			start := time.Now()
			c.write(masked(0x83, ""))
			c.want(opClose, closePayload(1002, ""))
			p.ends("transport error")
			joined := make(chan struct{})
			go func() { // until the server ends the connection
				defer close(joined)
				var err error
				for err == nil {
					time.Sleep(100 * time.Millisecond)
					_, err = c.conn.Write(masked(opText, "4late"))
				}
			}()
			c.eof()
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("the connection stays for %v", d)
			}
			<-joined
			p.silent()
		})
	})
	t.Run("a client that does not answer the close frame", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			start := time.Now()
			p.Session.Close()
			c.want(opClose, closePayload(1012, ""))
			c.eof()
			if d := time.Since(start); d > 30*time.Second+tick {
				t.Errorf("the connection stays for %v", d)
			}
			p.ends("forced close")
		})
	})
	t.Run("a client that does not even read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			_, p := h.openWS()
			p.send("a")
			p.Session.Close()
			start := time.Now()
			p.ends("forced close")
			if d := time.Since(start); d > time.Minute {
				t.Errorf("closing took %v", d)
			}
		})
	})
}

// TestWebSocketPacket has Engine.IO packets over WebSocket.
func TestWebSocketPacket(t *testing.T) {
	h := newHost(t, nil)
	for _, test := range []struct{ name, text, reason string }{
		{"1 closes at once", "1", "transport close"},
		{"2 outside a probe", "2", "transport error"},
		{"2probe outside a probe", "2probe", "transport error"},
		{"empty text", "", "parse error"},
		{"type 7", "7", "parse error"},
		{"type x", "x", "parse error"},
		{"bad base64", "b!", "parse error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := h.in(t).openWS()
			c.write(masked(opText, "4a"), masked(opText, test.text), masked(opText, "4late"))
			p.want("a")
			c.closed(1005)
			p.ends(test.reason)
			p.silent()
		})
	}
	t.Run("outgoing frames", func(t *testing.T) {
		c, p := h.in(t).openWS()
		for _, n := range []int{0, 1, 124, 125, 126, 65534, 65535, 65536, 2_000_000} {
			s := strings.Repeat("x", n)
			joined := make(chan error, 1)
			go func() { // until read, below
				joined <- p.Send(engineio.NewMessage([]byte(s)), engineio.NewBinaryMessage([]byte(s)))
			}()
			c.want(opText, "4"+s) // read checks the form of the length
			c.want(opBinary, s)
			if err := <-joined; err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("b64", func(t *testing.T) {
		h := h.in(t)
		c := h.ws("&b64=1")
		c.read()
		p := h.peer()
		m := engineio.NewBinaryMessage([]byte{1, 2, 3, 4})
		if err := p.Send(m, engineio.NewMessage([]byte("a")), m); err != nil {
			t.Fatal(err)
		}
		c.wants("bAQIDBA==", "4a", "bAQIDBA==")
		c.write(masked(opBinary, "x"), masked(opText, "bAQI="))
		for _, want := range []message{{"x", true}, {"\x01\x02", true}} {
			if got := p.next(); got != want {
				t.Errorf("message %+v, want %+v", got, want)
			}
		}
	})
	t.Run("a message is shared between sessions", func(t *testing.T) {
		h := h.in(t)
		data := []byte("same")
		m, b := engineio.NewMessage(data), engineio.NewBinaryMessage(data)
		copy(data, "gone") // the messages have copies
		plain, p1 := h.openWS()
		b64 := h.ws("&b64=1")
		b64.read()
		p2 := h.peer()
		p3 := h.open()
		for _, p := range []*peer{p1, p2, p3} {
			if err := p.Send(m, b); err != nil {
				t.Fatal(err)
			}
		}
		plain.want(opText, "4same")
		plain.want(opBinary, "same")
		b64.wants("4same", "bc2FtZQ==")
		h.get(p3.ID()).want(t, 200, "4same\x1ebc2FtZQ==")
	})
	t.Run("HTTP with the sid of a WebSocket session", func(t *testing.T) {
		h := h.in(t)
		c, p := h.openWS()
		h.get(p.ID()).want(t, 400, code3)
		h.post(p.ID(), "4a").want(t, 400, code3)
		c.text("4b")
		p.want("b")
	})
	t.Run("half a header, then silence, ends with the heartbeat", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			c.write([]byte{0x81})
			joined := make(chan struct{})
			go func() { // until the server closes
				defer close(joined)
				io.Copy(io.Discard, c.br)
			}()
			p.ends("ping timeout")
			c.conn.Close()
			<-joined
		})
	})
}
