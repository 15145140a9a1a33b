package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// Who reads so slowly that entries are trimmed is told.
func TestJournalGap(t *testing.T) {
	s := redistest.Start(t)
	fast, slow := startJournal(t, "fast", &Options{MaxLen: 1000}, at(s)), startJournal(t, "slow", &Options{MaxLen: 1000}, at(s))
	fast.append()
	slow.waitEntries(1)
	release := make(chan struct{})
	slow.peer.mu.Lock()
	slow.hold = func() { <-release }
	slow.peer.mu.Unlock()
	for i := range 5000 {
		fast.append()
		if i%100 == 0 { // else it is its own reader that is too slow
			fast.waitEntries(i + 1)
		}
	}
	fast.waitEntries(5001)
	close(release)
	slow.wait("a gap", func() bool { return slow.gaps == 1 })
	slow.wait("the last entry", func() bool { return slow.entries[len(slow.entries)-1] == "fast 5001" })
	if n := len(slow.got()); n > 3000 {
		t.Errorf("%d entries, and a gap", n)
	}
	if fast.gaps > 0 {
		t.Error("who keeps up is told of a gap, too")
	}
}

// It is told where the journal begins: behind what was trimmed, and for who comes when there is
// nothing, too.
func TestJournalBegins(t *testing.T) {
	s := redistest.Start(t)
	a, b := startJournal(t, "a", &Options{}, at(s)), startJournal(t, "b", &Options{}, at(s))
	if a.begin == 0 || a.begin != b.begin || len(a.got())+len(b.got()) > 0 {
		t.Errorf("an empty stream begins at %d and %d", a.begin, b.begin)
	}
	for range 3 {
		a.append()
	}
	b.waitEntries(3)
	if all := startJournal(t, "c", &Options{}, at(s)); all.begin != a.begin || len(all.got()) != 3 {
		t.Errorf("%q from %d on, want 3 from %d on", all.got(), all.begin, a.begin)
	}
	s.Do("xtrim", defaultStream, "maxlen", "1")
	if rest := startJournal(t, "d", &Options{}, at(s)); rest.begin != b.last-1 || len(rest.got()) != 1 {
		t.Errorf("%q from %d on, want one entry from %d on", rest.got(), rest.begin, b.last-1)
	}
	s.Do("xtrim", defaultStream, "maxlen", "0")
	late := startJournal(t, "e", &Options{}, at(s))
	if late.begin < b.last {
		t.Errorf("begins at %d, though there was %d", late.begin, b.last)
	}
	b.append()
	late.waitEntries(1)
	if late.gaps > 0 {
		t.Errorf("%d gaps", late.gaps)
	}
}

// A stream may be so short that less than a page of it is all that is left.
func TestJournalShort(t *testing.T) {
	s := redistest.Start(t)
	fast, slow := startJournal(t, "fast", &Options{MaxLen: 10}, at(s)), startJournal(t, "slow", &Options{MaxLen: 10}, at(s))
	fast.append()
	slow.waitEntries(1)
	reading, release := make(chan struct{}), make(chan struct{})
	slow.peer.mu.Lock()
	slow.hold = sync.OnceFunc(func() { close(reading); <-release })
	slow.peer.mu.Unlock()
	fast.append()
	<-reading
	for i := range 500 {
		fast.append()
		if i%10 == 0 {
			fast.waitEntries(i + 3)
		}
	}
	fast.waitEntries(502)
	close(release)
	slow.wait("the last entry", func() bool { return slow.entries[len(slow.entries)-1] == "fast 502" })
	if n := len(slow.got()); n == 502 || slow.gaps == 0 {
		t.Errorf("%d of 502 entries, %d gaps", n, slow.gaps)
	}
}

// What has an id that no server gives is told, rather than read again and again.
func TestJournalForeignID(t *testing.T) {
	s := redistest.Start(t)
	k := startJournal(t, "a", &Options{}, at(s))
	s.Do("xadd", defaultStream, "99999999999999-0", "nsp", "/")
	k.wait("Away", func() bool { return k.aways > 0 })
	if _, err := tryJournal(t, "b", &Options{}, at(s)); err == nil || !strings.Contains(err.Error(), `"99999999999999-0"`) {
		t.Errorf("started: %v", err)
	}
	s.Do("del", defaultStream)
	k.wait("Back", func() bool { return k.backs > 0 })
	k.append()
	k.waitEntries(1)
}

// Who reads no faster than others append begins, and is back, when it has read what there was:
// it never has a page that is not full.
func TestJournalSlow(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes")
	other, err := newClient(at(s))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	add := func() { // waits while Redis is away
		for t.Context().Err() == nil {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := other.Do(ctx, other.B().Xadd().Key(defaultStream).Id("*").FieldValue().FieldValue("uid", "other").
				FieldValue("nsp", "/").FieldValue("type", "3").FieldValue("data", "{}").Build()).Error()
			if cancel(); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	const behind = 5 * pageEntries
	for range behind {
		add()
	}
	slow, err := tryJournal(t, "slow", &Options{MaxLen: 1_000_000}, at(s), func(k *keeper) { k.hold = add })
	if err != nil {
		t.Fatal(err)
	}
	slow.waitEntries(2 * behind)
	s.Kill()
	slow.wait("Away", func() bool { return slow.aways > 0 })
	slow.append()
	s.Restart()
	slow.wait("Back", func() bool { return slow.backs > 0 })
	slow.wait("its own entry", func() bool { return slices.Contains(slow.entries, "slow 1") })
	got := len(slow.got())
	n, err := other.Do(t.Context(), other.B().Xlen().Key(defaultStream).Build()).AsInt64()
	if left := int(n) - got; left < pageEntries || err != nil {
		t.Errorf("%d entries are left to read, %v: there may have been a page that was not full", left, err)
	}
}

// Who starts while it can't read to the end in time is told.
func TestJournalStartIsBounded(t *testing.T) {
	s := redistest.Start(t)
	fast := startJournal(t, "fast", &Options{}, at(s))
	for range 1000 {
		fast.append()
	}
	fast.waitEntries(1000)
	client, err := newClient(at(s))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = tryJournalWithin(ctx, t, "slow", &Options{}, client, func(k *keeper) { k.hold = cancel })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("start: %v", err)
	}
}
