// Package sid makes the ids of sessions and sockets.
package sid

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
)

// Len is the length of an id.
const Len = 20

// entropy is random bytes for the ids to come: one system call for many.
var entropy struct {
	mu   sync.Mutex
	buf  [64 * size]byte
	left []byte
}

const size = 15 // bytes

// New returns an id that can't be guessed: 15 random bytes as base64url, as the
// reference server makes them.
func New() string {
	var id [size]byte
	e := &entropy
	e.mu.Lock()
	if len(e.left) == 0 {
		rand.Read(e.buf[:]) // never fails
		e.left = e.buf[:]
	}
	copy(id[:], e.left)
	clear(e.left[:size]) // nobody else has it
	e.left = e.left[size:]
	e.mu.Unlock()
	return base64.RawURLEncoding.EncodeToString(id[:])
}
