package ledger

import (
	"errors"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/recovery"
)

// books are all there are, with a clock that stands still.
type books struct {
	t      *testing.T
	log    *Log
	rooms  *Rooms
	away   *Away
	store  recovery.Store
	now    time.Duration
	most   int
	held   int
	missed []recovery.Event
	failed []string
}

func newBooks(t *testing.T) *books {
	b := &books{t: t, store: new(recovery.MemoryStore), most: 1 << 20}
	b.log = NewLog(b, time.Minute)
	b.rooms = NewRooms(b.log)
	b.away = NewAway(b, b.rooms)
	return b
}

func (b *books) Store() recovery.Store           { return b.store }
func (b *books) Now() time.Duration              { return b.now }
func (b *books) Time(at time.Duration) time.Time { return time.Unix(0, 0).Add(at) }
func (b *books) Most() int                       { return b.most }
func (b *books) Hold(bytes int)                  { b.held += bytes }
func (b *books) Missed(e recovery.Event)         { b.missed = append(b.missed, e) }

func (b *books) Failed(method string, err error) {
	if err != nil {
		b.failed = append(b.failed, method)
	}
}

// emit keeps an event for rooms, or for all.
func (b *books) emit(rooms ...string) uint64 { return b.keep(recovery.Event{Rooms: rooms}) }

func (b *books) keep(e recovery.Event) uint64 {
	e.Seq, e.Message = b.log.Next(), engineio.NewMessage([]byte("42[]"))
	b.log.Keep(e)
	return e.Seq
}

// client returns one that is there, and has shown no offset.
func (b *books) client(pid string) *Client {
	c := b.log.NewClient(pid, "")
	b.rooms.Add(&c)
	return &c
}

// missedBy returns the numbers of the events that are for m, behind one.
func (b *books) missedBy(m *Membership, pos uint64) (seqs []uint64) {
	b.t.Helper()
	for e, err := range b.log.After(pos, m) {
		if err != nil {
			b.t.Fatal(err)
		}
		if m.Meant(&e) {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

var errBroken = errors.New("disk on fire")

// A broken store keeps no event.
type broken struct{ recovery.MemoryStore }

func (*broken) Append(recovery.Event) error { return errBroken }
