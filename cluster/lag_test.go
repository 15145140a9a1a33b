package cluster_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
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
			time.Sleep(500 * time.Millisecond)
			if st := a.cl.Stats(); st.Lag != 4*time.Second {
				t.Errorf("%s: lag %v, want that of the heartbeat that was late", name, st.Lag)
			}
			time.Sleep(5500 * time.Millisecond)
			if st := a.cl.Stats(); st.Lag != 0 {
				t.Errorf("%s: lag %v, though the last heartbeat was not late", name, st.Lag)
			}
			if st := b.cl.Stats(); st.Lag != 0 {
				t.Errorf("%s: lag %v of a server that nothing has happened to", name, st.Lag)
			}
		}
	})
}

// A lateEngine brings everything after a while, or never.
type lateEngine struct {
	*memory.Engine
	late     atomic.Int64 // [time.Duration]
	receiver cluster.Receiver
}

const never = time.Duration(-1)

func (e *lateEngine) Start(ctx context.Context, r cluster.Receiver) error {
	e.receiver = r
	return e.Engine.Start(ctx, lateReceiver{r, e})
}

type lateReceiver struct {
	cluster.Receiver
	e *lateEngine
}

func (r lateReceiver) Receive(sub, channel string, data []byte) {
	if late := time.Duration(r.e.late.Load()); late != never {
		time.AfterFunc(late, func() { r.Receiver.Receive(sub, channel, data) })
	}
}

// TestLagAboveTheHeartbeat has several heartbeats on their way at a time, and with one of the
// formats others messages by the same channel.
func TestLagAboveTheHeartbeat(t *testing.T) {
	for name, f := range map[string]wire.Format{"sharded": wire.Sharded("", wire.Dynamic), "subjects": wire.Subjects("")} {
		in(t, name, func(t *testing.T) {
			e := &lateEngine{Engine: memory.NewHub().Engine()}
			e.late.Store(int64(7 * time.Second))
			c, err := cluster.New(t.Context(), e, f, nil)
			if err != nil {
				t.Fatal(err)
			}
			quiet := zerolog.Nop()
			srv := sio.New(&sio.Options{Broker: c.Broker, Logger: &quiet})
			defer func() {
				if err := errors.Join(srv.Shutdown(t.Context()), c.Close()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute) // what is on its way
			}()
			wants := func(lag time.Duration) {
				t.Helper()
				if got := c.Stats().Lag; got != lag {
					t.Errorf("lag %v, want %v", got, lag)
				}
			}
			time.Sleep(6500 * time.Millisecond)
			wants(0) // nothing has come back
			for range 60 {
				time.Sleep(time.Second)
				wants(7 * time.Second)
				go srv.Of("/").Sockets(t.Context()) // which no other server answers
			}
			e.late.Store(0)
			time.Sleep(15 * time.Second)
			wants(0)

			// What was lost is not waited for.
			e.late.Store(int64(never))
			time.Sleep(6 * time.Second)
			e.receiver.Missed(1, errors.New("no room"))
			e.late.Store(0)
			time.Sleep(12 * time.Second)
			wants(0)
			e.receiver.Away(errors.New("no network"))
			e.late.Store(int64(never))
			time.Sleep(12 * time.Second)
			e.late.Store(0)
			e.receiver.Back()
			time.Sleep(12 * time.Second)
			wants(0)

			e.late.Store(int64(10 * time.Minute)) // and more are on their way than are measured
			time.Sleep(20 * time.Minute)
			wants(10 * time.Minute)
			e.late.Store(0)
			time.Sleep(20 * time.Minute)
			wants(0)
		})
	}
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
