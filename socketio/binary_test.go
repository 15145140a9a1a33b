package socketio_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// TestBinary echoes attachments. The handler answers with what it has bound.
func TestBinary(t *testing.T) {
	const p0, p1 = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`
	for _, tt := range []struct {
		name    string
		text    string
		in      []string
		want    string
		wantBin []string
	}{
		{"one", `451-1["e",` + p0 + `]`, []string{"one"}, `461-1[` + p0 + `]`, []string{"one"}},
		{"empty", `451-1["e",` + p0 + `]`, []string{""}, `461-1[` + p0 + `]`, []string{""}},
		{"any bytes", `451-1["e",` + p0 + `]`, []string{"\x00\xff4\x1e"}, `461-1[` + p0 + `]`, []string{"\x00\xff4\x1e"}},
		{"two", `452-1["e",` + p0 + `,` + p1 + `]`, []string{"one", "two"}, `462-1[` + p0 + `,` + p1 + `]`, []string{"one", "two"}},
		{"two the other way round", `452-1["e",` + p1 + `,` + p0 + `]`, []string{"one", "two"}, `462-1[` + p0 + `,` + p1 + `]`, []string{"two", "one"}},
		{"nested", `451-/chat,1["e",{"a":[1,{"b":` + p0 + `}]}]`, []string{"one"}, `461-/chat,1[{"a":[1,{"b":` + p0 + `}]}]`, []string{"one"}},
		{"one placeholder twice", `451-1["e",` + p0 + `,` + p0 + `]`, []string{"one"}, `462-1[` + p0 + `,` + p1 + `]`, []string{"one", "one"}},
		{"an attachment that no placeholder names", `452-1["e",` + p1 + `]`, []string{"one", "two"}, `461-1[` + p0 + `]`, []string{"two"}},
		{"no placeholder", `451-1["e","x"]`, []string{"one"}, `431["x"]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			h.of("/", nil)
			h.of("/chat", nil)
			c := h.ws()
			c.join("/")
			c.join("/chat")
			c.send(tt.text)
			c.binary(tt.in...)
			c.want(tt.want)
			c.wantBinary(tt.wantBin...)
			c.alive("/")

			p := h.poll()
			p.join("/")
			p.join("/chat")
			in, out := []string{tt.text}, []string{tt.want}
			for _, b := range tt.in {
				in = append(in, "b"+base64.StdEncoding.EncodeToString([]byte(b)))
			}
			for _, b := range tt.wantBin {
				out = append(out, "b"+base64.StdEncoding.EncodeToString([]byte(b)))
			}
			p.send(in...)
			p.get().want(t, 200, strings.Join(out, "\x1e"))
			p.send(in[0]) // each in a payload of its own
			for _, packet := range in[1:] {
				p.send(packet)
			}
			p.get().want(t, 200, strings.Join(out, "\x1e"))
		})
	}
}

// TestAttachmentsStayTogether emits from many goroutines, to one socket and to
// all. Between a text and its attachments comes nothing.
func TestAttachmentsStayTogether(t *testing.T) {
	const emitters, each = 8, 200
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			h := newHost(t, nil)
			root, chat := h.of("/", &nsp{quiet: true}), h.of("/chat", &nsp{quiet: true})
			var next func() (text string, binary bool)
			var id, chatID string
			if transport == "websocket" {
				c := h.ws()
				id, chatID = c.join("/"), c.join("/chat")
				c.alive("/")
				c.alive("/chat")
				next = func() (string, bool) {
					text, binary, err := c.tryRead()
					if err != nil {
						t.Fatal(err)
					}
					return text, binary
				}
			} else {
				p := h.poll()
				id, chatID = p.join("/"), p.join("/chat")
				p.alive("/")
				p.alive("/chat")
				var packets []string
				next = func() (string, bool) {
					if len(packets) == 0 {
						packets = strings.Split(p.get().body, "\x1e")
					}
					text := packets[0]
					packets = packets[1:]
					b64, binary := strings.CutPrefix(text, "b")
					if !binary {
						return text, false
					}
					b, err := base64.StdEncoding.DecodeString(b64)
					if err != nil {
						t.Fatal(err)
					}
					return string(b), true
				}
			}
			s, u := root.Socket(id), chat.Socket(chatID)
			var wg sync.WaitGroup
			for e := range emitters {
				wg.Go(func() {
					for i := range each {
						var err error
						args := []any{e, i}
						for k := range e % 4 {
							args = append(args, []byte(fmt.Sprint(e, i, k)))
						}
						switch i % 3 {
						case 0:
							err = s.Emit("n", args...)
						case 1:
							err = root.All().Emit("n", args...)
						case 2:
							err = u.Emit("n", args...)
						}
						if err != nil {
							t.Errorf("Emit: %v", err)
						}
					}
				})
			}
			seen := make([]int, emitters)
			for range emitters * each {
				text, binary := next()
				if binary {
					t.Fatalf("attachment %q comes without its text", text)
				}
				fields := strings.FieldsFunc(text[strings.Index(text, `["n",`):], func(r rune) bool { return r < '0' || r > '9' })
				e, _ := strconv.Atoi(fields[0])
				i, _ := strconv.Atoi(fields[1])
				if seen[e] != i {
					t.Fatalf("packet %q, want number %d of emitter %d", text, seen[e], e)
				}
				seen[e]++
				for k := range e % 4 {
					if b, binary := next(); !binary || b != fmt.Sprint(e, i, k) {
						t.Fatalf("%q (binary %t) behind %q", b, binary, text)
					}
				}
			}
			wg.Wait()
		})
	}
}

