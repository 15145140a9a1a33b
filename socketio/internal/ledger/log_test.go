package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/recovery"
)

func TestOffsets(t *testing.T) {
	l, other := newBooks(t).log, newBooks(t).log
	for _, seq := range []uint64{0, 1, 255, 256, 1<<48 - 1} {
		offset := l.Offset(seq)
		if got, ok := l.number(offset); !ok || got != seq || len(offset) != len(l.Offset(0)) {
			t.Errorf("%d: offset %s, which is %d, %t", seq, offset, got, ok)
		}
		if _, ok := other.number(offset); ok {
			t.Errorf("%d: another log knows the offset", seq)
		}
		if h, ok := l.Taken(offset); h != 0 || !ok {
			t.Errorf("%d: the offset is a string like others", seq)
		}
	}
	for _, bad := range []string{"", "x", l.Offset(1) + "A", l.Offset(1)[1:], "????????????????"} {
		if _, ok := l.number(bad); ok {
			t.Errorf("%q is an offset", bad)
		}
	}
	if _, ok := l.Taken(""); ok || l.Hash("") != 0 || l.Hash("x") == 0 {
		t.Error("the empty string is one")
	}
}

// What is too old goes without a word; what is too much somebody may miss.
func TestLogForgets(t *testing.T) {
	b := newBooks(t)
	b.emit("room")
	size := b.log.Bytes()
	b.keep(recovery.Event{PID: "p"})
	b.now = time.Minute - 1
	b.emit()
	if b.log.Len() != 3 || b.held != b.log.Bytes() {
		t.Fatalf("%d events of %d bytes, %d told of", b.log.Len(), b.log.Bytes(), b.held)
	}
	b.now++
	if more := b.log.Evict(); more || b.log.Len() != 1 || len(b.missed) != 0 || b.log.head.Load() != 2 {
		t.Errorf("%d events are left, %d were missed, more %t", b.log.Len(), len(b.missed), more)
	}
	b.most = 2 * size
	direct := b.keep(recovery.Event{PID: "p"})
	room := b.emit("room") // and the one for all is too much
	if b.log.lost != 3 || len(b.missed) != 0 {
		t.Errorf("lost %d, missed %v", b.log.lost, b.missed)
	}
	b.most = 0
	b.log.Evict()
	if len(b.missed) != 2 || b.missed[0].Seq != direct || b.missed[1].Seq != room || b.held != 0 {
		t.Errorf("missed %v, %d bytes are held", b.missed, b.held)
	}
	if _, err := b.store.Event(room); err == nil {
		t.Error("the store has what is gone")
	}
}

// Of many that are too old some are left for the next time.
func TestLogForgetsInPieces(t *testing.T) {
	b := newBooks(t)
	for range dropAtOnce + 1 {
		b.emit()
	}
	b.now = time.Hour
	if more := b.log.Evict(); !more || b.log.Len() != 1 {
		t.Errorf("%d events are left, more %t", b.log.Len(), more)
	}
	if more := b.log.Evict(); more || b.log.Len() != 0 {
		t.Errorf("%d events are left, more %t", b.log.Len(), more)
	}
}

// What the store has not kept everybody may have missed.
func TestLogOfBrokenStore(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	b.store = new(broken)
	seq := b.emit()
	c.Sent(seq)
	m := b.rooms.Of(c, "id")
	if b.rooms.Complete(m, seq-1) || !b.rooms.Complete(m, seq) {
		t.Error("it is complete")
	}
	if !slices.Equal(b.failed, []string{"Append"}) {
		t.Errorf("failed: %q", b.failed)
	}
}

// What a store returns is what it was given, or nothing.
func TestLogReadsWhatItWrote(t *testing.T) {
	b := newBooks(t)
	seq := b.emit()
	b.emit()
	if n := b.log.Behind(seq); n != 1 {
		t.Errorf("%d events are behind", n)
	}
	forged := new(recovery.MemoryStore)
	_ = forged.Append(recovery.Event{Seq: 1, Message: engineio.NewMessage([]byte(`42["longer"]`))})
	_ = forged.Append(recovery.Event{Seq: 2})
	b.store = forged
	for e, err := range b.log.After(0, b.rooms.Of(b.client("p"), "p")) {
		if err != errOther {
			t.Errorf("event %+v, %v", e, err)
		}
	}
}

// A counting store counts what is read of it.
type counting struct {
	recovery.MemoryStore
	read int
}

func (c *counting) Event(seq uint64) (recovery.Event, error) {
	c.read++
	return c.MemoryStore.Event(seq)
}

// What is for one other client, or for one room of others, is not read to find out what a
// client has missed.
func TestLogPassesOver(t *testing.T) {
	b := newBooks(t)
	store := new(counting)
	b.store = store
	c := b.client("p")
	b.rooms.Join(c, "room")
	b.rooms.Join(c, "") // is a name, too
	want := []uint64{
		b.emit("room"),
		b.emit(""),
		b.emit(),
		b.emit("socket"),
		b.emit("other", "room"),
		b.keep(recovery.Event{PID: "p"}),
	}
	for range 100 {
		b.emit("other")
		b.keep(recovery.Event{PID: "q"})
	}
	b.rooms.Leave(c, "room")
	b.emit("room") // which it was in before, so it has to be read
	if got := b.missedBy(b.rooms.Of(c, "socket"), 0); !slices.Equal(got, want) {
		t.Errorf("missed %d, want %d", got, want)
	}
	if store.read > len(want)+1 {
		t.Errorf("%d of %d events were read, want %d", store.read, b.log.Len(), len(want)+1)
	}
}
