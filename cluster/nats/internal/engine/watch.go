package engine

import (
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// watch follows the connection's state, until Close. What there is no room for in the channel
// nats.go does not tell: when it is empty, what the connection is counts.
func (e *Engine) watch() {
	w := watcher{e: e}
	for {
		select {
		case s := <-e.status:
			w.see(s)
			// Nats.go tells of a state before it is in it: what came since Status is in the channel.
			for w.away && e.nc.Status() == nats.CONNECTED && len(e.status) == 0 && e.ctx.Err() == nil {
				w.see(nats.CONNECTED)
			}
		case <-w.resume:
			e.gone.Store(false)
			nudge(e.out.wake)
		case <-e.ctx.Done():
			return
		}
	}
}

// A watcher knows what was told of the connection.
type watcher struct {
	e      *Engine
	away   bool
	resume <-chan time.Time // when what is queued is sent; nil if it is, or is not to be
}

// see is told what the connection has become.
func (w *watcher) see(s nats.Status) {
	e := w.e
	switch {
	case s == nats.CONNECTED:
		if w.away && e.resubscribed() {
			w.away = false
			e.inbox.push(event{}, 0)
			nudge(e.returned)
			w.resume = time.After(e.hold())
		}
	case !w.away || s == nats.CLOSED:
		w.away = true
		e.gone.Store(true)
		w.resume = nil
		n, err := e.flight.lose(), nats.ErrConnectionClosed // first: another connection may be there soon
		if s != nats.CLOSED {
			err = e.cause()
		}
		if n > 0 {
			e.r.Lost(n, err)
		}
		e.inbox.push(event{away: err}, 0)
	}
}

// hold returns how long what is queued waits when the connection is back. If the server
// was away for all, the others have to subscribe again before they can hear of it, and
// try to connect at about the same intervals.
func (e *Engine) hold() time.Duration {
	o := &e.nc.Opts
	return min(o.ReconnectWait+max(o.ReconnectJitter, o.ReconnectJitterTLS)+100*time.Millisecond, maxHold)
}

// cause waits for the reason why the connection was lost, which nats.go tells its handler
// just after the state has changed.
func (e *Engine) cause() error {
	select {
	case err := <-e.causes:
		if err != nil {
			return err
		}
	case <-time.After(time.Second):
	case <-e.ctx.Done():
	}
	return nats.ErrDisconnected
}

// resubscribed is called when there is a connection, before nats.go has subscribed anew,
// which it does under a lock. When the server has answered what is sent behind that, all of
// the subscriptions are there.
func (e *Engine) resubscribed() bool {
	for e.nc.Status() == nats.CONNECTED && e.ctx.Err() == nil {
		e.apply()
		if e.flush(flushTimeout) == nil {
			return true
		}
	}
	return false // another state is on its way
}

// listen adds handlers before those that the connection has.
func (e *Engine) listen() {
	lost, old := e.nc.DisconnectErrHandler(), e.nc.Opts.DisconnectedCB
	e.nc.SetDisconnectErrHandler(func(nc *nats.Conn, err error) {
		select { // an older cause
		case <-e.causes:
		default:
		}
		select {
		case e.causes <- err:
		default:
		}
		switch {
		case lost != nil:
			lost(nc, err)
		case old != nil: // which nats.go calls only if there is no other
			old(nc)
		}
	})
	failed := e.nc.ErrorHandler()
	e.nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if e.ctx.Err() == nil {
			e.failed(sub, err)
		}
		if failed != nil {
			failed(nc, sub, err)
		}
	})
}

// failed is told of errors that have no caller, also of those that are about others who use
// the connection.
func (e *Engine) failed(sub *nats.Subscription, err error) {
	switch {
	case errors.Is(err, nats.ErrSlowConsumer):
		if sub != nil && e.has(sub) {
			e.r.Missed(1, err) // one at least
		}
	case errors.Is(err, nats.ErrPermissionViolation):
		switch text := err.Error(); {
		case !strings.Contains(text, `"`+e.prefix+`.`):
		case strings.Contains(text, "for Publish"):
			e.r.Lost(1, err)
		default:
			e.r.Missed(0, err)
		}
	case errors.Is(err, nats.ErrMaxSubscriptionsExceeded):
		e.r.Missed(0, err)
	case sub == nil && e.nc.Status() == nats.CONNECTED: // a write has failed
		if n := e.flight.lose(); n > 0 {
			e.r.Lost(n, err)
		}
	}
}

func (e *Engine) has(sub *nats.Subscription) bool {
	e.applying.Lock()
	defer e.applying.Unlock()
	return e.subs[sub.Subject] == sub
}
