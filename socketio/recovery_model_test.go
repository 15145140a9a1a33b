package socketio_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// A wanderer is a guest whose connection breaks again and again, at any byte, and
// who comes back, at times before the server has noticed. It tells what it hears.
type wanderer struct {
	*guest
	rand   *rand.Rand
	heard  chan string
	back   chan struct{} // has room for one
	lives  int           // connections
	offset []string      // all that it has got
	ghosts []net.Conn
}

// wander runs until the event "end".
func (w *wanderer) wander(t *testing.T, h *host) {
	defer close(w.heard)
	defer func() {
		for _, c := range w.ghosts {
			c.Close()
		}
	}()
	for {
		var err error
		if w.client, err = h.tryWS(); err != nil {
			t.Error(err)
			return
		}
		if w.rand.IntN(4) == 0 {
			w.ghosts = append(w.ghosts, w.conn)
		}
		breaks := func() { w.br = bufio.NewReader(io.LimitReader(w.br, int64(1+w.rand.IntN(2500)))) }
		again := w.lives > 0
		if again { // the first answer is not lost: without a pid nobody can come back
			breaks()
		}
		recovered, err := w.enter()
		if !again {
			breaks()
		}
		w.lives++
		for ; err == nil; _, err = w.tryNext() {
			if !recovered && again {
				t.Errorf("client %s is not recovered", w.sid)
				return
			}
			again = false
			w.offset = append(w.offset, w.lastOffsets...)
			w.lastOffsets = nil
			select {
			case w.back <- struct{}{}:
			default:
			}
			for _, e := range w.got {
				if e == "end" {
					w.conn.Close()
					return
				}
				w.heard <- e
			}
			w.got = nil
		}
		if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("client %s: %v", w.sid, err)
			return
		}
		if n := len(w.ghosts); n == 0 || w.ghosts[n-1] != w.conn {
			w.conn.Close()
		} else if n > 3 {
			w.ghosts[0].Close()
			w.ghosts = w.ghosts[1:]
		}
	}
}

func newWanderers(t *testing.T, h *host, n *nsp, count int, seed uint64) []*wanderer {
	n.AskFor(time.Millisecond) // nobody answers whose client is back
	n.QueueAtOnce(1, nil)      // and whatever can happen while an event is queued for all, does
	var all []*wanderer
	for i := range count {
		w := &wanderer{
			guest: &guest{h: h, nsp: "/"},
			rand:  rand.New(rand.NewPCG(seed, uint64(i))),
			heard: make(chan string, 1<<16),
			back:  make(chan struct{}, 1),
		}
		all = append(all, w)
		go w.wander(t, h) // ends with "end", or the test
		<-w.back
	}
	return all
}

// greets emits while others do.
func greets(s *socketio.Socket) *socketio.Refusal {
	runtime.Gosched()
	_ = s.Emit("greeting")
	runtime.Gosched()
	return nil
}

// TestRecoveryModel compares what clients get, whose connections break at any byte,
// with what they should: exactly what was for them, in order.
func TestRecoveryModel(t *testing.T) {
	const clients, rounds = 6, 200
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 99))
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", &nsp{quiet: true})
	n.onConnect = greets
	n.onDisconnect = func(*socketio.Socket, socketio.Reason) { runtime.Gosched() }
	all := newWanderers(t, h, n, clients, seed)
	ids := make([]string, clients)
	rooms := make([]map[string]bool, clients)
	want := make([][]string, clients)
	for i, w := range all {
		ids[i] = w.sid
		rooms[i] = map[string]bool{w.sid: true}
	}
	names := append([]string{"a", "b", "c"}, ids[:2]...)
	some := func(from []string, n int) (out []string) {
		for range rnd.IntN(n + 1) {
			out = append(out, from[rnd.IntN(len(from))])
		}
		return out
	}
	in := func(i int, names []string) bool {
		return slices.ContainsFunc(names, func(r string) bool { return rooms[i][r] })
	}
	// certain learns what rooms a client is in, once it is back.
	certain := func(i int) {
		for {
			if s := n.Socket(ids[i]); s != nil {
				now := s.Rooms()
				if !s.Gone() {
					rooms[i] = map[string]bool{ids[i]: true}
					for _, r := range now {
						rooms[i][r] = true
					}
					return
				}
			}
			<-all[i].back
		}
	}
	serial := 0
	for round := range rounds {
		for range rnd.IntN(40) {
			serial++
			i := rnd.IntN(clients)
			switch rnd.IntN(10) {
			case 0, 1:
				s := n.Socket(ids[i])
				room := names[rnd.IntN(3)]
				if s != nil && s.Join(room) == nil {
					rooms[i][room] = true
				}
			case 2, 3:
				s := n.Socket(ids[i])
				room := names[rnd.IntN(3)]
				if s == nil {
					continue
				}
				s.Leave(room)
				if delete(rooms[i], room); s.Gone() { // then or since
					certain(i)
				}
			case 4:
				if s := n.Socket(ids[i]); s != nil && s.Emit("direct", serial) == nil {
					want[i] = append(want[i], fmt.Sprint("direct ", serial))
				}
			case 5:
				if s := n.Socket(ids[i]); s != nil {
					_ = s.Volatile().Emit("volatile", serial)
				}
			default:
				to, except := some(names, 3), some(names, 1)
				if rnd.IntN(5) == 0 {
					to = nil
				}
				target := n.All().Except(except...)
				if len(to) > 0 { // to no room is to nobody
					target = target.To(to...)
				}
				if err := target.Emit("cast", serial); err != nil {
					t.Error(err)
				}
				for i := range all {
					if (len(to) == 0 || in(i, to)) && !in(i, except) {
						want[i] = append(want[i], fmt.Sprint("cast ", serial))
					}
				}
			}
			if rnd.IntN(3) == 0 {
				runtime.Gosched()
			}
		}
		done(t, n.All().Emit("round", round))
		for i, w := range all {
			end := fmt.Sprint("round ", round)
			want[i] = append(want[i], end)
			got := []string{}
			for e := ""; e != end; {
				if e = timetest.Receive(t, w.heard, h.limit, end); !strings.HasPrefix(e, "volatile") && e != "greeting" {
					got = append(got, e)
				}
				if e == "" {
					t.Fatalf("seed %d: client %d ends, having heard %q, want %q", seed, i, got, want[i])
				}
			}
			if !slices.Equal(got, want[i]) {
				t.Fatalf("seed %d, round %d: client %d hears %q, want %q", seed, round, i, got, want[i])
			}
			want[i] = nil
		}
	}
	end(t, n, all)
}

