package engineio

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/internal/websocket"
)

// FuzzDeflate has any message compressed, at any level: it comes back, and is
// smaller or the same.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("hello"), 1, true)
	f.Add(bytes.Repeat([]byte("hello"), 1000), 9, true)
	f.Add([]byte{}, 6, false)
	f.Add(bytes.Repeat([]byte{1, 2, 3}, 30_000), 2, false)
	f.Fuzz(func(t *testing.T, data []byte, level int, binary bool) {
		if level < 1 || level > 9 {
			return
		}
		m := NewMessage(data)
		if binary {
			m = NewBinaryMessage(data)
		}
		before := bytes.Clone(m.frame)
		c := m.deflate(level)
		if !bytes.Equal(m.frame, before) {
			t.Fatal("the message has changed")
		}
		if c == m {
			return
		}
		if c.Size() >= m.Size() || c.frame[0] != m.frame[0]|websocket.Compressed {
			t.Fatalf("%d bytes became %d, first byte %#x", m.Size(), c.Size(), c.frame[0])
		}
		r := &transcript{}
		want := &transcript{}
		for _, x := range []struct {
			*transcript
			m *Message
		}{{r, c}, {want, m}} {
			// What a client would send: masked, with a mask that changes nothing.
			f := slices.Insert(bytes.Clone(x.m.frame), int(x.m.body), 0, 0, 0, 0)
			f[1] |= 0x80
			in := websocket.Reader{Limit: int32(m.Size()), Deflate: true}
			_, err := in.Feed(f, x)
			if err != nil && c.frame[0]&0x0f == byte(ws.OpBinary) {
				t.Fatal(err)
			}
		}
		if strings.Join(r.events, "\n") != strings.Join(want.events, "\n") {
			t.Fatalf("%.100q became %.100q", want.events, r.events)
		}
	})
}

// A counter is a websocket.Sink that counts.
type counter struct{ messages, bytes int }

func (c *counter) OnMessage(data []byte, _ bool) error {
	c.messages++
	c.bytes += len(data)
	return nil
}

func (*counter) OnPing([]byte) error         { return nil }
func (*counter) OnClose(ws.StatusCode) error { return nil }
func (*counter) Stopped() bool               { return false }

// A transcript is a websocket.Sink that writes the messages down.
type transcript struct {
	counter
	events []string
}

func (r *transcript) OnMessage(data []byte, binary bool) error {
	r.events = append(r.events, fmt.Sprintf("message %t %q", binary, data))
	return nil
}

// TestDeflateEarly has the sender compress, and not whoever comes to write with
// the session's mu held; and nobody where it would be for nothing.
func TestDeflateEarly(t *testing.T) {
	srv, err := New(&Options{Compression: &Deflate{}, QueueBytes: 50_000, KeepSlow: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer far.Close()
	s := &Session{srv: srv, id: "01234567890123456789"}
	s.probe = &wsConn{srv: srv, sess: s, conn: near, probing: true, try: new(attempt)}
	send := func(size int) (compressed bool) {
		m := NewBinaryMessage(make([]byte, size))
		_ = s.Send(NewMessage([]byte("first")), m)
		return m.deflated.Load() != nil
	}
	if send(2000) {
		t.Error("compressed without being asked for")
	}
	s.out.deflate = srv.opts.Compression
	if send(1000) || !send(2000) {
		t.Error("the threshold does not count")
	}
	if send(50_000) {
		t.Error("compressed, but there is no room for it")
	}
	queued := NewBinaryMessage(make([]byte, 2000))
	s.out.push(queued)
	(&wsConn{srv: srv, sess: s}).takeOver() // it is not the one that probes, and so has no effect
	if queued.deflated.Load() == nil {
		t.Error("what was queued for polling has not been compressed")
	}
	s.probe.dropProbe(nil, UpgradeFailed)
	if send(2000) {
		t.Error("compressed, the WebSocket being gone")
	}
	s.state = stateClosed
	s.out.deflate = srv.opts.Compression
	if send(2000) {
		t.Error("compressed for a session that has ended")
	}
}
