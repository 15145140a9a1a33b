package cluster

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/socketio"
)

// inquire sends an event to the clients of all servers, and collects their answers.
func (b *broker) inquire(ctx context.Context, e *socketio.Broadcast) ([]socketio.Answer, error) {
	c := b.c
	var got []socketio.Answer
	clients, told := -1, 0       // of this server
	all := make(chan struct{})   // closed when these are the same
	owed := make(map[string]int) // answers, by server
	var lost []string            // servers that left before their clients had answered
	r := c.open(func(m *wire.Message, first bool) {
		switch {
		case m.Type == wire.TypeClientAnswer:
			owed[m.UID]--
			got = append(got, b.answered(m))
		case first:
			owed[m.UID] += max(0, m.Count)
		}
	})
	defer c.shut(r)
	r.mu.Lock()
	r.settled = func() bool {
		for _, n := range owed {
			if n > 0 && !r.alone {
				return false
			}
		}
		return clients == told
	}
	r.left = func(m Member) {
		if owed[m.UID] > 0 {
			lost = append(lost, m.Name)
			delete(owed, m.UID)
		}
	}
	r.mu.Unlock()
	local, err := b.local.Inquire(e, func(a socketio.Answer) {
		r.mu.Lock()
		defer r.mu.Unlock()
		got = append(got, a)
		told++
		if told == clients {
			close(all)
		}
		r.checkLocked()
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	if clients = local.Len(); clients == told {
		close(all)
	}
	r.mu.Unlock()
	m := b.message(e)
	m.Request = r.id
	if end, ok := ctx.Deadline(); ok {
		m.Flags.Timeout = max(time.Millisecond, time.Until(end))
	}
	err = b.awaitClients(ctx, r, &m)
	if err != nil {
		local.Stop(err)
		<-all // the last have come at the same time
		c.try(&wire.Message{Type: wire.TypeStop, Nsp: b.nsp, Request: r.id})
	}
	partial := r.partial(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete = true
	if len(lost) > 0 {
		if partial == nil {
			partial = &PartialError{Err: cmp.Or(err, errLeft)}
		}
		if partial.Missing != unknown {
			partial.Missing += len(lost)
		}
		for _, name := range lost {
			partial.name(name)
		}
	}
	if partial != nil {
		err = partial
	}
	return got, err
}

var errLeft = errors.New("left before its clients had answered")

// awaitClients asks the other servers, and waits until they have said whom they have asked,
// for RequestsTimeout at most, and for the clients. It returns why some are not waited for
// any longer.
func (b *broker) awaitClients(ctx context.Context, r *request, m *wire.Message) (why error) {
	soon, cancel := context.WithTimeout(ctx, b.c.opts.RequestsTimeout)
	defer cancel()
	if !r.hopeless() {
		bad, err := b.c.put(soon, r, m)
		if err != nil {
			return err
		}
		if bad != nil && soon.Err() == nil && !r.hopeless() {
			r.excuse(false)
			why = bad
		}
	}
	late, away := soon.Done(), r.away
	for {
		select {
		case <-r.done:
			if late == nil && why == nil && r.partial(nil) != nil {
				why = context.Cause(soon)
			}
			return why
		case <-away:
			away = nil
			r.excuse(true)
			why = b.c.unreachable()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			late = nil
			r.excuse(false)
		}
	}
}

// excuse waits no longer for servers that have not answered, or for the clients of any.
func (r *request) excuse(clients bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waived = true
	r.alone = r.alone || clients
	r.checkLocked()
}
