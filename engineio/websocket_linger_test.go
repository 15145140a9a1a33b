package engineio

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// endless is a connection that takes no deadline.
type endless struct{ net.Conn }

func (endless) SetReadDeadline(time.Time) error { return errors.New("too many open files") }

// TestLingerWithoutDeadline has a connection whose peer never answers the close
// frame, and which no deadline can be set for.
func TestLingerWithoutDeadline(t *testing.T) {
	srv, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer far.Close()
	w := &wsConn{srv: srv, conn: endless{near}}
	w.linger(w.conn.SetReadDeadline)
	_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := far.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection stays: %v", err)
	}
}
