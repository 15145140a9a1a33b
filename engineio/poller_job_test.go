//go:build linux && !portable

package engineio_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

type jobFunc func()

func (f *jobFunc) Do() { (*f)() }

// A jobHost is a server that has the poller do jobs.
type jobHost struct {
	*host
	next  atomic.Pointer[jobFunc] // the job to be done behind the next message
	after atomic.Int32            // calls of the function of AfterMessages
}

func newJobHost(t *testing.T) *jobHost {
	h := &jobHost{host: newServer(t, nil, nil)}
	h.AfterMessages(func() { h.after.Add(1) })
	h.AfterMessage(func() engineio.Job {
		if f := h.next.Swap(nil); f != nil {
			return f
		}
		return nil
	})
	h.listen()
	return h
}

// do has a client say something until the poller does f behind it. It may have no
// goroutine that stands by at first, or spare jobs.
func (h *jobHost) do(c *wsClient, p *peer, f jobFunc) {
	h.t.Helper()
	began := make(chan struct{})
	job := jobFunc(func() {
		close(began)
		f()
	})
	h.next.Store(&job)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		c.text("4job")
		p.want("job")
		select {
		case <-began:
			return
		case <-time.After(time.Millisecond):
		}
	}
	h.t.Fatal("the poller does no job")
}

// TestJobBlocks has a job block, and wants all clients read meanwhile, the functions of
// AfterMessages called, and another job done when it is over.
func TestJobBlocks(t *testing.T) {
	h := newJobHost(t)
	c, p := h.parked()
	other, otherPeer := h.parked()
	for range 3 {
		free := make(chan struct{})
		h.do(c, p, func() { <-free })
		after := h.after.Load()
		for range 3 {
			c.text("4again")
			p.want("again")
			other.text("4x")
			otherPeer.want("x")
		}
		if h.after.Load() == after {
			t.Error("nobody is told of the messages meanwhile")
		}
		if err := h.LiveAt(time.Hour); err != nil {
			t.Error(err)
		}
		close(free)
	}
}

// TestJobComputes has a job that does not stop computing before another client is read.
func TestJobComputes(t *testing.T) {
	h := newJobHost(t)
	c, p := h.parked()
	other, otherPeer := h.parked()
	for range 3 {
		time.Sleep(100 * time.Millisecond) // all is idle
		var read atomic.Bool
		over := make(chan struct{})
		h.do(c, p, func() {
			for began := time.Now(); !read.Load() && time.Since(began) < patience; {
			}
			close(over)
		})
		other.text("4x")
		otherPeer.want("x")
		read.Store(true)
		timetest.Receive(t, over, patience, "the job's end")
	}
}

// TestJobEndsGoroutine has jobs end the goroutine that does them, as FailNow does.
func TestJobEndsGoroutine(t *testing.T) {
	h := newJobHost(t)
	c, p := h.parked()
	for range 5 {
		h.do(c, p, runtime.Goexit)
	}
	c.text("4x")
	p.want("x")
	c.conn.Close()
	p.ends("transport close")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// TestJobOutlivesConnections has a job go on when all clients have left, and others come.
func TestJobOutlivesConnections(t *testing.T) {
	h := newJobHost(t)
	free := make(chan struct{})
	for range 3 {
		c, p := h.parked()
		h.do(c, p, func() { <-free })
		c.conn.Close()
		p.ends("transport close")
	}
	c, p := h.parked()
	c.text("4x")
	p.want("x")
	c.conn.Close()
	p.ends("transport close")
	done := make(chan error, 1)
	go func() { done <- h.Shutdown(context.Background()) }()
	select {
	case <-done:
		t.Error("Shutdown does not wait for jobs")
	case <-time.After(10 * time.Millisecond):
	}
	close(free)
	if err := timetest.Receive(t, done, patience, "Shutdown"); err != nil {
		t.Error(err)
	}
}

// TestJobOutlivesShutdown has a job go on for longer than Shutdown may wait, as that of a
// handler does which calls it.
func TestJobOutlivesShutdown(t *testing.T) {
	h := newJobHost(t)
	c, p := h.parked()
	free := make(chan struct{})
	h.do(c, p, func() { <-free })
	done := make(chan error, 1)
	cause := errors.New("too long")
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.Background(), 10*time.Millisecond, cause)
		defer cancel()
		done <- h.Shutdown(ctx)
	}()
	select {
	case err := <-done:
		if err != cause {
			t.Errorf("Shutdown: %v", err)
		}
	case <-time.After(patience):
		t.Error("Shutdown waits for a job beyond its context")
	}
	p.ends("server shutting down")
	close(free)
	if err := h.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
