package cluster

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"
)

// The ids of sessions. An id is 15 bytes in base64url: 4 that tell which server has made it,
// and 11 random ones. The former are the server's number, masked with a keyed hash of the
// latter, so that they look random, too, to whoever does not have the key. They come first:
// logs show the first 8 characters of an id, and all of what they don't show is random.
//
// Who guesses has to find 88 random bits, and the number of a server that goes with them. Of a
// million sessions, one is found by trying 2^68 ids on average, with the key, and 2^100
// without.
const (
	numberLen = 4
	randomLen = 11
	sidLen    = 20 // characters
)

// sids makes ids of sessions, and reads those of others.
type sids struct {
	own  uint32    // the number of this server
	macs sync.Pool // of hash.Hash
}

// init sets the key, which is the same on all servers of a cluster.
func (s *sids) init(uid, key string) {
	s.own = serverNumber(uid)
	s.macs.New = func() any { return hmac.New(sha256.New, []byte("sio session id\x00"+key)) }
}

// serverNumber returns the number of a server. Of a hundred servers, two have the same with
// a probability of one in a million; then requests may not find the sessions of one of them.
func serverNumber(uid string) uint32 {
	sum := sha256.Sum256([]byte(uid))
	return binary.BigEndian.Uint32(sum[:])
}

func (s *sids) mask(random []byte) uint32 {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(random)
	var sum [sha256.Size]byte
	return binary.BigEndian.Uint32(mac.Sum(sum[:0]))
}

// make makes the id of a session of this server.
func (s *sids) make() string {
	var b [numberLen + randomLen]byte
	random := b[numberLen:]
	rand.Read(random) // never fails
	binary.BigEndian.PutUint32(b[:], s.own^s.mask(random))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// number returns the number of the server that has made an id.
func (s *sids) number(id string) (uint32, bool) {
	var b [numberLen + randomLen]byte
	if len(id) != sidLen {
		return 0, false
	}
	if _, err := base64.RawURLEncoding.Decode(b[:], []byte(id)); err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[:]) ^ s.mask(b[numberLen:]), true
}
