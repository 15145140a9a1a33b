package engineio

import (
	"bytes"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/internal/websocket"
)

// A countingConn counts the writes that don't block.
type countingConn struct {
	syscall.RawConn
	writes atomic.Int32
}

func (c *countingConn) Write(f func(uintptr) bool) error {
	c.writes.Add(1)
	return c.RawConn.Write(f)
}

// TestAnswersTogether counts the writes that answer what has come together.
func TestAnswersTogether(t *testing.T) {
	srv, err := New(&Options{MaxPacketRate: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw := &countingConn{RawConn: rawConn(conn)}
	if raw.RawConn == nil {
		t.Skip("every write may block here")
	}
	sess := &Session{srv: srv, id: "12345678901234567890"}
	sess.handler = refusing{sess}
	w := &wsConn{srv: srv, sess: sess, conn: conn, raw: raw, in: websocket.Reader{Limit: 1 << 20}}
	sess.ws = w
	ping := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewPingFrame([]byte("x")), [4]byte{1, 2, 3, 4}))
	connect := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame([]byte("40/nowhere,")), [4]byte{1, 2, 3, 4}))
	for _, frame := range [][]byte{ping, connect, append(ping, connect...)} {
		raw.writes.Store(0)
		const n = 960
		w.take(bytes.Repeat(frame, n))
		if got := raw.writes.Load(); got < 1 || got > 2*n/turnPackets+1 {
			t.Errorf("%d writes to answer %d packets", got, n)
		}
	}
	sess.mu.Lock()
	defer sess.mu.Unlock()
	if sess.writing != writerNone || sess.out.len() > 0 {
		t.Errorf("%d answers have not been written", sess.out.len())
	}
}

// refusing answers each message.
type refusing struct{ sess *Session }

func (r refusing) Message([]byte, bool) { _ = r.sess.Answer(NewMessage([]byte("4/nowhere,{}"))) }
func (refusing) Close(Reason)           {}
