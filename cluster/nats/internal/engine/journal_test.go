package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/cluster/wire"
)

// startJetStream starts a server that keeps what it has in a directory of the test.
func startJetStream(t testing.TB, more string) *natstest.Server {
	t.Helper()
	return natstest.StartServer(t, fmt.Sprintf("jetstream { store_dir: %q }\n%s", t.TempDir(), more))
}

// newJournal returns one that is not started, and is closed when the test ends.
func newJournal(t testing.TB, url string, s Streams) *Journal {
	t.Helper()
	nc, err := Connect(url, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJournal(New(nc, "sio", 0, nc.Close), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func startJournal(t testing.TB, url string, s Streams) (*Journal, *natstest.JournalRecorder) {
	t.Helper()
	j, r := newJournal(t, url, s), natstest.NewJournalRecorder()
	if err := j.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return j, r
}

// add appends an entry.
func add(t testing.TB, j *Journal, uid string, number int, data string) {
	t.Helper()
	if !j.Append(wire.Entry{UID: uid, Nsp: "/", Type: "3", Data: data, Number: uint64(number)}) {
		t.Error("not appended")
	}
}

// All servers are told the same, also those that start later.
func TestJournalOrder(t *testing.T) {
	s := startJetStream(t, "")
	const servers, n = 3, 5000
	var journals []*Journal
	var recorders []*natstest.JournalRecorder
	for range servers {
		j, r := startJournal(t, s.URL(), Streams{})
		journals, recorders = append(journals, j), append(recorders, r)
	}
	for i, j := range journals {
		go func() { // until all is appended
			for k := range n {
				add(t, j, fmt.Sprint("s", i), k+1, `{"a":1}`)
			}
		}()
	}
	for _, r := range recorders {
		r.WaitEntries(t, servers*n)
	}
	j, late := startJournal(t, s.URL(), Streams{})
	if late.Past != servers*n {
		t.Errorf("who comes later is told of %d, want %d", late.Past, servers*n)
	}
	natstest.SameEntries(t, append(recorders, late)...)
	if late.Data[0] != `{"a":1}` {
		t.Errorf("data is %q", late.Data[0])
	}
	pos := late.Positions[0]
	if got, ok := j.Position(j.Offset(pos)); !ok || got != pos {
		t.Errorf("the position of %q is %d, want %d", j.Offset(pos), got, pos)
	}
	for _, s := range []string{"", "-1", "A", "01", "1 ", "zzzzzzzzzzzzzzzzzz"} {
		if _, ok := j.Position(s); ok {
			t.Errorf("%q is a position", s)
		}
	}
}

// An entry may be as large as a message, and no larger.
func TestJournalRefuses(t *testing.T) {
	s := startJetStream(t, "max_payload: 65536")
	j, r := startJournal(t, s.URL(), Streams{})
	add(t, j, "s", 1, "small")
	add(t, j, "s", 2, strings.Repeat("x", 65536))
	add(t, j, "s", 3, strings.Repeat("x", 65000))
	add(t, j, "s", 4, "small")
	r.WaitEntries(t, 3)
	r.Wait(t, "refusal", func() bool { return len(r.Refusals) == 1 })
	if r.Refusals[0] != 2 || !slices.Equal(r.Entries, []string{"s 1", "s 3", "s 4"}) {
		t.Errorf("refused %v, appended %v", r.Refusals, r.Entries)
	}
}

// Connections that break, again and again, neither lose an entry nor make two of one.
func TestJournalCut(t *testing.T) {
	s := startJetStream(t, "")
	p := brokertest.NewProxy(t, s.Addr())
	a, ra := startJournal(t, "nats://"+p.Addr(), Streams{})
	b, rb := startJournal(t, s.URL(), Streams{})
	const n = 3000
	for i := range n {
		add(t, a, "a", i+1, strings.Repeat("x", 1000))
		add(t, b, "b", i+1, "")
		if i%500 == 100 {
			p.Cut()
			p.Heal()
			ra.WaitState(t, i/500*2+2, "back")
		}
	}
	ra.WaitEntries(t, 2*n)
	rb.WaitEntries(t, 2*n)
	natstest.SameEntries(t, ra, rb)
	if ra.Gaps+rb.Gaps != 0 {
		t.Errorf("%d gaps", ra.Gaps+rb.Gaps)
	}
}

// NATS that is killed and started again keeps files.
func TestJournalKill(t *testing.T) {
	s := startJetStream(t, "")
	j, r := startJournal(t, s.URL(), Streams{Files: true})
	n := 0
	for i := range 3 {
		for range 200 {
			n++
			add(t, j, "s", n, "")
		}
		s.Kill()
		for range 200 {
			n++
			add(t, j, "s", n, "")
		}
		s.Start()
		r.WaitState(t, 2*i+2, "back")
		r.WaitEntries(t, n)
	}
	natstest.SameEntries(t, r)
	if r.Gaps != 0 {
		t.Errorf("%d gaps", r.Gaps)
	}
}

// Where the stream was lost, positions go on behind all that there were.
func TestJournalBeginsAnew(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, s *natstest.Server, j *Journal){
		"memory": func(_ *testing.T, s *natstest.Server, _ *Journal) { s.Kill(); s.Start() },
		"deleted": func(t *testing.T, _ *natstest.Server, j *Journal) {
			for _, name := range []string{j.names[0], j.names[1]} {
				if err := j.js.DeleteStream(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startJetStream(t, "")
			j, r := startJournal(t, s.URL(), Streams{})
			add(t, j, "s", 1, "")
			add(t, j, "s", 2, "")
			r.WaitEntries(t, 2)
			lose(t, s, j)
			if name == "memory" {
				r.WaitState(t, 2, "back")
			}
			const n = 100
			for i := 3; i <= n; i++ {
				add(t, j, "s", i, "")
			}
			r.WaitEntries(t, n)
			natstest.SameEntries(t, r)
			r.Locked(func() {
				if r.Gaps != 1 {
					t.Errorf("%d gaps", r.Gaps)
				}
			})
		})
	}
}

// Entries that are gone before they were read are a gap.
func TestJournalGap(t *testing.T) {
	s := startJetStream(t, "")
	p := brokertest.NewProxy(t, s.Addr())
	_, ra := startJournal(t, "nats://"+p.Addr(), Streams{})
	b, rb := startJournal(t, s.URL(), Streams{})
	add(t, b, "b", 1, "")
	ra.WaitEntries(t, 1)
	p.Cut()
	ra.WaitState(t, 1, "away")
	add(t, b, "b", 2, "")
	rb.WaitEntries(t, 2)
	stream, err := b.js.Stream(t.Context(), b.names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(rb.Positions[1]>>indexBits+1)); err != nil {
		t.Fatal(err)
	}
	add(t, b, "b", 3, "")
	rb.WaitEntries(t, 3)
	p.Heal()
	ra.WaitEntries(t, 2)
	if ra.Gaps != 1 || ra.Entries[1] != "b 3" || rb.Gaps != 0 {
		t.Errorf("%d gaps, %v", ra.Gaps, ra.Entries)
	}
}

func TestJournalNeedsJetStream(t *testing.T) {
	s := natstest.StartServer(t, "")
	j := newJournal(t, s.URL(), Streams{})
	begin := time.Now()
	if err := j.Start(t.Context(), natstest.NewJournalRecorder()); err == nil || !strings.Contains(err.Error(), "jetstream not enabled") {
		t.Errorf("started: %v", err)
	}
	if d := time.Since(begin); d > openTimeout {
		t.Errorf("it took %v", d)
	}
}

var _ cluster.JournalReceiver = (*natstest.JournalRecorder)(nil)

// Who is started when entries are gone is told, and who has seen the last of them misses
// nothing.
func TestJournalBegins(t *testing.T) {
	s := startJetStream(t, "")
	a, ra := startJournal(t, s.URL(), Streams{})
	if _, r := startJournal(t, s.URL(), Streams{}); r.Begin != ra.Begin || r.Past != 0 {
		t.Errorf("an empty journal begins at %d and %d", ra.Begin, r.Begin)
	}
	const n = 100 // some of them in one batch
	for i := range n {
		add(t, a, "a", i+1, "")
	}
	ra.WaitEntries(t, n)
	if _, r := startJournal(t, s.URL(), Streams{}); r.Begin != ra.Begin || r.Past != n {
		t.Errorf("%d entries from %d on, want %d from %d on", r.Past, r.Begin, n, ra.Begin)
	}
	last := ra.Positions[n-1]
	stream, err := a.js.Stream(t.Context(), a.names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, empty := startJournal(t, s.URL(), Streams{})
	if empty.Begin != last {
		t.Errorf("begins at %d, want the last position, %d", empty.Begin, last)
	}
	add(t, a, "a", n+1, "")
	empty.WaitEntries(t, 1)
	if _, r := startJournal(t, s.URL(), Streams{}); r.Begin != last || r.Past != 1 || empty.Gaps+ra.Gaps != 0 {
		t.Errorf("%d entries from %d on, want one from %d on", r.Past, r.Begin, last)
	}
}

// slow is a receiver that does something for each entry.
type slow struct {
	*natstest.JournalRecorder
	hold func()
}

func (s slow) Appended(pos uint64, e wire.Entry, past bool) {
	s.hold()
	s.JournalRecorder.Appended(pos, e, past)
}

// Who reads no faster than others append begins when it has read what there was.
func TestJournalSlow(t *testing.T) {
	s := startJetStream(t, "")
	fast, heard := startJournal(t, s.URL(), Streams{})
	number := 0
	one := func() { // in a message of its own
		number++
		add(t, fast, "fast", number, "")
		heard.WaitEntries(t, number)
	}
	const past = fetchMessages + 50
	for range past {
		one()
	}
	j := newJournal(t, s.URL(), Streams{})
	r := slow{natstest.NewJournalRecorder(), one}
	begin := time.Now()
	if err := j.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); r.Past < past || r.Past > past+fetchMessages {
		t.Errorf("it has begun behind %d entries, after %v; there were %d", r.Past, d, past)
	}
}

// What a program appends that is no server is told once, in order, whatever becomes of its
// connection.
func TestAppender(t *testing.T) {
	s := startJetStream(t, "max_payload: 65536")
	_, r := startJournal(t, s.URL(), Streams{})
	p := brokertest.NewProxy(t, s.Addr())
	nc, err := Connect("nats://"+p.Addr(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	add := NewAppender(nc, "sio")
	const n = 500
	for i := range n {
		if i%100 == 50 {
			p.Cut()
			p.Heal()
		}
		if err := add(wire.Entry{UID: wire.EmitterUID, Nsp: "/", Type: "3", Data: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(wire.Entry{UID: wire.EmitterUID, Nsp: "/", Type: "3", Data: strings.Repeat("x", 65536)}); err == nil {
		t.Error("no error of what is too large")
	}
	if err := add(wire.Entry{UID: wire.EmitterUID, Nsp: "/", Type: "3", Data: "last"}); err != nil {
		t.Fatal(err)
	}
	r.WaitEntries(t, n+1)
	for i, data := range r.Data[:n] {
		if data != fmt.Sprint(i) {
			t.Fatalf("entry %d is %s", i, data)
		}
	}
	if len(r.Data) != n+1 || r.Data[n] != "last" {
		t.Errorf("%d entries, want %d and the last", len(r.Data), n)
	}
}
