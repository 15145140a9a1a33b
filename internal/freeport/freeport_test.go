package freeport

import (
	"net"
	"testing"
)

// TestAddr listens on all that it gets: each is another one, and none is a connection's.
func TestAddr(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		addr := Addr(t)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close() // so that it might be given again
		if port := l.Addr().(*net.TCPAddr).Port; seen[addr] || port < first || port >= last {
			t.Fatalf("%s, after %d others", addr, len(seen))
		}
		seen[addr] = true
	}
}
