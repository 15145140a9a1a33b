package ledger

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/siokit/sio/socketio/recovery"
)

func address(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 32)
}

// leave makes a client with a room one that is away.
func (b *books) leave(pid string, expires time.Duration, who int) *Absence {
	c := b.client(pid)
	b.rooms.Join(c, "room of "+pid)
	b.rooms.Part(c)
	return b.away.Add(c, "id of "+pid, expires, address(who), nil)
}

// Of those of the address that most are away from the first has to go, or the first of all.
func TestTooMany(t *testing.T) {
	b := newBooks(t)
	first, second := b.leave("1", 0, 1), b.leave("2", 0, 2)
	if b.away.TooMany() != first {
		t.Error("of two that are alone it is not the first")
	}
	third := b.leave("3", 0, 2)
	for _, want := range []*Absence{second, first, third} {
		got := b.away.TooMany()
		if got != want {
			t.Errorf("%s has to go, want %s", got.PID, want.PID)
		}
		b.away.Remove(want)
		if b.away.Get(want.PID) != nil || b.away.ByID(want.ID) != nil {
			t.Errorf("%s is there still", want.PID)
		}
	}
	if b.away.Len() != 0 || b.away.First() != nil || b.rooms.Len() != 0 {
		t.Errorf("%d are away, %d rooms are remembered", b.away.Len(), b.rooms.Len())
	}
}

// Who has left first is looked at first, and may be removed meanwhile.
func TestExpired(t *testing.T) {
	b := newBooks(t)
	for i, at := range []time.Duration{10, 20, 15, 40, 30} {
		b.leave(fmt.Sprint(i), at, i)
	}
	b.now = 30
	var gone []string
	for a := range b.away.Expired() {
		gone = append(gone, a.PID)
		b.away.Remove(a)
	}
	if !slices.Equal(gone, []string{"0", "1", "2"}) {
		t.Errorf("%q are gone", gone)
	}
	if a := b.away.Get("4"); !b.away.IsOver(a) || b.away.IsOver(b.away.First()) {
		t.Error("it is not the time that counts")
	}
}

// Values are asked for until the handlers have run, and nobody shares them.
func TestValues(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	live := map[any]any{"k": 1}
	asked := 0
	a := b.away.Add(c, "id", 0, address(1), func() map[any]any {
		asked++
		return map[any]any{"k": live["k"]}
	})
	if a.Idle() || a.Values()["k"] != 1 {
		t.Error("they are not those of the client")
	}
	live["k"] = 2
	a.Settle()
	live["k"] = 3
	a.Values()["k"] = 4
	if !a.Idle() || a.Values()["k"] != 2 || asked != 2 {
		t.Errorf("value %v, asked for %d times", a.Values()["k"], asked)
	}
	if err := b.away.Save(a); err != nil || a.Idle() {
		t.Errorf("idle %t, %v", a.Idle(), err)
	}
	if err := b.away.Load(a); err != nil || a.Values()["k"] != 2 {
		t.Errorf("value %v, %v", a.Values()["k"], err)
	}
}

// Who is away misses an event for it alone that had to go, and comes back with what it had
// missed before.
func TestAbsenceMisses(t *testing.T) {
	b := newBooks(t)
	a := b.leave("p", 0, 1)
	pos := b.log.Seq()
	complete := func(m *Membership) bool { return b.rooms.Complete(m, pos) }
	if !complete(a.Membership(nil)) {
		t.Error("it misses something already")
	}
	a.Missed(b.keep(recovery.Event{PID: "p"}))
	if complete(a.Membership(nil)) {
		t.Error("it misses nothing")
	}
	back := &Client{PID: "p"}
	b.log.Resume(back, a, pos, 0, 0, 0)
	back.Sent(b.emit())
	if complete(b.rooms.Of(back, "id")) {
		t.Error("it misses nothing when it is back")
	}
}

// A record of another absence is none.
func TestLoad(t *testing.T) {
	for name, lie := range map[string]func(*recovery.Session){
		"pid":   func(s *recovery.Session) { s.PID = "q" },
		"id":    func(s *recovery.Session) { s.ID = "x" },
		"left":  func(s *recovery.Session) { s.Progress.Left++ },
		"rooms": func(s *recovery.Session) { s.Rooms = nil },
		"":      func(*recovery.Session) {},
	} {
		b := newBooks(t)
		a := b.leave("p", 0, 1)
		lying := &liar{lie: lie}
		b.store = lying
		err := b.away.Save(a)
		if err == nil {
			err = b.away.Load(a)
		}
		if want := map[bool]error{true: nil, false: errOther}[name == ""]; err != want {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

type liar struct {
	recovery.MemoryStore
	lie func(*recovery.Session)
}

func (l *liar) Take(pid string) (recovery.Session, error) {
	s, err := l.MemoryStore.Take(pid)
	l.lie(&s)
	return s, err
}
