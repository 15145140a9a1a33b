package engineio_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// TestPollingBody has what a POST may carry and what it does to the session.
func TestPollingBody(t *testing.T) {
	const limit = 1000
	text := func(texts ...string) (ms []message) {
		for _, s := range texts {
			ms = append(ms, message{s, false})
		}
		return ms
	}
	bin := func(s string) message { return message{s, true} }
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	io.WriteString(zw, "4hello")
	zw.Close()

	tests := []struct {
		name   string
		body   string
		want   []message
		reason string // "": the session lives on
	}{
		{"a message", "4hello", text("hello"), ""},
		{"an empty message", "4", text(""), ""},
		{"several packets", "4a\x1e4b\x1e4", text("a", "b", ""), ""},
		{"UTF-8", "4h\u00e9llo \u20ac \U0001F600\u2028\x00", text("h\u00e9llo \u20ac \U0001F600\u2028\x00"), ""},
		{"binary between texts", "4a\x1ebAQID\x1e4b", []message{{"a", false}, bin("\x01\x02\x03"), {"b", false}}, ""},
		{"empty binary", "b", []message{bin("")}, ""},
		{"base64 of two bytes, padded", "bAQI=", []message{bin("\x01\x02")}, ""},
		{"base64 of two bytes, unpadded", "bAQI", []message{bin("\x01\x02")}, ""},
		{"base64 of one byte, padded", "bAQ==", []message{bin("\x01")}, ""},
		{"base64 of one byte, unpadded", "bAQ", []message{bin("\x01")}, ""},
		{"base64 of all that + and / are for", "b+/+/", []message{bin("\xfb\xff\xbf")}, ""},
		{"base64 with a newline behind it, as Java's client sends it", "bAAEC/w==\n", []message{bin("\x00\x01\x02\xff")}, ""},
		{"base64 in lines", "bAAEC\r\n/wAB\r\nAv8=\r\n", []message{bin("\x00\x01\x02\xff\x00\x01\x02\xff")}, ""},
		{"base64 with a break inside of a group", "bAQ\nID", []message{bin("\x01\x02\x03")}, ""},
		{"base64 with blanks", "b AQ I\tD ", []message{bin("\x01\x02\x03")}, ""},
		{"base64 of the alphabet for URLs", "b-_-_", []message{bin("\xfb\xff\xbf")}, ""},
		{"base64 of both alphabets", "b-/+_\n", []message{bin("\xfb\xff\xbf")}, ""},
		{"base64 with a break inside of its padding", "bAQ=\n=", []message{bin("\x01")}, ""},
		{"base64 with too much padding", "bAQID====", []message{bin("\x01\x02\x03")}, ""},
		{"base64 ends at its padding", "bAQ==AQ==", []message{bin("\x01")}, ""},
		{"base64 in lines between texts", "4a\x1ebAAEC/w==\n\x1e4b", []message{{"a", false}, bin("\x00\x01\x02\xff"), {"b", false}}, ""},

		{"3 is ignored", "3\x1e4x", text("x"), ""},
		{"3probe is ignored", "3probe\x1e4x", text("x"), ""},
		{"0{} is ignored", "0{}\x1e4x", text("x"), ""},
		{"5 is ignored", "5\x1e4x", text("x"), ""},
		{"6 is ignored", "6\x1e4x", text("x"), ""},

		{"empty", "", nil, "parse error"},
		{"a lone separator", "\x1e", nil, "parse error"},
		{"a separator too many", "4a\x1e", text("a"), "parse error"},
		{"two separators", "4a\x1e\x1e4b", text("a"), "parse error"},
		{"type 9", "9", nil, "parse error"},
		{"type 7", "7", nil, "parse error"},
		{"abc", "abc", nil, "parse error"},
		{"a space", " 4a", nil, "parse error"},
		{"BOM", "\ufeff4a", nil, "parse error"},
		{"JSONP form", "d=42%5B%22a%22%5D", nil, "parse error"},
		{"a length-prefixed payload of v3", "6:4hello", nil, ""}, // 6 is a noop
		{"a good packet before a bad one", "4good\x1ex\x1e4late", text("good"), "parse error"},
		{"bad base64", "b!!!!", nil, "parse error"},
		{"base64 of no whole byte", "bA", nil, "parse error"},
		{"base64 with a character of no alphabet", "bAQ.ID", nil, "parse error"},

		{"1 closes", "1", nil, "transport close"},
		{"what follows 1 is dropped", "4a\x1e1\x1e4b", text("a"), "transport close"},
		{"what follows 1 is not even looked at", "1\x1ex", nil, "transport close"},
		{"2 outside a probe", "2", nil, "transport error"},
		{"2probe", "4a\x1e2probe\x1e4b", text("a"), "transport error"},
	}
	h := newHost(t, &engineio.Options{MaxPayload: limit})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			p := h.open()
			r := h.post(p.ID(), test.body)
			for _, want := range test.want {
				if got := p.next(); got != want {
					t.Fatalf("message %+v, want %+v", got, want)
				}
			}
			if test.reason != "" {
				p.ends(test.reason)
				p.silent()
				h.gone(p.ID())
				return
			}
			r.want(t, 200, "ok")
			if got := r.header.Get("Content-Type"); got != "text/html" {
				t.Errorf("Content-Type: %q", got)
			}
			p.silent()
			p.alive()
		})
	}

	t.Run("Content-Type", func(t *testing.T) {
		h := h.in(t)
		for _, ct := range []string{"text/plain", "application/json", ""} {
			p := h.open()
			h.do("POST", polling+"&sid="+p.ID(), "4x", "Content-Type: "+ct).want(t, 200, "ok")
			p.want("x")
		}
		p := h.open()
		r := h.do("POST", polling+"&sid="+p.ID(), "4x", "Content-Type: application/octet-stream")
		if r.status != 400 {
			t.Errorf("octet-stream: %d %q", r.status, r.body)
		}
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	t.Run("Content-Encoding gzip is never inflated", func(t *testing.T) {
		h := h.in(t)
		p := h.open()
		h.do("POST", polling+"&sid="+p.ID(), zipped.String(), "Content-Encoding: gzip")
		p.ends("parse error")
		p.silent()
	})
	t.Run("text that is not UTF-8 never reaches the handler", func(t *testing.T) {
		h := h.in(t)
		for _, s := range []string{"4\xff", "4a\xc3", "4\xed\xa0\x80", "4\xc0\x80"} {
			p := h.open()
			h.post(p.ID(), s)
			select {
			case m := <-p.messages: // replaced, as Node does
				if !utf8.ValidString(m.data) {
					t.Errorf("message %q", m.data)
				}
			case r := <-p.closed:
				if r != "parse error" {
					t.Errorf("session ended with %q", r)
				}
			case <-time.After(patience):
				t.Errorf("%q: nothing happens", s)
			}
		}
	})
	t.Run("exactly maxPayload", func(t *testing.T) {
		h := h.in(t)
		p := h.open()
		most := strings.Repeat("x", limit-1)
		r := h.post(p.ID(), "4"+most)
		r.want(t, 200, "ok")
		if got := r.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control: %q", got)
		}
		p.want(most)
		most = strings.Repeat("\u20ac", limit/3) // bytes count, not characters
		h.post(p.ID(), "4"+most).want(t, 200, "ok")
		p.want(most)
	})
	t.Run("a byte more", func(t *testing.T) {
		h := h.in(t)
		p := h.open()
		get := h.pend(p.ID())
		h.post(p.ID(), "4"+strings.Repeat("x", limit)).want(t, 413, "")
		if r := <-get; !(r.status == 200 && r.body == "1") && r.body != code1 { // it may come behind
			t.Errorf("the GET: %d %q", r.status, r.body)
		}
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	t.Run("a byte more, before the GET", func(t *testing.T) {
		h := h.in(t)
		p := h.open()
		start := time.Now()
		h.post(p.ID(), "4"+strings.Repeat("x", limit)).want(t, 413, "")
		r := h.get(p.ID())
		if d := time.Since(start); d < engineio.SeenTimeout {
			t.Errorf("the GET was answered %v behind the 413: %d %q", d, r.status, r.body)
		}
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	t.Run("a flood of noops costs little", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		start := time.Now()
		h.post(p.ID(), strings.Repeat("6\x1e", 499_999)+"6").want(t, 200, "ok")
		if d := time.Since(start); d > 30*time.Second { // under the race detector, on a busy machine
			t.Errorf("half a million noops took %v", d)
		}
		p.alive()
	})
}

// head begins a POST by hand.
func (h *host) head(sid string, lines ...string) string {
	return "POST /engine.io/?" + polling + "&sid=" + sid + " HTTP/1.1\r\nHost: " + h.addr +
		"\r\nContent-Type: text/plain;charset=UTF-8\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// TestPollingOversize has clients that send more than maxPayload and read the
// answer only when all is written, as many do.
func TestPollingOversize(t *testing.T) {
	for _, size := range []int{1_000_001, 4_000_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h := newHost(t, nil)
			p := h.open()
			body := "4" + strings.Repeat("x", size-1)
			_, res := h.raw(h.head(p.ID(), fmt.Sprintf("Content-Length: %d", size)) + body)
			b, err := io.ReadAll(res.Body)
			if res.StatusCode != 413 || len(b) != 0 || err != nil {
				t.Errorf("%s %q %v", res.Status, b, err)
			}
			p.ends("transport error")
			p.silent()
		})
		t.Run(fmt.Sprintf("%d chunked", size), func(t *testing.T) {
			h := newHost(t, nil)
			p := h.open()
			body := "4" + strings.Repeat("x", size-1)
			_, res := h.raw(h.head(p.ID(), "Transfer-Encoding: chunked") +
				fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, body))
			b, err := io.ReadAll(res.Body)
			if res.StatusCode != 413 || len(b) != 0 || err != nil {
				t.Errorf("%s %q %v", res.Status, b, err)
			}
			p.silent()
		})
	}
	t.Run("endless", func(t *testing.T) {
		const limit = 1000
		h := newHost(t, &engineio.Options{MaxPayload: limit})
		p := h.open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		status := make(chan string, 1)
		go func() {
			b := make([]byte, len("HTTP/1.1 413"))
			io.ReadFull(conn, b)
			status <- string(b)
			io.Copy(io.Discard, conn)
		}()
		io.WriteString(conn, h.head(p.ID(), "Transfer-Encoding: chunked"))
		chunk := "2000\r\n" + strings.Repeat("4", 0x2000) + "\r\n"
		sent := 0
		for err == nil && sent < 256<<20 {
			var n int
			n, err = io.WriteString(conn, chunk)
			sent += n
		}
		if err == nil || isTimeout(err) {
			t.Errorf("the server still takes the body after %d bytes (%v)", sent, err)
		}
		if s := timetest.Receive(t, status, patience, "the response"); s != "HTTP/1.1 413" {
			t.Errorf("response %q", s)
		}
		p.silent()
	})
}

func TestPollingAbort(t *testing.T) {
	t.Run("body cut short", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, h.head(p.ID(), "Content-Length: 100")+"4a\x1e4b\x1e")
		conn.(*net.TCPConn).CloseWrite()
		b, _ := io.ReadAll(conn)
		if !bytes.HasPrefix(b, []byte("HTTP/1.1 400 ")) {
			t.Errorf("response %.100q", b)
		}
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	t.Run("aborted POST ends the session", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, h.head(p.ID(), "Content-Length: 100")+"4a")
		conn.Close()
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	t.Run("aborted GET ends the session", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: %s\r\n\r\n", polling, p.ID(), h.addr)
		conn.Close()
		p.ends("transport error")
		h.gone(p.ID())
	})
}

