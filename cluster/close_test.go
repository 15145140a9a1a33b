package cluster_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// A writer is a log that calls a function for each line.
type writer func()

func (w writer) Write(p []byte) (int, error) { w(); return len(p), nil }

// TestClose has a Cluster closed at times when something is going on.
func TestClose(t *testing.T) {
	f := wire.Sharded("", wire.Dynamic)
	in(t, "what waits is lost, and told", func(t *testing.T) {
		hub := memory.NewHub()
		var told cluster.Loss
		a := newServer(t, hub, f, &cluster.Options{OnLoss: func(l cluster.Loss) {
			told.Sent += l.Sent
			told.Err = l.Err
		}}, nil)
		a.engine.Cut()
		synctest.Wait()
		for range 3 {
			if err := a.Emit("e"); err != nil {
				t.Error(err)
			}
		}
		if err := a.cl.Close(); err != nil {
			t.Error(err)
		}
		if told.Sent < 3 || told.Err == nil || a.cl.Stats().Lost != uint64(told.Sent) {
			t.Errorf("told %+v, %+v", told, a.cl.Stats())
		}
	})
	in(t, "twice at once, with a handler that runs", func(t *testing.T) {
		hub := memory.NewHub()
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		ended := time.Time{}
		b.OnServerEvent("e", func(context.Context, *sio.Namespace, sio.Args) (any, error) {
			time.Sleep(500 * time.Millisecond)
			ended = time.Now()
			return nil, nil
		})
		if err := a.ServerSideEmit("e"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := b.cl.Close(); err != nil || ended.IsZero() {
					t.Errorf("%v, before the handler has ended: %t", err, ended.IsZero())
				}
			})
		}
		wg.Wait()
	})
	in(t, "with a handler that never ends", func(t *testing.T) {
		hub := memory.NewHub()
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		end := make(chan struct{})
		b.OnServerEvent("e", func(context.Context, *sio.Namespace, sio.Args) (any, error) { <-end; return nil, nil })
		if err := a.ServerSideEmit("e"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		start := time.Now()
		if err := b.cl.Close(); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		close(end)
	})
	in(t, "with requests under way, and later ones", func(t *testing.T) {
		hub := memory.NewHub()
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		synctest.Wait()
		b.engine.Freeze()
		done := make(chan error)
		go func() {
			_, err := a.Sockets(t.Context())
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		if err := a.cl.Close(); err != nil {
			t.Error(err)
		}
		_, later := a.Count(t.Context())
		for _, err := range []error{<-done, later} {
			var partial *cluster.PartialError
			if !errors.Is(err, cluster.ErrClosed) || errors.Is(err, cluster.ErrAway) || !errors.As(err, &partial) {
				t.Errorf("error %v", err)
			}
		}
		if time.Since(start) > 0 {
			t.Errorf("it took %v", time.Since(start))
		}
		b.engine.Thaw()
	})
}

// TestLogs has a log that uses the cluster itself.
func TestLogs(t *testing.T) {
	in(t, "emits what it is told", func(t *testing.T) {
		hub := memory.NewHub()
		var a *server
		var lines atomic.Int32
		var ready atomic.Bool
		logger := zerolog.New(writer(func() {
			if lines.Add(1) < 100 && ready.Load() {
				_ = a.Volatile().Emit("log") // which is lost, too
			}
		}))
		a = newServer(t, hub, wire.Sharded("", wire.Dynamic), &cluster.Options{Logger: &logger, OnLoss: func(cluster.Loss) { <-t.Context().Done() }}, nil)
		lines.Store(0)
		ready.Store(true)
		a.engine.Cut()
		synctest.Wait()
		if err := a.Volatile().Emit("e"); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait() // for what is told at this very moment
		if n := lines.Load(); n < 5 || n > 15 {
			t.Errorf("%d lines in ten seconds", n)
		}
		a.engine.Heal()
	})
}

// A journal that hangs is one whose records are not written, as long as stuck.
type hangingJournal struct {
	*memory.Journal
	stuck atomic.Bool
}

func (j *hangingJournal) Save(ctx context.Context, records []cluster.Record) ([]bool, error) {
	if j.stuck.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return j.Journal.Save(ctx, records)
}

// TestCloseAsEngineGoes closes a Cluster just before it is known that the engine is away: it does
// not wait for that as long as for one that is there.
func TestCloseAsEngineGoes(t *testing.T) {
	hub := memory.NewHub()
	j := &hangingJournal{Journal: hub.Journal()}
	a := newMemberBy(t, j.Journal, j, time.Minute)
	r := (&roamer{t: t}).come(a)
	until(t, "the record", func() bool { return saved(t, a, r.pid, "room") })
	j.stuck.Store(true)
	ok(t, a.Shutdown(t.Context())) // the client is away: a record to write
	closed := make(chan struct{})
	began := time.Now()
	go func() {
		_ = a.cl.Close()
		close(closed)
	}()
	time.Sleep(100 * time.Millisecond)
	select {
	case <-closed:
		t.Error("closed, though a record waits")
	default:
	}
	j.Cut()
	<-closed
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}
