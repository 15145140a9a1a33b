package socketio_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// A survivor is a guest whose connection breaks at any byte, and who may have to
// begin anew. It sees whether it gets what it should: every event in order and once,
// and none less from the first one to all on, unless it begins anew.
type survivor struct {
	*guest
	rand        *rand.Rand
	lives       atomic.Int32
	back, fresh int
	last        int
	sure        bool // there is no event that is not for it
}

// live runs until the event "end".
func (v *survivor) live(t *testing.T, h *host, progress chan struct{}) {
	signal := func() {
		select {
		case progress <- struct{}{}:
		default:
		}
	}
	defer signal()
	for {
		var err error
		if v.client, err = h.tryWS(); err != nil {
			t.Error(err)
			return
		}
		v.br = bufio.NewReader(io.LimitReader(v.br, int64(1+v.rand.IntN(2500))))
		recovered, err := v.enter()
		if err == nil {
			v.lives.Add(1)
			if recovered {
				v.back++
			} else {
				v.fresh++
				v.sure = false
			}
		}
		signal()
		for ; err == nil; _, err = v.tryNext() {
			for _, e := range v.got {
				if e == "end" {
					v.conn.Close()
					return
				}
				to, number, _ := strings.Cut(e, " ")
				n, _ := strconv.Atoi(number)
				if n <= v.last || v.sure && n != v.last+1 {
					t.Errorf("client %s hears %q behind %d (for sure: %t)", v.sid, e, v.last, v.sure)
				}
				v.last, v.sure = n, v.sure || to == "all"
			}
			v.got = nil
			signal()
		}
		v.got = nil
		v.conn.Close()
		if err != io.EOF && err != io.ErrUnexpectedEOF && err != errClosed && err != errRestart { // with the latter, what it has missed is gone
			t.Errorf("client %s: %v", v.sid, err)
			return
		}
	}
}

// TestRecoveryWithFailingStore has a store that fails: clients begin anew, and some
// don't; nobody gets anything twice, out of order, or not at all.
func TestRecoveryWithFailingStore(t *testing.T) {
	for name, bytes := range map[string]int{"of many events": 300_000, "of few": 15_000} {
		t.Run(name, func(t *testing.T) {
			const clients, lives = 6, 150
			seed := rand.Uint64()
			rnd := rand.New(rand.NewPCG(seed, 99))
			store := &failingStore{jsonStore: newJSONStore(t), rand: rand.New(rand.NewPCG(seed, 98))}
			h := newHost(t, recovering(socketio.Recovery{MaxBytes: bytes, Store: func(string) recovery.Store { return store }}))
			n := h.of("/", &nsp{quiet: true})
			n.AskFor(time.Millisecond) // nobody answers whose client is back
			n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
				if !s.Recovered() {
					_ = s.Join("room")
				}
				return nil
			}
			progress := make(chan struct{}, 1)
			var all []*survivor
			var wg sync.WaitGroup
			var left atomic.Int32
			left.Store(clients)
			for i := range clients {
				v := &survivor{guest: &guest{h: h, nsp: "/"}, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
				all = append(all, v)
				wg.Go(func() {
					defer left.Add(-1)
					v.live(t, h, progress)
				})
			}
			serial := 0
			enough := func() bool {
				for _, v := range all {
					if v.lives.Load() < lives {
						return false
					}
				}
				return true
			}
			for !enough() && !t.Failed() {
				for range 1 + rnd.IntN(20) {
					serial++
					if rnd.IntN(2) == 0 {
						done(t, n.All().Emit("all", serial))
					} else {
						done(t, n.All().To("room", "elsewhere").Except("nowhere").Emit("room", serial))
					}
					runtime.Gosched()
				}
				timetest.Receive(t, progress, h.limit, "a client")
			}
			store.off.Store(true)
			for left.Load() > 0 {
				done(t, n.All().Emit("end"))
				runtime.Gosched()
			}
			wg.Wait()
			back, fresh := 0, 0
			for _, v := range all {
				back, fresh = back+v.back, fresh+v.fresh
			}
			if back < 20 || fresh < 20 {
				t.Errorf("%d recovered, %d not", back, fresh)
			}
			t.Logf("seed %d: %d recovered, %d not", seed, back, fresh)

			// It is as good as ever when the store is.
			g := h.guest("/")
			gone := n.Socket(g.sid).Context()
			g.conn.Close()
			<-gone.Done()
			done(t, n.All().Emit("missed"))
			if !g.come() {
				t.Fatal("not recovered")
			}
			g.hears("missed")
		})
	}
}
