package adminui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// The id of a session is 8 bytes that say until when it is valid, in seconds, 16 random ones,
// so that no two are the same, and a MAC of these.
const (
	untilLen  = 8
	randomLen = 16
	tokenLen  = untilLen + randomLen + sha256.Size
)

// A sessionKey signs sessions.
type sessionKey []byte

// newSessionKey makes a key of the hash of the password: all servers have that, nobody else, and
// not even who finds out the password can make sessions that outlive it.
func newSessionKey(o *Options) sessionKey {
	mac := hmac.New(sha256.New, []byte(o.PasswordHash))
	for _, part := range []string{"sio adminui session", o.Namespace, o.Username} {
		mac.Write(append([]byte(part), 0))
	}
	return mac.Sum(nil)
}

func (k sessionKey) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, k)
	mac.Write(b)
	return mac.Sum(b)
}

// issue returns the id of a session that lasts until then.
func (k sessionKey) issue(until time.Time) string {
	var b [untilLen + randomLen]byte
	binary.BigEndian.PutUint64(b[:], uint64(until.Unix()))
	rand.Read(b[untilLen:]) // never fails
	return base64.RawURLEncoding.EncodeToString(k.sign(b[:]))
}

// check returns until when a session lasts. It reports false if there is none of that id now.
func (k sessionKey) check(id string, now time.Time) (until time.Time, ok bool) {
	if len(id) != base64.RawURLEncoding.EncodedLen(tokenLen) {
		return time.Time{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || !hmac.Equal(k.sign(b[:untilLen+randomLen:untilLen+randomLen]), b) {
		return time.Time{}, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	return until, now.Before(until)
}
