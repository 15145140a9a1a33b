// Package freeport has ports for servers of tests.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports are taken from below those that systems give to connections: one of these may be
// a connection's own before a server listens, or while a server that was killed is to
// come back.
const (
	first = 12_000
	last  = 32_000
)

var (
	mu    sync.Mutex                     // protects the following
	given = make(map[int]net.PacketConn) // with what keeps other processes from them
)

// Addr returns an address on this machine that nobody listens on. A process gets
// each once.
func Addr(t testing.TB) string {
	t.Helper()
	addr, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// Find is Addr for programs that measure.
func Find() (string, error) {
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := first + rand.IntN(last-first)
		if given[port] != nil {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		// Tests of other processes pass over a port while its server has yet to start, or
		// was killed: this process has the one of UDP as long as it lives.
		guard, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			_ = guard.Close()
			continue
		}
		_ = l.Close() // nobody has connected
		given[port] = guard
		return addr, nil
	}
	return "", errors.New("no port is free")
}
