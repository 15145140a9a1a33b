package redis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
	"github.com/siokit/sio/cluster/wire"
)

// A keeper is a journal, and the receiver that keeps what it is told.
type keeper struct {
	*journal
	*peer
	uid string

	next uint64 // the number of the next entry

	// Protected by peer.mu.
	entries []string // uid and number, or data if there is none; in front "past " if it is
	last    uint64   // position
	refused []uint64
	begin   uint64 // where the journal began
	gaps    int    // others
	began   bool
	hold    func() // called by Appended, if not nil
}

func (k *keeper) Appended(pos uint64, e wire.Entry, past bool) {
	k.peer.mu.Lock()
	hold := k.hold
	k.peer.mu.Unlock()
	if hold != nil {
		hold()
	}
	k.change(func() {
		if pos <= k.last {
			k.t.Errorf("%s: position %d comes behind %d", k.uid, pos, k.last)
		}
		k.last = pos
		text := e.UID + " " + strconv.FormatUint(e.Number, 10)
		if e.Number == 0 {
			text = e.Data
		}
		if past {
			text = "past " + text
		}
		k.entries = append(k.entries, text)
	})
}

func (k *keeper) Refused(number uint64, err error) {
	k.change(func() { k.refused = append(k.refused, number) })
}

func (k *keeper) Gap(upTo uint64) {
	k.change(func() {
		if k.began {
			k.gaps++
		} else {
			k.begin, k.began = upTo, true
		}
	})
}

// append appends an entry, and waits if there is no room.
func (k *keeper) append() {
	k.next++
	e := wire.Entry{UID: k.uid, Nsp: "/", Type: "3", Data: "{}", Number: k.next}
	for !k.Append(e) {
		time.Sleep(time.Millisecond)
	}
}

func (k *keeper) got() []string {
	k.peer.mu.Lock()
	defer k.peer.mu.Unlock()
	return slices.Clone(k.entries)
}

// waitEntries waits until there are so many entries.
func (k *keeper) waitEntries(n int) {
	k.t.Helper()
	k.wait(fmt.Sprint(n, " entries of ", k.uid), func() bool { return len(k.entries) >= n })
}

// Publish and the rest are those of the journal, not of the peer.
func (k *keeper) Close() error { return k.journal.Close() }

func startJournal(t testing.TB, uid string, o *Options, c rueidis.ClientOption) *keeper {
	t.Helper()
	k, err := tryJournal(t, uid, o, c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func tryJournal(t testing.TB, uid string, o *Options, c rueidis.ClientOption, set ...func(*keeper)) (*keeper, error) {
	t.Helper()
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return tryJournalWithin(ctx, t, uid, o, client, set...)
}

func tryJournalWithin(ctx context.Context, t testing.TB, uid string, o *Options, client rueidis.Client, set ...func(*keeper)) (*keeper, error) {
	t.Helper()
	o.Streams = true
	j := newJournal(client, true, o)
	p := &peer{engine: j.engine, t: t, record: record{reasons: make(map[string]bool), missed: make(map[string]bool)}}
	p.told = sync.NewCond(&p.mu)
	k := &keeper{journal: j, peer: p, uid: uid}
	for _, f := range set {
		f(k)
	}
	t.Cleanup(func() { k.Close() })
	return k, j.Start(ctx, k)
}

var _ cluster.JournalReceiver = (*keeper)(nil)

// once fails unless all entries of these servers are there once, in order.
func once(t *testing.T, entries []string, from ...*keeper) {
	t.Helper()
	next := make(map[string]uint64)
	for _, e := range entries {
		uid, number, _ := strings.Cut(strings.TrimPrefix(e, "past "), " ")
		n, _ := strconv.ParseUint(number, 10, 64)
		if next[uid]++; next[uid] != n {
			t.Fatalf("%s: number %d where %d is due", uid, n, next[uid])
		}
	}
	for _, k := range from {
		if next[k.uid] != k.next {
			t.Errorf("%d of %d entries of %s", next[k.uid], k.next, k.uid)
		}
	}
}

// load has servers append until it is stopped.
func load(from ...*keeper) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, k := range from {
		wg.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				for range 1 + rand.N(10) {
					k.append()
				}
			}
		})
	}
	return func() { close(done); wg.Wait() }
}

func three(t *testing.T, o Options, c func() rueidis.ClientOption) []*keeper {
	var all []*keeper
	for _, uid := range []string{"a", "b", "c"} {
		own := o
		all = append(all, startJournal(t, uid, &own, c()))
	}
	return all
}

