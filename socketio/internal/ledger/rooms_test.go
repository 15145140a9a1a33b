package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/socketio/recovery"
)

// TestMembershipModel has clients join and leave, and compares what is said to be for them
// with what they were told at the time.
func TestMembershipModel(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	b := newBooks(t)
	names := []string{"a", "b", "c"}
	some := func(n int) (out []string) {
		for range rnd.IntN(n + 1) {
			out = append(out, names[rnd.IntN(len(names))])
		}
		return out
	}
	type member struct {
		*Client
		id   string
		in   map[string]bool
		want []uint64
	}
	var all []*member
	for i := range 4 {
		id := fmt.Sprint("id", i)
		all = append(all, &member{b.client(fmt.Sprint("pid", i)), id, map[string]bool{id: true}, nil})
		names = append(names, id)
	}
	for range 60 { // a client joins and leaves fewer rooms than are remembered
		for _, m := range all {
			switch room := names[rnd.IntN(3)]; {
			case rnd.IntN(2) == 0:
			case m.in[room]:
				delete(m.in, room)
				b.rooms.Leave(m.Client, room)
			default:
				m.in[room] = true
				b.rooms.Join(m.Client, room)
			}
		}
		e := recovery.Event{Rooms: some(2), Except: some(1)}
		in := func(m *member, rooms []string) bool {
			return slices.ContainsFunc(rooms, func(r string) bool { return m.in[r] })
		}
		seq := b.keep(e)
		for _, m := range all {
			if (len(e.Rooms) == 0 || in(m, e.Rooms)) && !in(m, e.Except) {
				m.want = append(m.want, seq)
			}
		}
	}
	for _, m := range all {
		if got := b.missedBy(b.rooms.Of(m.Client, m.id), 0); !slices.Equal(got, m.want) {
			t.Errorf("seed %d: client %s: %v, want %v", seed, m.id, got, m.want)
		}
		b.rooms.Forget(m.Client)
	}
	if n := b.rooms.Len(); n != 0 {
		t.Errorf("%d rooms are remembered for nobody", n)
	}
}

// Of the rooms that a client has left some are remembered; who may have missed something
// in another one is not complete.
func TestRoomsForgets(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	pos := b.emit()
	for i := range maxClosedSpans + 1 {
		name := fmt.Sprint("room ", i)
		b.rooms.Join(c, name)
		c.Sent(b.emit(name))
		b.rooms.Leave(c, name)
	}
	if n := b.rooms.Len(); n > maxClosedSpans || int(c.closed) != n {
		t.Errorf("%d rooms are remembered, %d closed spans", n, c.closed)
	}
	m := b.rooms.Of(c, "id")
	if b.rooms.Complete(m, pos) || !b.rooms.Complete(m, c.got) {
		t.Error("what is forgotten is not missed")
	}
}

// While an event is held, it is known for whom it is, however many rooms they leave.
func TestRoomsHolds(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	b.rooms.Join(c, "room")
	e := recovery.Event{Rooms: []string{"room"}}
	e.Seq = b.keep(e)
	b.rooms.Hold(e.Seq)
	leave := func() {
		for i := range 2 * maxClosedSpans {
			name := fmt.Sprint("room ", i)
			b.rooms.Join(c, name)
			b.rooms.Leave(c, name)
		}
	}
	b.rooms.Leave(c, "room")
	leave()
	if !b.rooms.Meant(c, "id", &e) {
		t.Error("it is not for who has left the room since")
	}
	if n := b.rooms.Len(); n > maxClosedSpans+1 {
		t.Errorf("%d rooms are remembered, which were joined since", n)
	}
	later := recovery.Event{Rooms: []string{"room"}}
	if later.Seq = b.keep(later); b.rooms.Meant(c, "id", &later) {
		t.Error("what came behind that is for it, too")
	}
	b.rooms.Part(c)
	byID := recovery.Event{Rooms: []string{"id"}}
	if byID.Seq = b.keep(byID); b.rooms.Meant(c, "id", &byID) {
		t.Error("what comes behind its end is for it")
	}
	b.rooms.Hold(0)
	leave()
	if n := b.rooms.Len(); n > maxClosedSpans {
		t.Errorf("%d rooms are remembered when nothing is held", n)
	}
}

// What has been lost of a room is not forgotten with it.
func TestRoomsForgetsNoLoss(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	b.rooms.Join(c, "room")
	seq := b.emit("room")
	c.Sent(seq)
	b.rooms.Missed([]string{"room"}, seq)
	b.rooms.Leave(c, "room")
	b.now = time.Hour // the log is empty from here on
	b.log.Evict()
	for i := range maxClosedSpans {
		name := fmt.Sprint("room ", i)
		b.rooms.Join(c, name)
		b.rooms.Leave(c, name)
	}
	if b.rooms.Any([]string{"room"}) || b.rooms.Complete(b.rooms.Of(c, "id"), seq-1) {
		t.Error("what is forgotten is not missed")
	}
}

