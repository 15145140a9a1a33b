package ledger

import (
	"fmt"
	"testing"

	"github.com/siokit/sio/socketio/recovery"
)

// A client shows where it stands by the offset of an event that it was sent, by what it
// takes for one, or by nothing. What it can't have, or may have from two places, is none.
func TestPosition(t *testing.T) {
	b := newBooks(t)
	before := b.emit()
	c := b.log.NewClient("p", "of another session")
	b.rooms.Add(&c)
	mine := b.keep(recovery.Event{PID: "p"})
	c.Sent(mine)
	other := b.keep(recovery.Event{PID: "q"})
	mark := func(text string) {
		h, ok := b.log.Taken(text)
		if !ok {
			t.Fatalf("%q is not taken for an offset", text)
		}
		c.Mark(h)
	}
	mark("once")
	mark("twice")
	last := b.emit()
	c.Sent(last)
	mark("twice")
	for offset, want := range map[string]uint64{
		"of another session":   before,
		b.log.Offset(mine):     mine,
		b.log.Offset(last):     last,
		"once":                 mine,
		"twice":                never,
		"never":                never,
		"":                     never,
		b.log.Offset(before):   never,
		b.log.Offset(other):    never,
		b.log.Offset(last + 1): never,
	} {
		pos, ok := b.log.Position(b.rooms.Of(&c, "id"), offset)
		if !ok {
			pos = never
		}
		if pos != want {
			t.Errorf("%q is %d, want %d", offset, pos, want)
		}
	}
	mark(b.log.Offset(7)) // the application's own
	if _, ok := b.log.Position(b.rooms.Of(&c, "id"), b.log.Offset(mine)); ok {
		t.Error("what may be a string of the application's is an offset")
	}
}

// Of many strings the last are known, and that there were others: an offset of before that
// was one of them is in doubt.
func TestMarks(t *testing.T) {
	b := newBooks(t)
	client := b.log.NewClient("p", "text 0")
	c := &client
	b.rooms.Add(c)
	for i := range 20 {
		c.Sent(b.emit())
		h, _ := b.log.Taken(fmt.Sprint("text ", i))
		c.Mark(h)
	}
	a := b.away.Add(c, "id", 0, address(1), nil)
	m := a.Membership(nil) // as it is stored
	if pos, ok := b.log.Position(m, "text 19"); !ok || pos != 20 {
		t.Errorf("the last string is at %d, %t", pos, ok)
	}
	if _, ok := b.log.Position(m, "text 0"); ok {
		t.Error("a string of which too little is known is one")
	}
	if _, ok := b.log.Position(m, ""); ok {
		t.Error("a client that had an offset shows none")
	}
}

// What may not have arrived, though no loss was noticed, is missed when it is gone.
func TestLate(t *testing.T) {
	b := newBooks(t)
	for _, c := range []struct {
		name string
		how  func(*Client)
		want bool
	}{
		{"sent before the answer, and not proven", func(c *Client) { c.Late(false) }, true},
		{"arrived", func(c *Client) { c.Late(false); c.Arrived() }, true},
		{"nothing is proven", func(c *Client) { c.Late(true) }, false},
	} {
		client := b.client("p")
		pos := b.log.Seq()
		client.waited = never // nothing had to wait
		client.Sent(b.emit())
		c.how(client)
		b.log.head.Store(b.log.Seq())
		if got := b.rooms.Complete(b.rooms.Of(client, "id"), pos); got != c.want {
			t.Errorf("%s: complete %t", c.name, got)
		}
	}
}