// TestPollingResponse has how queued packets are put into responses.
func TestPollingResponse(t *testing.T) {
	t.Run("several packets in one response", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		p.send("a", "", "h\u00e9")
		if err := p.Send(engineio.NewBinaryMessage([]byte{1, 2, 3, 4}), engineio.NewMessage([]byte("z"))); err != nil {
			t.Fatal(err)
		}
		r := h.get(p.ID())
		r.want(t, 200, "4a\x1e4\x1e4h\u00e9\x1ebAQIDBA==\x1e4z")
		for k, want := range map[string]string{
			"Content-Type":  "text/plain; charset=UTF-8",
			"Cache-Control": "no-store",
		} {
			if got := r.header.Get(k); got != want {
				t.Errorf("%s: %q, want %q", k, got, want)
			}
		}
	})
	t.Run("a response keeps within maxPayload", func(t *testing.T) {
		const limit = 100
		b := func(n int) *engineio.Message { return engineio.NewBinaryMessage(make([]byte, n)) }
		s := func(n int) *engineio.Message { return engineio.NewMessage(bytes.Repeat([]byte("x"), n)) }
		tests := []struct {
			name  string
			queue []*engineio.Message
			sizes []int // of the responses
		}{
			{"two that just fit", []*engineio.Message{s(49), s(48)}, []int{50 + 1 + 49}},
			{"two that just do not", []*engineio.Message{s(49), s(49)}, []int{50, 50}},
			{"one that just fits", []*engineio.Message{s(99)}, []int{100}},
			{"one larger goes alone", []*engineio.Message{s(1), s(500), s(2)}, []int{2, 501, 3}},
			{"one larger at first", []*engineio.Message{s(100), s(1), s(2)}, []int{101, 2 + 1 + 3}},
			{"two larger", []*engineio.Message{s(200), s(300)}, []int{201, 301}},
			{"base64 counts as it is sent", []*engineio.Message{b(36), b(36)}, []int{49 + 1 + 49}},
			{"base64 that just does not fit", []*engineio.Message{b(36), b(37)}, []int{49, 53}},
			{"full, full, rest", []*engineio.Message{s(98), s(49), s(48), s(0)}, []int{99, 100, 1}},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				h := newHost(t, &engineio.Options{MaxPayload: limit})
				p := h.open()
				if err := p.Send(test.queue[0], test.queue[1:]...); err != nil {
					t.Fatal(err)
				}
				for i, want := range test.sizes {
					if r := h.get(p.ID()); r.status != 200 || len(r.body) != want {
						t.Fatalf("response %d: %d, %d bytes, want %d", i, r.status, len(r.body), want)
					}
				}
				p.send("last")
				h.get(p.ID()).want(t, 200, "4last") // nothing was left over
			})
		}
	})
	t.Run("no more packets than any client takes", func(t *testing.T) {
		for _, test := range []struct{ most, first int }{{0, 16}, {1, 1}, {40, 20}} {
			h := newHost(t, &engineio.Options{PollPackets: test.most})
			p := h.open()
			for range 20 {
				p.send("x")
			}
			got := 0
			for n := test.first; got < 20; n = min(n, 20-got) {
				h.get(p.ID()).want(t, 200, "4x"+strings.Repeat("\x1e4x", n-1))
				got += n
			}
		}
	})
	t.Run("any number to a browser", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		for range 100 {
			p.send("x")
		}
		h.do("GET", polling+"&sid="+p.ID(), "", "Sec-Fetch-Mode: cors").want(t, 200, "4x"+strings.Repeat("\x1e4x", 99))
	})
	t.Run("nothing is lost", func(t *testing.T) {
		const limit, n = 300, 3000
		h := newHost(t, &engineio.Options{MaxPayload: limit, QueuePackets: n, QueueBytes: 64 << 20})
		p := h.open()
		for i := range n {
			p.send(fmt.Sprintf("%d %s", i, strings.Repeat("x", (i*i)%400)))
		}
		got := 0
		for got < n {
			r := h.get(p.ID())
			if r.status != http.StatusOK {
				t.Fatalf("%d %q after %d packets", r.status, r.body, got)
			}
			packets := strings.Split(r.body, "\x1e")
			if len(r.body) > limit && len(packets) > 1 {
				t.Fatalf("%d packets in %d bytes", len(packets), len(r.body))
			}
			for _, pk := range packets {
				if want := fmt.Sprintf("4%d %s", got, strings.Repeat("x", (got*got)%400)); pk != want {
					t.Fatalf("packet %d is %.20q", got, pk)
				}
				got++
			}
		}
	})
}
