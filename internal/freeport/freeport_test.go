package freeport

import (
	"net"
	"testing"
)

// TestAddr listens on all that it gets.
func TestAddr(t *testing.T) {
	for range 100 {
		l, err := net.Listen("tcp", Addr(t))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}
