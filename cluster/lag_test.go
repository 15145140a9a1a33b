package cluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

func TestLag(t *testing.T) {
	in(t, "an engine that stands still", func(t *testing.T) {
		for name, f := range map[string]wire.Format{"sharded": wire.Sharded("", wire.Dynamic), "classic": wire.Classic("", wire.ClassicOptions{})} {
			hub := memory.NewHub()
			a := newServer(t, hub, f, nil, nil)
			b := newServer(t, hub, f, nil, nil)
			time.Sleep(time.Minute + 2*time.Second)
			if st := a.cl.Stats(); st.Lag != 0 || st.Silence != 2*time.Second {
				t.Errorf("%s: lag %v, silence %v, want 0 and 2s", name, st.Lag, st.Silence)
			}
			a.engine.Freeze() // it sends and hears nothing, and does not know
			time.Sleep(7 * time.Second)
			if st := a.cl.Stats(); st.Lag != 4*time.Second || st.Silence != 9*time.Second {
				t.Errorf("%s: lag %v, silence %v, want 4s and 9s", name, st.Lag, st.Silence)
			}
			a.engine.Thaw()
			time.Sleep(time.Second)
			if st := a.cl.Stats(); st.Lag != 4*time.Second {
				t.Errorf("%s: lag %v, want that of the heartbeat that was late", name, st.Lag)
			}
			time.Sleep(5 * time.Second)
			if st := a.cl.Stats(); st.Lag != 0 {
				t.Errorf("%s: lag %v, though the last heartbeat was not late", name, st.Lag)
			}
			if st := b.cl.Stats(); st.Lag != 0 {
				t.Errorf("%s: lag %v of a server that nothing has happened to", name, st.Lag)
			}
		}
	})
}

// A distantEngine brings nothing back, and is asked.
type distantEngine struct {
	*memory.Engine
	away time.Duration
}

func (e *distantEngine) RoundTrip(ctx context.Context) error {
	select {
	case <-time.After(e.away):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestLagOfEnginesThatAreAsked(t *testing.T) {
	in(t, "seven seconds", func(t *testing.T) {
		c, err := cluster.New(t.Context(), &distantEngine{memory.NewHub().Engine(), 7 * time.Second}, wire.Sharded("", wire.Dynamic), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		time.Sleep(8 * time.Second)
		if got := c.Stats().Lag; got != 7*time.Second {
			t.Errorf("lag %v, want 7s", got)
		}
		time.Sleep(10 * time.Second) // from 10 s on it is asked again
		if got := c.Stats().Lag; got != 7*time.Second {
			t.Errorf("lag %v, want 7s", got)
		}
	})
}
