package tunnel

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

// TestConn has the tests of all connections run on streams, from both ends.
func TestConn(t *testing.T) {
	for _, dialer := range []string{"first", "second"} {
		t.Run(fmt.Sprint("the dialer is the ", dialer), func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				w := newWire(t, "a", "b")
				c1, c2 = w.pipe(t, w.muxes["b"].Listen(), "a", "b")
				if dialer == "second" {
					c1, c2 = c2, c1
				}
				return c1, c2, func() { c1.Close(); c2.Close() }, nil
			})
		})
	}
}
