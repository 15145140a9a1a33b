package embedded

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/engine"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/cluster/wire"
)

// journalEnv has the options of a server with a journal that is a process.
const journalEnv = "SIO_TEST_JOURNAL"

// runJournal serves as one if that is what this process was started for, until its input ends.
// It writes each entry that it is told of, and does what the lines that it reads say: "load"
// has it append an entry each millisecond until "stop", "leader" asks whether it leads.
func runJournal() bool {
	fields := strings.Fields(os.Getenv(journalEnv))
	if len(fields) == 0 {
		return false
	}
	o := &Options{Listen: fields[0], Peers: fields[1:], Secret: "s"}
	o.JetStream = &nats.JetStream{}
	e, s, err := newEngine(o, "sio")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	j, err := engine.NewJournal(e, engine.Streams(*o.JetStream))
	if err == nil {
		err = j.Start(context.Background(), journalPrinter{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	o.awaitWhole(s, "sio")
	fmt.Println("ready")
	uid, number, stop := rand.Text()[:8], uint64(0), make(chan struct{})
	var load sync.WaitGroup
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "load":
			load.Go(func() { // until stop
				for tick := time.Tick(time.Millisecond); ; {
					select {
					case <-stop:
						fmt.Println("appended", uid, number)
						return
					case <-tick:
						number++
						if !j.Append(wire.Entry{UID: uid, Nsp: "/", Type: "3", Number: number, Data: `{"a":1}`}) {
							fmt.Println("full")
						}
					}
				}
			})
		case "stop":
			stop <- struct{}{}
			load.Wait()
		case "leader":
			fmt.Println("leader", s.JetStreamIsStreamLeader("$G", "sio_journal"))
		}
	}
	j.Close()
	return true
}

// A journalPrinter is a receiver that writes what was appended.
type journalPrinter struct{ printer }

func (journalPrinter) Appended(pos uint64, e wire.Entry, past bool) {
	fmt.Println("entry", pos, e.UID, e.Number, past)
}
func (journalPrinter) Refused(number uint64, err error) { fmt.Println("refused", number, err) }
func (journalPrinter) Gap(upTo uint64)                  { fmt.Println("gap", upTo) }

// tail returns the lines that begin with a word, from the given one on, without it.
func (p *process) tail(word string, from int) (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if rest, ok := strings.CutPrefix(l, word+" "); ok {
			if from--; from < 0 {
				lines = append(lines, rest)
			}
		}
	}
	return lines
}

// ask sends a line, and waits for one that begins with the answer.
func (p *process) ask(line, answer string) string {
	p.t.Helper()
	n := len(p.tail(answer, 0))
	p.publish(line)
	wait(p.t, answer, func() bool { return len(p.tail(answer, 0)) > n })
	return p.tail(answer, n)[0]
}

// leaderOf waits until one of them leads, and returns it.
func leaderOf(t testing.TB, processes []*process) (leader *process) {
	t.Helper()
	wait(t, "a leader", func() bool {
		for _, p := range processes {
			if p.ask("leader", "leader") == "true" {
				leader = p
			}
		}
		return leader != nil
	})
	return leader
}

// sameEntries fails unless all processes were told of the same entries, from the last of their
// first ones on, and those of each server by number, without one missing.
func sameEntries(t testing.TB, processes []*process) {
	t.Helper()
	all := make([][]string, len(processes))
	begin := 0
	for i, p := range processes {
		for _, l := range p.tail("entry", 0) {
			all[i] = append(all[i], l[:strings.LastIndex(l, " ")])
		}
		if len(all[i]) == 0 {
			t.Fatalf("process %d has none", i)
		}
		var pos int
		fmt.Sscan(all[i][0], &pos)
		begin = max(begin, pos)
	}
	for i := range all {
		all[i] = slices.DeleteFunc(all[i], func(e string) bool {
			var pos int
			fmt.Sscan(e, &pos)
			return pos < begin
		})
		if !slices.Equal(all[i], all[0]) {
			t.Errorf("process %d was told of %d entries, which are not the %d of the first", i, len(all[i]), len(all[0]))
		}
	}
	last := make(map[string]uint64)
	for _, e := range all[0] {
		var pos, number uint64
		var uid string
		fmt.Sscan(e, &pos, &uid, &number)
		if before, ok := last[uid]; ok && number != before+1 {
			t.Errorf("entry %d of %s follows %d", number, uid, before)
		}
		last[uid] = number
	}
}

// Who leads is killed under load, twice: what the others append is there, once and in order,
// and who comes back is told of it, too.
func TestJournalKill(t *testing.T) {
	t.Run("3 servers that start together", func(t *testing.T) { testJournalKill(t, 3, true) })
	t.Run("5 servers that start one by one", func(t *testing.T) { testJournalKill(t, 5, false) })
}

func testJournalKill(t *testing.T, servers int, together bool) {
	t.Setenv("TMPDIR", t.TempDir()) // for what those that are killed leave behind
	var addrs []string
	for range servers {
		addrs = append(addrs, fmt.Sprint("127.0.0.1:", natstest.FreePort(t)))
	}
	begin := time.Now()
	processes := make([]*process, servers)
	var starts sync.WaitGroup
	for i, addr := range addrs {
		processes[i] = &process{t: t, env: journalEnv, args: append([]string{addr}, addrs...)}
		t.Cleanup(processes[i].kill)
		if starts.Go(processes[i].start); !together {
			starts.Wait()
		}
	}
	starts.Wait()
	t.Logf("all are ready after %v", time.Since(begin))
	load := func(p *process) {
		p.publish("load")
		wait(t, "entries", func() bool { return len(p.tail("entry", 0)) > 0 })
	}
	for _, p := range processes {
		load(p)
	}
	for range 2 {
		leader := leaderOf(t, processes)
		leader.kill()
		killed := time.Now()
		var others []*process
		for _, p := range processes {
			if p != leader {
				others = append(others, p)
			}
		}
		n := len(others[0].tail("entry", 0))
		wait(t, "more entries", func() bool { return len(others[0].tail("entry", 0)) > n+10 })
		t.Logf("appended again %v after the leader was killed", time.Since(killed))
		begin := time.Now()
		leader.start()
		load(leader)
		t.Logf("the leader is back, and appends, after %v", time.Since(begin))
	}
	total := 0
	var lasts []string // the last entry of each
	for _, p := range processes {
		var uid string
		var n int
		fmt.Sscan(p.ask("stop", "appended"), &uid, &n)
		lasts = append(lasts, fmt.Sprint(" ", uid, " ", n, " "))
		total += n
	}
	for _, p := range processes {
		for _, last := range lasts {
			wait(t, "the last entry", func() bool {
				return slices.ContainsFunc(p.tail("entry", 0), func(e string) bool { return strings.Contains(e, last) })
			})
		}
		if l := p.tail("full", 0); len(l) > 0 {
			t.Errorf("its queue was full %d times", len(l))
		}
	}
	sameEntries(t, processes)
	t.Logf("%d entries", total)
}
