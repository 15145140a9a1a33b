package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/cluster/memory"
)

// TestRandomStalls has clients be cut off with unread data, and go from server to server, while a
// journal stalls and goes on: each of them hears what is for it once, and in the order of who
// has emitted it. SEED runs one world alone.
func TestRandomStalls(t *testing.T) {
	const worlds = 8
	first, n := rand.Uint64N(1<<40), uint64(worlds)
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if first, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
		n = 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			newWorld(t, seed).run()
		})
	}
}

const roomServers, roomClients, roomSteps = 3, 6, 60

type world struct {
	t       *testing.T
	rnd     *rand.Rand
	hub     *memory.Hub
	members []*member
	clients []*rambler
	emitted [roomServers]int
	frozen  int // the server that the journal does not reach, or -1
	log     []string
}

// A rambler is a client that hears by a goroutine, unless it is deaf.
type rambler struct {
	*roamer
	at    int
	gate  sync.Mutex // held while it is deaf
	deaf  bool
	ended chan struct{}
	mu    sync.Mutex // protects heard
	heard []string
	want  [roomServers][]string
}

func (w *rambler) listen() {
	w.ended = make(chan struct{})
	c, ended := w.c, w.ended
	go func() { // ends with the connection
		defer close(ended)
		for {
			w.gate.Lock()
			w.gate.Unlock() //nolint:staticcheck // it waits until it may hear
			p, err := c.Next()
			if err != nil {
				return
			}
			w.take(p)
		}
	}()
}

func (w *rambler) take(p string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hear(p)
	w.heard = append(w.heard, w.got[len(w.got)-1])
}

func (w *rambler) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.heard)
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), hub: memory.NewHub(), frozen: -1}
	for range roomServers {
		w.members = append(w.members, newMember(t, w.hub, time.Minute))
	}
	until(t, "all", func() bool {
		for _, m := range w.members {
			if len(m.cl.Members()) < roomServers-1 {
				return false
			}
		}
		return true
	})
	for i := range roomClients {
		c := &rambler{roamer: &roamer{t: t}, at: i % roomServers}
		c.come(w.members[c.at])
		w.clients = append(w.clients, c)
		until(t, "the record", func() bool { return saved(t, w.members[c.at], c.pid, "room") })
	}
	for _, c := range w.clients {
		c.listen()
	}
	return w
}

func (w *world) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *world) emit() {
	s := w.rnd.IntN(roomServers)
	w.emitted[s]++
	id := fmt.Sprintf("%d-%d", s, w.emitted[s])
	to := w.clients
	switch w.rnd.IntN(4) {
	case 0:
		to = to[w.rnd.IntN(len(to)):][:1]
		ok(w.t, w.members[s].To(to[0].sid).Emit(id))
		w.note("%s to one", id)
	case 1:
		ok(w.t, w.members[s].Emit(id))
	default:
		ok(w.t, w.members[s].To("room").Emit(id))
	}
	w.note("emit %s", id)
	for _, c := range to {
		c.want[s] = append(c.want[s], id)
	}
}

func (w *world) run() {
	halted := false
	for range roomSteps {
		c := w.rnd.IntN(len(w.clients))
		switch n := w.rnd.IntN(20); {
		case n < 8:
			w.emit()
		case n == 8 || n == 9:
			if halted = !halted; halted {
				w.hub.Halt()
			} else {
				w.hub.Go()
			}
			w.note("halted %v", halted)
		case n == 10:
			w.freeze()
		case n < 13 && (halted || w.frozen >= 0):
			d := time.Duration(w.rnd.IntN(1300)) * time.Millisecond
			w.note("sleep %v", d)
			time.Sleep(d)
		case n < 15:
			if r := w.clients[c]; !r.deaf {
				r.deaf = true
				r.gate.Lock()
				w.note("client %d is deaf", c)
			}
		case n < 18:
			w.roam(c)
		default:
			time.Sleep(time.Duration(w.rnd.IntN(20)) * time.Millisecond)
		}
		if w.t.Failed() {
			break
		}
	}
	if w.frozen >= 0 {
		w.freeze()
	}
	w.hub.Go()
	w.note("go")
	for s := range w.members {
		for range 2 {
			w.emitted[s]++
			id := fmt.Sprintf("%d-%d", s, w.emitted[s])
			ok(w.t, w.members[s].To("room").Emit(id))
			for _, c := range w.clients {
				c.want[s] = append(c.want[s], id)
			}
		}
	}
	w.check()
}

// freeze has the journal not reach one server, or reach it again.
func (w *world) freeze() {
	if w.frozen >= 0 {
		w.members[w.frozen].engine.Thaw()
		w.frozen = -1
	} else {
		w.frozen = w.rnd.IntN(roomServers)
		w.members[w.frozen].engine.Freeze()
	}
	w.note("frozen is %d", w.frozen)
}

// roam has a client cut off, perhaps noticed as gone meanwhile, and come back.
func (w *world) roam(i int) {
	c := w.clients[i]
	c.c.Close()
	if c.deaf {
		c.deaf = false
		c.gate.Unlock()
	}
	<-c.ended
	w.note("client %d is cut off server %d, with %q", i, c.at, c.offset)
	if w.rnd.IntN(2) == 0 {
		for range w.rnd.IntN(4) {
			w.emit()
		}
		time.Sleep(time.Duration(w.rnd.IntN(10)) * time.Millisecond)
	}
	for c.at = w.rnd.IntN(roomServers); c.at == w.frozen; { // it would not know what the client has missed
		c.at = w.rnd.IntN(roomServers)
	}
	n := len(c.got)
	c.patient = 10
	if c.come(w.members[c.at]); !c.recovered {
		w.t.Errorf("client %d: not recovered", i)
	}
	c.heard = append(c.heard, c.got[n:]...)
	c.listen()
	w.note("client %d is back at %d", i, c.at)
}

func (w *world) check() {
	for i, c := range w.clients {
		if c.deaf {
			c.deaf = false
			c.gate.Unlock()
		}
		all := 0
		for s := range c.want {
			all += len(c.want[s])
		}
		for end := time.Now().Add(20 * time.Second); c.count() < all && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond) // for what comes twice
		c.c.Close()
		<-c.ended
		for s := range c.want {
			var got []string
			for _, h := range c.heard {
				if strings.HasPrefix(h, fmt.Sprint(s, "-")) {
					got = append(got, h)
				}
			}
			if strings.Join(got, " ") != strings.Join(c.want[s], " ") {
				w.t.Errorf("client %d, of server %d: heard\n%q, want\n%q", i, s, got, c.want[s])
			}
		}
	}
	if w.t.Failed() {
		w.t.Logf("what was done:\n%s", strings.Join(w.log, "\n"))
	}
}
