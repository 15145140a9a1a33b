package engineio

import (
	"bytes"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gobwas/ws"
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
	w := &wsConn{srv: srv, sess: sess, conn: conn, raw: raw, in: frameReader{limit: 1 << 20}}
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

// TestMaxFragments grows with the limit of a message.
func TestMaxFragments(t *testing.T) {
	for _, tt := range []struct{ limit, size, fragments, want int }{
		{1 << 20, 64, 1 << 14, 1 << 14},
		{1 << 20, 0, 1 << 15, 1 << 14},
		{100 << 20, 4 << 10, 25_600, 25_600},
		{100 << 20, 0, 1 << 17, 100 << 10},
	} {
		in := frameReader{limit: int32(tt.limit)}
		more := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewFrame(ws.OpContinuation, false, make([]byte, tt.size)), [4]byte{}))
		first := bytes.Clone(more)
		first[0] = byte(ws.OpBinary)
		got := &recorder{}
		_, err := in.feed(first, got)
		n := 1
		for ; err == nil && n < tt.fragments; n++ {
			if _, err = in.feed(bytes.Clone(more), got); err != nil {
				break
			}
		}
		if n != tt.want {
			t.Errorf("MaxPayload %d, fragments of %d bytes: %d are taken, want %d (%v)", tt.limit, tt.size, n, tt.want, err)
		}
	}
}
