//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package socketio_test

import (
	"net/http/httptest"
	"testing"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

type benchStruct struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// A sink is a namespace that does nothing with its events but count them down.
type sink struct {
	sockets chan *socketio.Socket
	left    int
	done    chan struct{}
}

func (s *sink) Connect(sock *socketio.Socket) *socketio.Refusal {
	s.sockets <- sock
	return nil
}

func (s *sink) Event(*socketio.Socket, *socketio.Event) {
	if s.left--; s.left == 0 {
		s.done <- struct{}{}
	}
}

func (s *sink) Disconnecting(*socketio.Socket, socketio.Reason) {}
func (s *sink) Disconnect(*socketio.Socket, socketio.Reason)    {}

// discarding connects n clients over WebSocket, which read and throw away.
func discarding(b testing.TB, opts *socketio.Options, n int) (*socketio.Namespace, *sink, []*socketio.Socket) {
	h := newHost(b, opts)
	s := &sink{sockets: make(chan *socketio.Socket, n), done: make(chan struct{})}
	nsp := h.Of("/", s)
	sockets := make([]*socketio.Socket, n)
	for i := range sockets {
		c, err := h.tryWS()
		if err == nil {
			err = c.trySend("40")
		}
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err = c.tryRead(); err != nil {
			b.Fatal(err)
		}
		sockets[i] = <-s.sockets
		joined := make(chan struct{})
		go func() { // ends with the connection
			defer close(joined)
			buf := make([]byte, 64<<10)
			for {
				if _, err := c.conn.Read(buf); err != nil {
					return
				}
			}
		}()
		b.Cleanup(func() {
			c.conn.Close()
			<-joined
		})
	}
	return nsp, s, sockets
}

// BenchmarkDispatch takes a small event from its text to its handler. In a
// burst, as under load, the handler's goroutine is there already; a single
// event starts it and waits for it.
func BenchmarkDispatch(b *testing.B) {
	text := []byte(`2["message",{"id":1,"text":"hello"}]`)
	for _, bb := range []struct {
		name  string
		burst int
	}{{"burst", 100}, {"single", 1}} {
		b.Run(bb.name, func(b *testing.B) {
			_, s, sockets := discarding(b, &socketio.Options{Engine: quiet}, 1)
			b.ReportAllocs()
			for b.Loop() {
				s.left = bb.burst
				for range bb.burst {
					sockets[0].Receive(text)
				}
				<-s.done
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bb.burst), "ns/event")
		})
	}
}

// BenchmarkEmit sends a small struct to one socket: into the queue of a
// session whose client does not poll, and with the write to a WebSocket.
func BenchmarkEmit(b *testing.B) {
	b.Run("queue", func(b *testing.B) {
		const most = 1 << 10
		h := newHost(b, &socketio.Options{Engine: quiet})
		s := &sink{sockets: make(chan *socketio.Socket, 1)}
		h.Of("/", s)
		sid := h.do("GET", "", "").body[len(`0{"sid":"`):][:20]
		h.do("POST", "&sid="+sid, "40")
		poll := func() {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling&sid="+sid, nil))
		}
		poll()
		sock := <-s.sockets
		var arg any = &benchStruct{1, "hello"}
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			if err := sock.Emit("message", arg); err != nil {
				b.Fatal(err)
			}
			if n++; n%most == 0 {
				b.StopTimer()
				poll()
				b.StartTimer()
			}
		}
	})
	b.Run("websocket", func(b *testing.B) {
		_, _, sockets := discarding(b, &socketio.Options{Engine: quiet}, 1)
		v := benchStruct{1, "hello"}
		b.ReportAllocs()
		for b.Loop() {
			if err := sockets[0].Emit("message", v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkBroadcast sends a small struct to 1,000 WebSockets, writes and all.
func BenchmarkBroadcast(b *testing.B) {
	const n = 1000
	for _, room := range []string{"", "room"} {
		b.Run("to "+map[string]string{"": "all", "room": "room"}[room], func(b *testing.B) {
			opts := &socketio.Options{Engine: engineio.Options{PingInterval: quiet.PingInterval, KeepSlow: true}}
			nsp, _, sockets := discarding(b, opts, n)
			target := nsp.All()
			if room != "" {
				for _, s := range sockets {
					s.Join(room)
				}
				target = target.To(room)
			}
			v := benchStruct{1, "hello"}
			b.ReportAllocs()
			for b.Loop() {
				if err := target.Emit("message", v); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/recipient")
		})
	}
}