// same waits until all have all entries, and fails unless these are the same, each once.
func same(t *testing.T, all []*keeper) {
	t.Helper()
	sum := 0
	for _, k := range all {
		sum += int(k.next)
	}
	for _, k := range all {
		k.waitEntries(sum)
	}
	first := all[0].got()
	for _, k := range all {
		got := k.got()
		once(t, got, all...)
		if !slices.Equal(got, first) {
			t.Errorf("%s has another order than %s", k.uid, all[0].uid)
		}
	}
}

func TestOneOrder(t *testing.T) {
	s := redistest.Start(t)
	all := three(t, Options{MaxLen: 1_000_000}, func() rueidis.ClientOption { return at(s) })
	var wg sync.WaitGroup
	for _, k := range all {
		wg.Go(func() {
			for range 5000 {
				k.append()
			}
		})
	}
	wg.Wait()
	same(t, all)
	late := startJournal(t, "late", &Options{}, at(s))
	past := late.got()
	if len(past) != 15_000 || !slices.Equal(past[:3], []string{"past " + all[0].got()[0], "past " + all[0].got()[1], "past " + all[0].got()[2]}) {
		t.Errorf("%d entries of the past", len(past))
	}
	all[0].append()
	late.waitEntries(15_001)
	if got := late.got()[15_000]; got != "a 5001" {
		t.Errorf("got %s", got)
	}
	for _, k := range append(all, late) {
		if k.gaps > 0 {
			t.Errorf("%d gaps", k.gaps)
		}
	}
}

// A Redis that keeps what it has answered loses nothing when it is killed.
func TestJournalKilled(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes")
	all := three(t, Options{MaxLen: 1_000_000}, func() rueidis.ClientOption { return at(s) })
	stop := load(all...)
	for round := range 3 {
		n := len(all[0].got())
		all[0].waitEntries(n + 500)
		s.Kill()
		for _, k := range all {
			k.wait("Away", func() bool { return k.aways > round })
		}
		s.Restart()
		for _, k := range all {
			k.wait("Back", func() bool { return k.backs > round })
		}
	}
	stop()
	same(t, all)
	for _, k := range all {
		if k.gaps > 0 {
			t.Errorf("%d gaps", k.gaps)
		}
	}
}

// One that keeps nothing begins anew: what is appended is told, and that something may be
// missing is, too.
func TestJournalEmptied(t *testing.T) {
	for name, empty := range map[string]func(s *redistest.Server){
		"killed":   func(s *redistest.Server) { s.Kill(); s.Restart() },
		"FLUSHALL": func(s *redistest.Server) { s.Do("flushall") },
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			all := three(t, Options{}, func() rueidis.ClientOption { return at(s) })
			for _, k := range all {
				k.append()
				k.append()
			}
			for _, k := range all {
				k.waitEntries(6)
			}
			empty(s)
			for _, k := range all {
				k.wait("a gap", func() bool { return k.gaps > 0 })
				k.append()
			}
			same(t, all)
		})
	}
}

// When the ids of a stream begin anew behind those that were read, positions go on.
func TestJournalBehind(t *testing.T) {
	s := redistest.Start(t)
	all := three(t, Options{}, func() rueidis.ClientOption { return at(s) })
	for _, k := range all {
		k.append()
	}
	same(t, all)
	ahead := time.Now().Add(time.Hour).UnixMilli()
	s.Do("xadd", defaultStream, fmt.Sprint(ahead, "-5"), "nsp", "/", "uid", "node", "type", "3", "data", "{}")
	for _, k := range all {
		k.waitEntries(4)
		k.peer.mu.Lock()
		k.entries = slices.DeleteFunc(k.entries, func(e string) bool { return e == "{}" })
		k.peer.mu.Unlock()
	}
	s.Do("del", defaultStream)
	for range 10 {
		for _, k := range all {
			k.append()
		}
	}
	same(t, all)
}

// Whichever connections are lost under load, each entry is there once.
func TestJournalConnectionsKilled(t *testing.T) {
	s := redistest.Start(t)
	all := three(t, Options{MaxLen: 1_000_000}, func() rueidis.ClientOption { return at(s) })
	stop := load(all...)
	seed := rand.Uint64()
	t.Log("seed ", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		n := len(all[0].got())
		clients := s.Do("client", "list")
		list, _ := clients.ToString()
		lines := strings.Split(strings.TrimSpace(list), "\n")
		_, line, _ := strings.Cut(lines[random.IntN(len(lines))], "id=")
		id, _, _ := strings.Cut(line, " ")
		s.Do("client", "kill", "id", id)
		all[0].waitEntries(n + random.IntN(200))
	}
	stop()
	same(t, all)
	checkStream(t, s, all)
}

