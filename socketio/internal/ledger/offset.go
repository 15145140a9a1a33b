package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
)

// An offset is the epoch, which is another one in each process and namespace,
// and the number of the event: all of one length, so that it can be put in when
// the event has been encoded.
const (
	epochLen = 6
	seqLen   = 6
)

type offsets struct {
	epoch [epochLen]byte
	seed  maphash.Seed
}

func newOffsets() (o offsets) {
	rand.Read(o.epoch[:]) // never fails
	o.seed = maphash.MakeSeed()
	return o
}

// Offset returns the offset of the event of a number. That of 0 stands for any.
func (o *offsets) Offset(seq uint64) string {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], seq)
	b := append(bytes.Clone(o.epoch[:]), wide[8-seqLen:]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// number returns the number in an offset, or false if it is none of ours.
func (o *offsets) number(offset string) (uint64, bool) {
	var room [epochLen + seqLen]byte
	if len(offset) != base64.RawURLEncoding.EncodedLen(len(room)) {
		return 0, false
	}
	b, err := base64.RawURLEncoding.AppendDecode(room[:0], []byte(offset))
	if err != nil || !bytes.Equal(b[:epochLen], o.epoch[:]) {
		return 0, false
	}
	var wide [8]byte
	copy(wide[8-seqLen:], b[epochLen:])
	return binary.BigEndian.Uint64(wide[:]), true
}

// Hash returns the hash of what a client shows as its offset: 0 for nothing.
func (o *offsets) Hash(offset string) uint64 {
	if offset == "" {
		return 0
	}
	return maphash.String(o.seed, offset) | 1
}

// Taken returns the hash for [Client.Mark] of a string that a client takes for an
// offset: 0 if it looks like one of ours. It reports false for an empty one.
func (o *offsets) Taken(text string) (h uint64, ok bool) {
	if _, ours := o.number(text); ours {
		return 0, true
	}
	return o.Hash(text), text != ""
}