// TestVolatile has what is dropped when the transport can't take it now.
func TestVolatile(t *testing.T) {
	ok := func(t *testing.T, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
	}
	bubble(t, "websocket", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		c := h.ws()
		c.join("/")
		c.alive("/")
		s := root.socket()
		synctest.Wait()
		ok(t, s.Volatile().Emit("v", 1, []byte("x")))
		c.want(`451-["v",1,{"_placeholder":true,"num":0}]`)
		c.wantBinary("x")
		large := strings.Repeat("e", 40<<10) // a pipe takes nothing: less than 32 KB may be on its way
		ok(t, s.Emit(large))                 // which the client does not read
		synctest.Wait()
		ok(t, s.Volatile().Emit("dropped"), s.Volatile().Emit("dropped", []byte("x")),
			root.All().Volatile().Emit("dropped"), s.Emit("f"))
		c.want(`42["`+large+`"]`, `42["f"]`)
		synctest.Wait()
		ok(t, root.All().Volatile().Emit("v"))
		c.want(`42["v"]`)
		c.alive("/")
	})
	bubble(t, "polling", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		p := h.poll()
		p.join("/")
		synctest.Wait()
		s := root.socket()
		ok(t, s.Volatile().Emit("dropped"), s.Emit("e"), s.Volatile().Emit("dropped"))
		p.get().want(t, 200, `42["e"]`)
		got := make(chan reply, 1)
		go func() { got <- p.get() }()
		synctest.Wait()
		ok(t, s.Volatile().Emit("v"), s.Volatile().Emit("dropped"))
		(<-got).want(t, 200, `42["v"]`)
		ok(t, s.Volatile().Emit("dropped"), s.Emit("f"))
		p.get().want(t, 200, `42["f"]`)
	})
	bubble(t, "to others", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		a, b, idle := h.ws(), h.ws(), h.ws()
		a.join("/")
		b.join("/")
		idle.join("/")
		s := root.socket()
		root.socket().Join("room")
		stuck := root.socket()
		stuck.Join("room")
		large := strings.Repeat("u", 40<<10)
		ok(t, stuck.Emit(large))
		synctest.Wait()
		ok(t, s.Volatile().To("room").Emit("v", 1))
		b.want(`42["v",1]`)
		synctest.Wait()
		ok(t, s.Volatile().Broadcast().Emit("v", 2))
		b.want(`42["v",2]`)
		idle.want(`42["` + large + `"]`)
		a.alive("/")
		b.alive("/")
		idle.alive("/")
	})
}

// TestAttachmentLimits has packets that wait for attachments in vain.
func TestAttachmentLimits(t *testing.T) {
	const text = `452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	opts := &socketio.Options{Engine: quiet}
	t.Run("silence", func(t *testing.T) {
		for sent, want := range map[int]time.Duration{0: 45 * time.Second, 1: (40 + 45) * time.Second} {
			bubble(t, fmt.Sprint(sent, " attachments"), opts, func(t *testing.T, h *host) {
				root := h.of("/", nil)
				c := h.ws()
				c.join("/")
				start := time.Now()
				c.send(text)
				if sent == 1 {
					time.Sleep(40 * time.Second)
					c.binary("one")
				}
				c.closed()
				after(t, start, want)
				h.sessionEnds("forced close")
				root.wants("connect")
				root.leaves("forced close")
			})
		}
	})
	bubble(t, "silence over polling", opts, func(t *testing.T, h *host) {
		h.of("/", nil)
		p := h.poll()
		p.join("/")
		start := time.Now()
		p.send(text)
		p.get().want(t, 200, "1")
		after(t, start, 45*time.Second)
	})
	bubble(t, "each attachment has its time", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		c := h.ws()
		c.join("/")
		root.wants("connect")
		for range 3 {
			c.send(text)
			time.Sleep(44 * time.Second)
			c.binary("one")
			time.Sleep(44 * time.Second)
			c.binary("two")
			root.wants(`event e {"_placeholder":true,"num":0} {"_placeholder":true,"num":1}`)
			time.Sleep(100 * time.Hour) // nothing is waited for
		}
		c.alive("/")
	})
	bubble(t, "while we don't read there is no deadline", &socketio.Options{Engine: quiet, EventQueue: 1}, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		goOn := make(chan struct{})
		stuck := h.of("/stuck", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) { <-goOn }})
		c := h.ws()
		c.join("/")
		c.join("/stuck")
		root.wants("connect")
		c.send(`42/stuck,["e"]`, text)
		synctest.Wait()
		stuck.socket().Disconnect() // waits for its handler
		c.want("41/stuck,")
		time.Sleep(time.Minute)
		go func() {
			time.Sleep(29 * time.Second)
			close(goOn)
			time.Sleep(44 * time.Second)
			c.binary("one", "two")
		}()
		root.wants(`event e {"_placeholder":true,"num":0} {"_placeholder":true,"num":1}`)
		c.send(text)
		start := time.Now()
		c.closed()
		after(t, start, 45*time.Second)
	})
	bubble(t, "DISCONNECT does not end the wait", opts, func(t *testing.T, h *host) {
		h.of("/", nil)
		c := h.ws()
		c.join("/")
		c.send(text)
		c.binary("one")
		c.send("41")
		c.closed()
		h.sessionEnds("forced close")
	})
	bubble(t, "MaxAttachments", &socketio.Options{MaxAttachments: 1, Engine: engineio.Options{MaxPayload: 100}}, func(t *testing.T, h *host) {
		h.of("/", nil)
		c := h.ws()
		c.join("/")
		c.send(`451-1["e",{"_placeholder":true,"num":0}]`)
		c.binary(strings.Repeat("x", 100))
		c.want(`461-1[{"_placeholder":true,"num":0}]`)
		c.wantBinary(strings.Repeat("x", 100))
		c.send(text)
		c.closed()
	})
}