// What is for all is not for who was not there yet; what is for a room that it has joined
// before is.
func TestRoomsBeforeTheNamespace(t *testing.T) {
	b := newBooks(t)
	c := b.log.NewClient("p", "")
	b.rooms.Join(&c, "room")
	all, room := b.emit(), b.emit("room")
	b.keep(recovery.Event{Rooms: []string{"room"}, Except: []string{"id"}})
	b.log.lost = all
	c.Sent(room)
	b.rooms.Add(&c)
	later := b.emit("id")
	b.rooms.Add(&c) // counts once
	m := b.rooms.Of(&c, "id")
	if got := b.missedBy(m, 0); !slices.Equal(got, []uint64{room, later}) {
		t.Errorf("events %v, want %d and %d", got, room, later)
	}
	if !b.rooms.Complete(m, 0) {
		t.Error("it misses what was lost before it came")
	}
	c.Sent(later)
	if b.log.lost = later; b.rooms.Complete(m, 0) {
		t.Error("it misses nothing of what was lost since")
	}
}

// An event of a room that had to go is missed by who was there.
func TestRoomsMissed(t *testing.T) {
	b := newBooks(t)
	there, before, elsewhere := b.client("1"), b.client("2"), b.client("3")
	b.rooms.Join(before, "room")
	b.rooms.Leave(before, "room")
	b.rooms.Join(elsewhere, "other")
	b.emit("other")
	b.rooms.Join(there, "room")
	seq := b.emit("room")
	for _, c := range []*Client{there, before, elsewhere} {
		c.Sent(seq)
	}
	b.rooms.Missed([]string{"room", "nobody's"}, seq)
	for c, want := range map[*Client]bool{there: false, before: true, elsewhere: true} {
		if got := b.rooms.Complete(b.rooms.Of(c, "id"), seq-1); got != want {
			t.Errorf("client %s: complete %t", c.PID, got)
		}
	}
	if !b.rooms.Any([]string{"nobody's", "room"}) || b.rooms.Any([]string{"nobody's"}) || b.rooms.Any(nil) {
		t.Error("the wrong rooms are remembered")
	}
}

// It is asked what a client may have missed while that still comes and goes.
func TestCompleteMeanwhile(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	b.emit() // or nothing could be missed
	m := b.rooms.Of(c, "id")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 4 * maxClosedSpans {
			name := fmt.Sprint("room ", i)
			b.rooms.Join(c, name)
			b.rooms.Leave(c, name)
		}
	})
	for range 100 {
		if !b.rooms.Complete(m, b.log.Seq()) {
			t.Error("something is missed, and nothing has been sent")
		}
	}
	wg.Wait()
}

// What is joined and left aside counts from then on, once the client is back.
func TestAside(t *testing.T) {
	b := newBooks(t)
	c := b.client("p")
	b.rooms.Join(c, "stays")
	b.rooms.Join(c, "left")
	b.rooms.Part(c)
	a := b.away.Add(c, "id", 0, address(1), nil)
	back := &Client{PID: "p"}
	aside := NewAside(a.Membership(nil))
	check := func(rooms int, name string) error {
		if rooms > 2 {
			return errBroken
		}
		return nil
	}
	early := b.emit("new")
	for _, name := range []string{"new", "stays"} {
		if err := b.rooms.JoinAside(aside, name, check); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.rooms.JoinAside(aside, "too many", check); !errors.Is(err, errBroken) {
		t.Errorf("joined one too many: %v", err)
	}
	seqs := []uint64{b.emit("new"), b.emit("left"), b.emit("stays")}
	b.rooms.LeaveAside(aside, "left")
	b.rooms.LeaveAside(aside, "never there")
	b.emit("left")
	in := b.rooms.NamesAside(aside)
	slices.Sort(in)
	if !slices.Equal(in, []string{"new", "stays"}) {
		t.Errorf("in %q", in)
	}
	if got := b.missedBy(a.Membership(b.rooms.ChangesOf(aside)), early-1); !slices.Equal(got, seqs) {
		t.Errorf("missed %v, want %v", got, seqs)
	}

	got := b.rooms.Return(back, a, aside, false)
	b.away.Remove(a)
	if !b.rooms.Any([]string{"stays"}) || !b.rooms.Any([]string{"left"}) {
		t.Error("a room is not remembered for who is back")
	}
	slices.Sort(got)
	if !slices.Equal(got, in) {
		t.Errorf("back in %q", got)
	}
	if got := b.missedBy(b.rooms.Of(back, "id"), early-1); !slices.Equal(got, seqs) {
		t.Errorf("missed %v, want %v", got, seqs)
	}
	b.rooms.Forget(back)
	if n := b.rooms.Len(); n != 0 {
		t.Errorf("%d rooms are remembered for nobody", n)
	}
}

// Others may ask for whom an event is while a client becomes one of the namespace.
func TestRoomsMeantMeanwhile(t *testing.T) {
	b := newBooks(t)
	for range 100 {
		c := b.log.NewClient("p", "")
		e := recovery.Event{Seq: b.emit()}
		var wg sync.WaitGroup
		wg.Go(func() { b.rooms.Add(&c) })
		if b.rooms.Meant(&c, "id", &e) {
			t.Error("an event is for a client that came behind it")
		}
		wg.Wait()
	}
}