// checkStream fails unless each entry is in the stream once, for servers that do not look.
func checkStream(t *testing.T, s *redistest.Server, all []*keeper) {
	t.Helper()
	sum := 0
	for _, k := range all {
		sum += int(k.next)
	}
	m := s.Do("xrange", defaultStream, "-", "+")
	page, err := m.ToArray()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range page {
		_, fields, err := partsOf(&page[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := entryOf(fields); ok {
			n++
		}
	}
	if n != sum {
		t.Errorf("%d entries in the stream, want %d", n, sum)
	}
}

// A link that is cut while Redis hangs leaves commands behind that it reads later.
func TestJournalFrozenAndCut(t *testing.T) {
	s := redistest.Start(t)
	var proxies []*brokertest.Proxy
	all := three(t, Options{MaxLen: 1_000_000}, func() rueidis.ClientOption {
		p := brokertest.NewProxy(t, s.Addr)
		proxies = append(proxies, p)
		return rueidis.ClientOption{InitAddress: []string{p.Addr()}}
	})
	stop := load(all...)
	for range 3 {
		n := len(all[0].got())
		all[0].waitEntries(n + 500)
		s.Freeze()
		time.Sleep(50 * time.Millisecond) // for commands to be under way
		for _, p := range proxies {
			p.Cut()
			p.Heal()
		}
		time.Sleep(50 * time.Millisecond)
		s.Thaw()
		all[0].waitEntries(n + 1000)
	}
	stop()
	same(t, all)
}

// What Redis refuses for good is told, and what comes behind it goes on.
func TestJournalRefused(t *testing.T) {
	s := redistest.Start(t)
	k := startJournal(t, "a", &Options{}, at(s))
	k.append()
	k.waitEntries(1)
	s.Do("config", "set", "maxmemory", "1")
	k.append()
	k.append()
	k.wait("two refused", func() bool { return len(k.refused) == 2 && k.refused[0] == 2 && k.refused[1] == 3 })
	s.Do("config", "set", "maxmemory", "0")
	k.append()
	k.waitEntries(2)
	if got := k.got(); got[1] != "a 4" {
		t.Errorf("got %q", got)
	}
	k.journal.mu.Lock()
	defer k.journal.mu.Unlock()
	if k.bytes != 0 || k.pending.Len() != 0 {
		t.Errorf("%d bytes of %d entries wait", k.bytes, k.pending.Len())
	}
}

// The queue is bounded, while Redis is away and while nobody reads.
func TestJournalQueue(t *testing.T) {
	s := redistest.Start(t)
	k := startJournal(t, "a", &Options{QueueBytes: 10_000}, at(s))
	s.Kill()
	k.wait("Away", func() bool { return k.aways == 1 })
	n := 0
	for k.Append(wire.Entry{UID: "a", Nsp: "/", Type: "3", Data: strings.Repeat("x", 900), Number: uint64(n + 1)}) {
		n++
	}
	if n != 10 {
		t.Errorf("%d entries of 1000 bytes have room in 10000", n)
	}
	s.Restart()
	k.waitEntries(n)
	k.Close()
	if k.Append(wire.Entry{UID: "a", Nsp: "/", Type: "3", Number: 100}) {
		t.Error("appended after Close")
	}
}

func TestPositions(t *testing.T) {
	var j journal
	for id, want := range map[string]uint64{"0-0": 0, "0-1": 1, "1-0": 1 << 20, "1764374400000-7": 1764374400000<<20 | 7, "17592186044415-1048575": 1<<64 - 1} {
		if pos, ok := j.Position(id); !ok || pos != want || j.Offset(pos) != id {
			t.Errorf("%s is %d, %v, which is %s", id, pos, ok, j.Offset(pos))
		}
	}
	for _, id := range []string{"", "-", "1", "1-", "-1", "01-1", "1-01", "+1-1", "1-+1", "1-1-1", "1-1 ", "17592186044416-0", "1-1048576", "a-1", "1-99999999999999999999"} {
		if pos, ok := j.Position(id); ok {
			t.Errorf("%q is %d", id, pos)
		}
	}
}