// end ends the wandering.
func end(t *testing.T, n *nsp, all []*wanderer) {
	done(t, n.All().Emit("end"))
	lives := 0
	for _, w := range all {
		for range w.heard {
		}
		lives += w.lives
	}
	if lives < 10*len(all) {
		t.Errorf("only %d connections of %d clients", lives, len(all))
	}
}

// TestRecoveryOrder has many emit at the same time, to all and to one, while clients go from
// room to room: each client gets the events of each of them in order, and all of them in the
// order of their offsets.
func TestRecoveryOrder(t *testing.T) {
	const clients, emitters, rounds, events = 4, 4, 60, 8
	seed := rand.Uint64()
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", &nsp{quiet: true})
	n.onConnect = greets
	all := newWanderers(t, h, n, clients, seed)
	for _, w := range all {
		for s := n.Socket(w.sid); s == nil || s.Join("room") != nil; s = n.Socket(w.sid) { // it may have broken off, or does now
			timetest.Receive(t, w.back, h.limit, "a client that is back")
		}
	}
	for round := range rounds {
		var wg sync.WaitGroup
		for e := range emitters {
			wg.Go(func() {
				for i := range events {
					to := n.All()
					if i%2 == 0 {
						to = to.To("room")
					}
					if err := to.Emit(fmt.Sprint("e", e), i); err != nil {
						t.Error(err)
					}
					runtime.Gosched()
				}
			})
		}
		direct := make([]int, clients)
		for i, w := range all {
			wg.Go(func() {
				for range 3 { // what a client misses must not be longer than its connections last
					if s := n.Socket(w.sid); s != nil && s.Emit("direct", direct[i]) == nil {
						direct[i]++
						_ = s.Join("other")
						s.Leave("other")
					}
					runtime.Gosched()
				}
			})
		}
		wg.Wait()
		done(t, n.All().Emit("round", round))
		end := fmt.Sprint("round ", round)
		for i, w := range all {
			next := map[string]int{}
			for {
				e := timetest.Receive(t, w.heard, h.limit, end)
				if e == end {
					break
				}
				if e == "greeting" {
					continue
				}
				name, number, _ := strings.Cut(e, " ")
				if number != fmt.Sprint(next[name]) {
					t.Fatalf("seed %d: client %d hears %q, want number %d", seed, i, e, next[name])
				}
				next[name]++
			}
			if next["direct"] != direct[i] {
				t.Errorf("seed %d: client %d has heard %d events for it alone, want %d", seed, i, next["direct"], direct[i])
			}
			for e := range emitters {
				if got := next[fmt.Sprint("e", e)]; got != events {
					t.Errorf("seed %d: client %d has heard %d events of emitter %d", seed, i, got, e)
				}
			}
		}
	}
	end(t, n, all)
	for i, w := range all {
		last := ""
		for _, o := range w.offset {
			b, err := base64.RawURLEncoding.DecodeString(o)
			if err != nil || string(b) <= last {
				t.Errorf("seed %d: client %d gets offset %x behind %x", seed, i, b, last)
			}
			last = string(b)
		}
	}
}
