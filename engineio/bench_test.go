//go:build !race

// Shared with the test of allocations, which is not for the race detector.

package engineio

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/websocket"
)

// A hotPath is an operation to be measured; TestAllocations holds it to a
// number of allocations.
type hotPath struct {
	name  string
	bytes int // that one run gets through; 0 if that makes no sense
	run   func()
}

func BenchmarkHotPaths(b *testing.B) {
	for _, p := range hotPaths(b, nil) {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			if p.bytes > 0 {
				b.SetBytes(int64(p.bytes))
			}
			for b.Loop() {
				p.run()
			}
		})
	}
}

func hotPaths(t testing.TB, watch []*Observer) []hotPath {
	return append(append(codecPaths(t), framePaths(t)...), sessionPaths(t, watch)...)
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

func codecPaths(t testing.TB) []hotPath {
	event := []byte(`2["message",{"id":1,"text":"hello"}]`)
	binary := bytes.Repeat([]byte{1, 2, 3, 4}, 256)
	base64 := NewBinaryMessage(binary).packet()
	packet := NewMessage(event)
	ten := bytes.Join([][]byte{packet.packet(), packet.packet(), packet.packet(), packet.packet(), packet.packet(),
		packet.packet(), packet.packet(), packet.packet(), packet.packet(), packet.packet()}, []byte{parser.Separator})
	var out outbox
	buf := make([]byte, batchSize)
	fill := func() {
		for range 10 {
			out.push(packet)
		}
	}
	return []hotPath{
		{"packet/encode", len(event), func() { NewMessage(event) }},
		{"packet/encode binary", len(binary), func() { NewBinaryMessage(binary) }},
		{"packet/encode as base64", len(binary), func() { NewBinaryMessage(binary).packet() }},
		{"packet/decode", len(event), func() {
			_, err := parser.Decode(packet.packet(), false)
			must(t, err)
		}},
		{"packet/decode base64", len(binary), func() {
			_, err := parser.Decode(base64, false)
			must(t, err)
		}},
		{"payload/decode 10", len(ten), func() {
			for _, err := range parser.Packets(ten) {
				must(t, err)
			}
		}},
		{"payload/encode 10", len(ten), func() {
			fill()
			if p := out.payload(1<<20, 16); len(p) != len(ten) {
				t.Fatalf("payload of %d bytes, want %d", len(p), len(ten))
			}
		}},
		{"outbox/batch 10", 10 * packet.Size(), func() {
			fill()
			n := len(out.batch(buf))
			if n != 10*packet.Size() {
				t.Fatalf("batch of %d bytes, want %d", n, 10*packet.Size())
			}
			out.consume(n)
		}},
	}
}

// framePaths feeds messages as a client sends them, the number and size given,
// in pieces as they are read.
func framePaths(t testing.TB) (paths []hotPath) {
	for _, tt := range []struct {
		name                  string
		messages, size, piece int
	}{
		{"frames/one of 40 B", 1, 40, 512},
		{"frames/16 of 40 B", 16, 40, 32 << 10},
		{"frames/one of 4 kB, two pieces", 1, 4 << 10, 4 << 10},
		{"frames/one of 256 kB", 1, 256 << 10, 32 << 10},
	} {
		text := append([]byte{byte(parser.TypeMessage)}, bytes.Repeat([]byte{'x'}, tt.size-1)...)
		frame := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame(text), [4]byte{0x37, 0xfa, 0x21, 0x3d}))
		stream := bytes.Repeat(frame, tt.messages)
		piece := make([]byte, tt.piece)
		in := websocket.Reader{Limit: 1 << 20}
		var got counter
		paths = append(paths, hotPath{tt.name, len(stream), func() {
			got = counter{}
			for rest := stream; len(rest) > 0; {
				n := copy(piece, rest) // it will be unmasked in place
				rest = rest[n:]
				_, err := in.Feed(piece[:n], &got)
				must(t, err)
			}
			if got != (counter{tt.messages, tt.messages * tt.size}) {
				t.Fatalf("%+v, want %d messages of %d bytes", got, tt.messages, tt.size)
			}
		}})
	}
	return paths
}

