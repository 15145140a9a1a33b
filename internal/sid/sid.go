// Package sid makes the ids of sessions and sockets.
package sid

import (
	"crypto/rand"
	"encoding/base64"
)

// Len is the length of an id.
const Len = 20

// New returns an unguessable id: 15 random bytes as base64url, as the
// reference server makes them.
func New() string {
	var b [15]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
