//go:build !race

// Shared with the test of allocations, which is not for the race detector.

package sio_test

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

	"github.com/siokit/sio"
)

// A hotPath is an operation to be measured; TestAllocations holds it to a
// number of allocations.
type hotPath struct {
	name   string
	events int // that one run handles; 0: one, and TestAllocations sees to it
	run    func()
}

func BenchmarkHotPaths(b *testing.B) {
	for _, p := range hotPaths(b, nil) {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.run()
			}
			if p.events > 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*p.events), "ns/event")
			}
		})
	}
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

type benchMessage struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

type benchReceipt struct {
	Status string `json:"status"`
}

var (
	benchUser  = sio.NewKey[string]("user")
	benchEvent = sio.NewEvent[benchMessage]("message")
)

// hotPaths send events over TCP, as clients do, and wait for what comes of
// them. On the client's side that allocates nothing.
// They are watched by the observers, if there are some.
func hotPaths(t testing.TB, watch []*sio.Observer) []hotPath {
	handled := make(chan struct{}, 1)
	left := 1
	count := func() {
		if left--; left == 0 {
			handled <- struct{}{}
		}
	}
	srv := sio.New(&sio.Options{PingInterval: time.Hour, MaxPacketRate: -1, Observers: watch})
	srv.OnConnect(func(c *sio.Context) error {
		benchUser.Set(c, "alice")
		return c.Join("room")
	})
	srv.On("raw", func(*sio.Context) error {
		count()
		return nil
	})
	sio.On(srv, "typed", func(_ *sio.Context, m benchMessage) error {
		count()
		return nil
	})
	ack := func(_ *sio.Context, m benchMessage) (benchReceipt, error) { return benchReceipt{"ok"}, nil }
	sio.OnWithAck(srv, "ack", ack)
	srv.Group(func(r sio.Router) {
		through := func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error { return next(c) }
		}
		known := func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error {
				if benchUser.MustGet(c) != "alice" {
					return sio.ErrClosed
				}
				return next(c)
			}
		}
		r.Use(sio.Recover(), through, known)
		sio.OnWithAck(r, "middlewares", ack)
	})
	sio.On(srv, "forward", func(c *sio.Context, m benchMessage) error { return benchEvent.Emit(c.To("room"), m) })

	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, srv.Shutdown(ctx))
	})
	client := dialRaw(t, web.URL)
	other := dialRaw(t, web.URL)

	send := func(packet string, burst int) func() {
		frames := bytes.Repeat(clientFrame(packet), burst)
		return func() {
			left = burst
			client.write(frames)
		}
	}
	event := func(name string, burst int) func() {
		send := send(`42["`+name+`",{"id":1,"text":"hello"}]`, burst)
		return func() {
			send()
			<-handled
		}
	}
	answered := func(name string) func() {
		send := send(`421["`+name+`",{"id":1,"text":"hello"}]`, 1)
		return func() {
			send()
			<-client.read
		}
	}
	forward := send(`42["forward",{"id":1,"text":"hello"}]`, 1)
	return []hotPath{
		{"raw", 0, event("raw", 1)},
		{"typed", 0, event("typed", 1)},
		{"ack", 0, answered("ack")},
		{"ack behind three middlewares", 0, answered("middlewares")},
		{"forward to a room of two", 0, func() {
			forward()
			<-other.read
		}},
		{"raw, 100 at once", 100, event("raw", 100)},
		{"typed, 100 at once", 100, event("typed", 100)},
	}
}

// A rawClient writes frames as they are, and tells how many bytes it has read.
type rawClient struct {
	write func([]byte)
	read  <-chan int
}

func dialRaw(t testing.TB, url string) rawClient {
	t.Helper()
	addr := strings.TrimPrefix(url, "http://")
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	write := func(b []byte) {
		_, err := conn.Write(b)
		must(t, err)
	}
	write([]byte("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"))
	write(clientFrame("40"))
	br := bufio.NewReader(conn)
	_, err = http.ReadResponse(br, nil)
	must(t, err)
	for _, want := range []string{`0{"sid":`, `40{"sid":`} {
		h, err := ws.ReadHeader(br)
		must(t, err)
		payload := make([]byte, h.Length)
		_, err = io.ReadFull(br, payload)
		must(t, err)
		if !strings.HasPrefix(string(payload), want) {
			t.Fatalf("packet %q, want %s…", payload, want)
		}
	}
	read, joined := make(chan int), make(chan struct{})
	go func() { // ends with the connection
		defer close(joined)
		buf := make([]byte, 4<<10)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			read <- n
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-joined
	})
	return rawClient{write, read}
}

func clientFrame(packet string) []byte {
	return ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame([]byte(packet)), [4]byte{1, 2, 3, 4}))
}