// quiet is a server without a ping for as long as a test takes.
func quiet(t testing.TB, watch []*Observer) *Server {
	srv, err := New(&Options{PingInterval: time.Hour, Observers: watch}, func(*Session) Handler { return deaf{} })
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is worth waiting for
		_ = srv.Shutdown(ctx)
	})
	return srv
}

type deaf struct{}

func (deaf) Message([]byte, bool) {}
func (deaf) Close(Reason)         {}

// sessionPaths calls the server as net/http does, which is not measured: with
// a writer and a connection in memory that are there already.
func sessionPaths(t testing.TB, watch []*Observer) []hotPath {
	srv, sockets := quiet(t, watch), quiet(t, watch)
	handshake := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling", nil)
	w := newMemoryWriter()
	poll := func() string {
		w.reset()
		srv.ServeHTTP(w, handshake)
		return w.body.String()[len(`0{"sid":"`):][:20]
	}
	sid := poll()
	get := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling&sid="+sid, nil)
	post := httptest.NewRequest("POST", "/engine.io/?EIO=4&transport=polling&sid="+sid, nil)
	post.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	body := strings.NewReader("")
	post.Body = io.NopCloser(body)
	const text = `42["message",{"id":1,"text":"hello"}]`
	post.ContentLength = int64(len(text))
	answer := NewMessage([]byte(text[1:]))

	open := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=websocket", nil)
	for _, h := range []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="} {
		name, value, _ := strings.Cut(h, ": ")
		open.Header.Set(name, value)
	}
	return []hotPath{
		{"handshake/polling", 0, func() {
			id := poll()
			srv.sessions.get(id).end(ReasonTransportClose, nil)
		}},
		{"handshake/websocket", 0, func() {
			w.reset()
			sockets.ServeHTTP(w, open)
			w.conn.hangup <- struct{}{}
			sockets.wg.Wait() // for the end of the session, and of its reader
			if !bytes.HasPrefix(w.conn.written, []byte("HTTP/1.1 101 ")) {
				t.Fatalf("answer %.40q", w.conn.written)
			}
		}},
		{"polling/post", 0, func() {
			w.reset()
			body.Reset(text)
			srv.ServeHTTP(w, post)
			if w.body.String() != "ok" {
				t.Fatalf("answer to a POST: %.40q", w.body.String())
			}
		}},
		{"polling/get", 0, func() {
			w.reset()
			must(t, srv.sessions.get(sid).Send(answer))
			srv.ServeHTTP(w, get)
			if w.body.String() != text {
				t.Fatalf("answer to a GET: %.40q", w.body.String())
			}
		}},
	}
}

// A memoryWriter is an http.ResponseWriter and its connection. It is used over
// and over, so that what it allocates is not counted.
type memoryWriter struct {
	header http.Header
	body   bytes.Buffer
	conn   *memoryConn
	rw     *bufio.ReadWriter
}

func newMemoryWriter() *memoryWriter {
	c := &memoryConn{hangup: make(chan struct{})}
	return &memoryWriter{header: make(http.Header), conn: c, rw: bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))}
}

func (w *memoryWriter) reset() {
	clear(w.header)
	w.body.Reset()
	w.conn.written = w.conn.written[:0]
}

func (w *memoryWriter) Header() http.Header                          { return w.header }
func (w *memoryWriter) Write(p []byte) (int, error)                  { return w.body.Write(p) }
func (w *memoryWriter) WriteHeader(int)                              {}
func (w *memoryWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, w.rw, nil }

// A memoryConn has nothing to read until its peer hangs up.
type memoryConn struct {
	written []byte
	hangup  chan struct{}
}

func (c *memoryConn) Read([]byte) (int, error) {
	<-c.hangup
	return 0, io.EOF
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.written = append(c.written, p...)
	return len(p), nil
}

func (c *memoryConn) Close() error                     { return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return pipe{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return pipe{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

type pipe struct{}

func (pipe) Network() string { return "memory" }
func (pipe) String() string  { return "memory" }
