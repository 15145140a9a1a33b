package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// TestGreetings has all servers come back at the same time: what each of them hears is
// in proportion to how many they are, and not to its square.
func TestGreetings(t *testing.T) {
	in(t, "all at once", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		const n = 40
		var servers []*server
		for range n {
			servers = append(servers, newServer(t, hub, f, nil, nil))
		}
		time.Sleep(time.Minute)
		for _, s := range servers {
			s.engine.Cut()
		}
		synctest.Wait()
		before := servers[0].cl.Stats().Received
		for _, s := range servers {
			s.engine.Heal()
		}
		time.Sleep(time.Second)
		heard := servers[0].cl.Stats().Received - before
		if heard < n-1 || heard > 5*n {
			t.Errorf("a server has heard %d messages of %d others", heard, n-1)
		}
		if got := len(servers[0].cl.Members()); got != n-1 {
			t.Errorf("%d members", got)
		}
	})
}

// A stallingEngine stands still for as long as it is told to, once.
type stallingEngine struct {
	*memory.Engine
	stall atomic.Int64
}

func (e *stallingEngine) Publish(channel string, data []byte, volatile bool) {
	time.Sleep(time.Duration(e.stall.Swap(0)))
	e.Engine.Publish(channel, data, volatile)
}

// TestStandstill has a process stand still, as one does that is stopped and continued. What
// came meanwhile, it finds afterwards.
func TestStandstill(t *testing.T) {
	in(t, "a minute", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		newServer(t, hub, f, &cluster.Options{Name: "b"}, nil)
		e := &stallingEngine{Engine: hub.Engine()}
		a, err := cluster.New(t.Context(), e, f, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		time.Sleep(time.Minute)
		e.stall.Store(int64(time.Minute))
		e.Freeze()
		time.Sleep(time.Minute + 5*time.Second) // longer than it stands still
		synctest.Wait()
		if got := a.Members(); len(got) != 1 {
			t.Errorf("members %v", got)
		}
		e.Thaw()
	})
}

// TestMet has a server answer that nobody has heard of, where members are awaited: from
// then on it is one of them, and is asked for its name.
func TestMet(t *testing.T) {
	in(t, "one that answers", func(t *testing.T) {
		hub, f := memory.NewCountlessHub(), wire.Subjects("")
		a := newServer(t, hub, f, nil, nil)
		x := newStranger(t, hub, f.Servers())
		answer := &wire.Message{Type: wire.TypeCounted, UID: "x", To: a.cl.UID(), Nsp: "/", Request: "r"}
		data, err := f.Append(nil, answer)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := a.Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		x.heard()
		x.says(f.Channel(answer), string(data))
		if got := x.heard(); len(got) != 1 || !strings.Contains(got[0], `"type":1`) {
			t.Errorf("heard %q, want a question for names", got)
		}
		if got := a.cl.Members(); len(got) != 1 || got[0].UID != "x" {
			t.Errorf("members %v", got)
		}
		// What it was about to say when it left arrives behind that.
		x.says(f.Servers(), `{"type":13,"uid":"x"}`)
		x.says(f.Channel(answer), string(data))
		x.says(f.Servers(), `{"type":2,"uid":"x","name":"x"}`)
		if got := x.heard(); strings.Contains(strings.Join(got, ""), `"type":1,`) {
			t.Errorf("heard %q, and nobody is there to tell a name", got)
		}
		if got := a.cl.Members(); len(got) != 0 {
			t.Errorf("members %v", got)
		}
	})
}

// TestLateAnswer has a server leave, and what it was just answering come behind its farewell,
// while another one does not answer: that one alone is waited for, and named.
func TestLateAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		hub  func() *memory.Hub
		f    wire.Format
	}{
		{"that are counted", memory.NewHub, wire.Sharded("", wire.Dynamic)},
		{"that are known", memory.NewCountlessHub, wire.Subjects("")},
	} {
		for answer, ask := range map[wire.Type]func(*server, context.Context) error{
			wire.TypeClientCount: func(a *server, ctx context.Context) error { _, err := a.EmitWithAck(ctx, "q"); return err },
			wire.TypeCounted:     func(a *server, ctx context.Context) error { _, err := a.Count(ctx); return err },
		} {
			in(t, fmt.Sprint("servers ", tt.name, ", ", answer), func(t *testing.T) {
				hub, f := tt.hub(), tt.f
				a := newServer(t, hub, f, nil, nil)
				x := newStranger(t, hub, f.Servers(), f.Counted("/"))
				newStranger(t, hub, f.Counted("/"))
				x.says(f.Servers(), `{"type":2,"uid":"x","name":"x"}`)
				x.says(f.Servers(), `{"type":2,"uid":"y","name":"y"}`)
				time.Sleep(2 * time.Second)
				x.heard()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				failed, begin := make(chan error, 1), time.Now()
				go func() { failed <- ask(a, ctx) }() // ends with RequestsTimeout, or at the latest with ctx
				m := &wire.Message{Type: answer, UID: "x", To: a.cl.UID(), Nsp: "/", Count: 1}
				for _, got := range x.heard() {
					channel, data, _ := strings.Cut(got, " ")
					var q wire.Message
					if f.Decode(channel, []byte(data), &q) == nil && q.Request != "" {
						m.Request = q.Request
					}
				}
				data, err := f.Append(nil, m)
				if err != nil || m.Request == "" {
					t.Fatal(m.Request, err)
				}
				x.says(f.Servers(), `{"type":13,"uid":"x"}`)
				x.says(f.Channel(m), string(data))
				err = <-failed
				var partial *cluster.PartialError
				if !errors.As(err, &partial) || partial.Missing != 1 || !slices.Equal(partial.Servers, []string{"y"}) {
					t.Errorf("error %v", err)
				}
				if took := time.Since(begin); took > 6*time.Second {
					t.Errorf("after %v", took)
				}
			})
		}
	}
}
