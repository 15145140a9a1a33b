//go:build !race

// Shared with the test of allocations, which is not for the race detector.

package socketio_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/socketio"
)

func BenchmarkHotPaths(b *testing.B) { hotPaths(b, nil).Bench(b) }

// hotPaths are held to their allocations by TestAllocationsPerPacket.
func hotPaths(t testing.TB, watch []*socketio.Observer) alloctest.HotPaths {
	return append(socketPaths(t, watch), roomPaths(t, watch)...)
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// A tap is a namespace that hands its events to a function.
type tap struct {
	sink
	on func(*socketio.Socket, *socketio.Event)
}

func (n *tap) Event(s *socketio.Socket, e *socketio.Event) { n.on(s, e) }

// answering connects a client that answers every event, one at a time, and
// tells how many bytes it has read of acks. Neither allocates.
func answering(t testing.TB, h *host, nsp *tap) (_ *socketio.Socket, acks <-chan int) {
	c, err := h.tryWS()
	must(t, err)
	must(t, c.trySend("40"))
	_, _, err = c.tryRead()
	must(t, err)
	must(t, c.conn.SetDeadline(time.Time{}))
	read, joined := make(chan int), make(chan struct{})
	go func() { // ends with the connection
		defer close(joined)
		buf, answer := make([]byte, 4<<10), make([]byte, 0, 64)
		for {
			n, err := c.conn.Read(buf)
			if err != nil {
				return
			}
			payload := buf[2:n] // one short frame, since there is never a second one under way
			if payload[1] == '3' {
				read <- n
				continue
			}
			id, _, _ := bytes.Cut(payload[2:], []byte("["))
			answer = append(answer[:0], 0x81, 0x80|byte(2+len(id)+2), 0, 0, 0, 0, '4', '3')
			answer = append(append(answer, id...), "[]"...)
			if _, err := c.conn.Write(answer); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.conn.Close()
		<-joined
	})
	return <-nsp.sockets, read
}

// socketPaths take packets through the sockets of a server, over TCP on the
// way out. Their clients allocate nothing.
func socketPaths(t testing.TB, watch []*socketio.Observer) alloctest.HotPaths {
	const n = 100
	opts := &socketio.Options{Engine: quiet, Observers: watch}
	nsp, s, sockets := discarding(t, opts, n)
	event := []byte(`2["message",{"id":1,"text":"hello"}]`)
	var arg any = &benchStruct{1, "hello"}
	binary := bytes.Repeat([]byte{1, 2, 3, 4}, 256)
	for _, s := range sockets {
		must(t, s.Join("room"))
	}

	answers := &tap{sink: sink{sockets: make(chan *socketio.Socket, 1)}}
	answers.on = func(s *socketio.Socket, e *socketio.Event) { must(t, s.Ack(e, arg)) }
	h := newHost(t, opts)
	h.Of("/", answers)
	asked, acks := answering(t, h, answers)
	question := []byte(`21["message",{"id":1,"text":"hello"}]`)

	return alloctest.HotPaths{
		{"dispatch", func() {
			s.left = 1
			sockets[0].Receive(event)
			<-s.done
		}},
		{"dispatch/with an ack", func() {
			asked.Receive(question)
			<-acks
		}},
		{"emit", func() { must(t, sockets[0].Emit("message", arg)) }},
		{"emit/volatile", func() { must(t, sockets[0].Volatile().Emit("message", arg)) }},
		{"emit/binary", func() { must(t, sockets[0].Emit("message", binary)) }},
		{"emit/with an ack", func() {
			_, err := asked.EmitWithAck(context.Background(), "message", arg)
			must(t, err)
		}},
		{"broadcast/to all 100", func() { must(t, nsp.All().Emit("message", arg)) }},
		{"broadcast/to a room of 100", func() { must(t, nsp.All().To("room").Emit("message", arg)) }},
		{"broadcast/to a room but the sender", func() { must(t, sockets[0].To("room").Emit("message", arg)) }},
	}
}

// roomPaths work on one of 100,000 rooms.
func roomPaths(t testing.TB, watch []*socketio.Observer) alloctest.HotPaths {
	const rooms, holders = 100_000, 100
	nsp, _, sockets := discarding(t, &socketio.Options{Engine: quiet, Observers: watch}, holders+1)
	names := make([]string, rooms/holders)
	for i, s := range sockets[:holders] {
		for j := range names {
			names[j] = fmt.Sprintf("room %d", i*len(names)+j)
		}
		must(t, s.Join(names...))
	}
	s := sockets[holders]
	var arg any = &benchStruct{1, "hello"}
	return alloctest.HotPaths{
		{"rooms/join one and leave it", func() {
			must(t, s.Join("room 50000"))
			s.Leave("room 50000")
		}},
		{"rooms/make one and give it up", func() {
			must(t, s.Join("mine"))
			s.Leave("mine")
		}},
		{"rooms/emit to one", func() { must(t, nsp.All().To("room 50000").Emit("message", arg)) }},
	}
}
