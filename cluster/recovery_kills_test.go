package cluster_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/internal/testclient"
)

// TestKills has clients roam between servers that are killed and replaced while all of
// them emit: whoever is recovered has got everything, once and in order.
func TestKills(t *testing.T) {
	const seats, clients, kills = 3, 12, 12
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	hub := memory.NewHub()
	var mu sync.Mutex // protects members and rnd
	members := make([]*member, seats)
	for i := range members {
		members[i] = newMember(t, hub, time.Minute)
	}
	pick := func() *member {
		mu.Lock()
		defer mu.Unlock()
		return members[rnd.IntN(seats)]
	}
	nomads := make([]nomad, clients)
	var wg sync.WaitGroup
	for i := range nomads {
		w := &nomads[i]
		w.pick = pick
		wg.Go(func() { // until it hears the end
			for w.stay() != nil {
				continue
			}
		})
	}
	until(t, "the records", func() bool { return hub.Records() == clients }) // without, they begin anew
	stop := make(chan struct{})
	var emitting sync.WaitGroup
	for i := range seats {
		emitting.Go(func() { // until stop
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				mu.Lock()
				m := members[i]
				mu.Unlock()
				_ = m.To("room").Emit("event", fmt.Sprint(i, "-", n), n)
			}
		})
	}
	for range kills {
		time.Sleep(time.Duration(50+rand.IntN(100)) * time.Millisecond) // the moment is what is tried
		mu.Lock()
		i := rnd.IntN(seats)
		old := members[i]
		mu.Unlock()
		old.kill()
		next := newMember(t, hub, time.Minute)
		mu.Lock()
		members[i] = next
		mu.Unlock()
	}
	close(stop)
	emitting.Wait()
	ok(t, pick().To("room").Emit("end"))
	wg.Wait()
	var order []string // of the journal
	for _, e := range hub.Entries() {
		if _, rest, found := strings.Cut(e.Data, `["event","`); found {
			id, _, _ := strings.Cut(rest, `"`)
			order = append(order, id)
		}
	}
	events, began := 0, 0
	for i, w := range nomads {
		began += len(w.visits) - 1
		for _, got := range w.visits {
			// What its server had emitted before it came, and was to come back from the
			// journal, is not for it, though it is behind some of the others.
			got = got[min(len(got), 50):]
			if len(got) == 0 {
				continue
			}
			events += len(got)
			at := slices.Index(order, got[0])
			if at < 0 || at+len(got) > len(order) || !slices.Equal(order[at:at+len(got)], got) {
				for j, g := range got {
					if at+j >= len(order) || order[at+j] != g {
						t.Errorf("client %d: heard %q as number %d of %d, want %q", i, got[j:min(j+3, len(got))], j, len(got), order[min(at+j, len(order)):min(at+j+3, len(order))])
						break
					}
				}
			}
		}
	}
	t.Logf("%d events in the journal, %d heard, %d clients began anew", len(order), events, began)
	if began > 0 {
		t.Errorf("%d clients began anew", began)
	}
}

// A nomad is a client that comes back after each end of a connection.
type nomad struct {
	pick        func() *member
	pid, offset string
	visits      [][]string // what it has heard, anew each time that it was not recovered
}

// stay connects, and reads until it hears the end, or fails when the connection is cut.
func (w *nomad) stay() error {
	c, err := testclient.Dial(w.pick().url, testclient.Options{WebSocket: true})
	if err != nil {
		return err
	}
	defer c.Close()
	auth := ""
	if w.pid != "" {
		auth = fmt.Sprintf(`{"pid":%q,"offset":%q}`, w.pid, w.offset)
		if w.offset == "" {
			auth = fmt.Sprintf(`{"pid":%q}`, w.pid)
		}
	}
	if err := c.Send("0" + auth); err != nil {
		return err
	}
	connected := false
	var early []string
	for {
		p, err := c.Next()
		if err != nil {
			return err
		}
		if answer, ok := strings.CutPrefix(p, "0"); ok {
			var a struct{ PID string }
			if err := json.Unmarshal([]byte(answer), &a); err != nil {
				return err
			}
			if a.PID != w.pid {
				w.visits = append(w.visits, nil)
			}
			w.pid = a.PID
			connected = true
			w.heard(early...)
			continue
		}
		var args []any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(p, "2")), &args); err != nil {
			return err
		}
		w.offset = args[len(args)-1].(string)
		if args[0] == "end" {
			return nil
		}
		if !connected {
			early = append(early, args[1].(string))
			continue
		}
		w.heard(args[1].(string))
	}
}

func (w *nomad) heard(events ...string) {
	last := len(w.visits) - 1
	w.visits[last] = append(w.visits[last], events...)
}
