package brokertest_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/siokit/sio/brokertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newEcho returns the address of a server that sends back each line.
func newEcho(t *testing.T) string {
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
			go func() { // until the connection is closed
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestProxy(t *testing.T) {
	p := brokertest.NewProxy(t, newEcho(t))
	dial := func() (net.Conn, *bufio.Reader) {
		t.Helper()
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(30 * time.Second))
		return c, bufio.NewReader(c)
	}
	says := func(c net.Conn, r *bufio.Reader, text string) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if got, err := r.ReadString('\n'); got != text {
			t.Fatalf("%q %v, want %q", got, err, text)
		}
	}
	c, r := dial()
	says(c, r, "one\n")

	p.Freeze()
	if _, err := io.WriteString(c, "two\n"); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // nothing tells that nothing comes
	var timeout net.Error
	if line, err := r.ReadString('\n'); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%q %v while it is frozen", line, err)
	}
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	p.Thaw()
	if line, err := r.ReadString('\n'); line != "two\n" {
		t.Errorf("%q %v, want what was held back", line, err)
	}
	says(c, r, "three\n")

	p.Freeze()
	p.Cut() // ends what is frozen, too
	if line, err := r.ReadString('\n'); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%q %v, want the connection to end", line, err)
	}
	other, or := dial()
	if line, err := or.ReadString('\n'); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%q %v, want a new connection to end", line, err)
	}
	other.Close()
	p.Thaw()
	p.Heal()
	c, r = dial()
	says(c, r, "four\n")
}
