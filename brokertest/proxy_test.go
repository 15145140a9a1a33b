package brokertest

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// TestProxy has what goes through a proxy, and what does not.
func TestProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // until the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // until the peer closes
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	p := NewProxy(t, l.Addr().String())
	dial := func() (net.Conn, *bufio.Reader) {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c, bufio.NewReader(c)
	}
	c, r := dial()
	echo := func() error {
		if _, err := io.WriteString(c, "hello\n"); err != nil {
			return err
		}
		_, err := r.ReadString('\n')
		return err
	}
	if err := echo(); err != nil {
		t.Fatalf("through the proxy: %v", err)
	}
	p.Freeze()
	_ = c.SetDeadline(time.Now().Add(short / 5))
	if err := echo(); err == nil {
		t.Error("it is not frozen")
	}
	p.Thaw()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := r.ReadString('\n'); err != nil { // what was sent meanwhile
		t.Errorf("after Thaw: %v", err)
	}
	if err := echo(); err != nil {
		t.Errorf("after Thaw: %v", err)
	}
	p.Cut()
	if _, err := r.ReadString('\n'); err == nil {
		t.Error("it is not cut")
	}
	if c, r = dial(); echo() == nil {
		t.Error("a new connection gets through")
	}
	p.Heal()
	if c, r = dial(); echo() != nil {
		t.Error("a new connection does not get through")
	}
}
