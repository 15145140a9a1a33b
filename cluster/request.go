package cluster

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/cluster/wire"
)

// requests are those of this server that others have not answered yet.
type requests struct {
	last atomic.Uint64

	mu   sync.Mutex // protects the following; innermost
	byID map[string]*request
}

func (h *requests) init() { h.byID = make(map[string]*request) }

func (h *requests) find(id string) *request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byID[id]
}

func (h *requests) all() []*request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.byID))
}

// answered hands an answer to who waits for it.
func (h *requests) answered(m *wire.Message) {
	if r := h.find(m.Request); r != nil {
		r.answer(m)
	}
}

// gone tells all who wait that a server has left.
func (h *requests) gone(m Member) {
	for _, r := range h.all() {
		r.gone(m)
	}
}

// joined tells all who wait that there is a server more.
func (h *requests) joined(uid string) {
	for _, r := range h.all() {
		r.joined(uid)
	}
}

// abandon ends all requests: nobody can answer.
func (h *requests) abandon() {
	for _, r := range h.all() {
		r.abandon()
	}
}

// A request is a question to the other servers that have a namespace.
type request struct {
	id   string
	done chan struct{} // closed when everything is there that can be expected
	away chan struct{} // closed when nothing can be expected any more

	mu        sync.Mutex // protects the following
	awaited   int        // how many servers are to answer; unknown at first
	counted   bool       // the engine has said how many, rather than members are awaited
	answers   int        // how many servers have answered
	waived    bool       // those that have not are not waited for any longer
	alone     bool       // the clients of other servers are not awaited either
	from      map[string]bool
	missing   map[string]Member                 // those that tell their names and have not answered
	take      func(m *wire.Message, first bool) // an answer; whether it is the server's first
	left      func(Member)                      // a server that has answered has left, where that matters
	settled   func() bool                       // whether there is nothing but servers to wait for
	complete  bool
	ended     bool            // away is closed
	fewer     int             // servers that left before it was known how many are awaited
	changed   bool            // a server has joined or left: perhaps it is counted, and perhaps not
	news      map[string]bool // those that have joined, by their ids
	strangers int             // answers of servers that were not known, before it was known whether they count
	final     bool            // it does not matter any more that it did
	grace     *time.Timer
}

// changeGrace is how long servers that have not answered are waited for, though enough have,
// if one has joined or left meanwhile: its answer may have been counted as another's.
const changeGrace = 200 * time.Millisecond

// unknown is a number of servers that is not known.
const unknown = -1

// open makes a request, whose answers are taken from now on.
func (c *Cluster) open(take func(m *wire.Message, first bool)) *request {
	r := &request{
		id:      c.uid + strconv.FormatUint(c.requests.last.Add(1), 36),
		done:    make(chan struct{}),
		away:    make(chan struct{}),
		awaited: unknown,
		from:    make(map[string]bool),
		take:    take,
	}
	r.mu.Lock() // who leaves from here on is told to r
	c.requests.mu.Lock()
	c.requests.byID[r.id] = r
	c.requests.mu.Unlock()
	r.missing, r.changed = c.members.all(), c.members.joining()
	r.mu.Unlock()
	if c.away.Load() != nil || c.ctx.Err() != nil {
		r.abandon()
	}
	return r
}

func (c *Cluster) shut(r *request) {
	c.requests.mu.Lock()
	delete(c.requests.byID, r.id)
	c.requests.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete = true
	if r.grace != nil {
		r.grace.Stop()
	}
}

func (r *request) answer(m *wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.complete {
		return
	}
	first := m.Type != wire.TypeClientAnswer && !r.from[m.UID]
	r.take(m, first)
	if first && !m.More {
		switch _, due := r.missing[m.UID]; {
		case due || r.counted:
			r.answers++
		case r.awaited == unknown:
			r.answers++
			r.strangers++
		default: // it has just joined, and is not waited for
		}
		if m.UID != "" {
			r.from[m.UID] = true
		}
		delete(r.missing, m.UID)
	}
	r.checkLocked()
}

// expect tells how many servers there are to answer; n is -1 if those whose names are known
// are all. Changed says that a server has come or gone meanwhile.
func (r *request) expect(n int, changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited, r.counted, r.changed = max(0, n-r.fewer), n >= 0, r.changed || changed
	if !r.counted {
		r.answers -= r.strangers
		r.awaited = r.answers + len(r.missing)
	}
	r.checkLocked()
}

func (r *request) gone(m Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = true
	if _, due := r.missing[m.UID]; due || r.counted && r.news[m.UID] && !r.from[m.UID] {
		known := len(r.missing)
		if !due {
			known++
		}
		delete(r.missing, m.UID)
		delete(r.news, m.UID)
		switch {
		case r.counted && r.awaited-r.answers < known: // not all of them have the namespace: perhaps it was not counted
		case r.awaited > 0:
			r.awaited--
		case r.awaited == unknown:
			r.fewer++
		}
	} else if r.left != nil {
		r.left(m)
	}
	r.checkLocked()
}

func (r *request) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.ended = true
		close(r.away)
	}
}

func (r *request) checkLocked() {
	if r.complete || !r.waived && (r.awaited < 0 || r.answers < r.awaited) || r.settled != nil && !r.settled() {
		return
	}
	if r.counted && r.changed && !r.final && !r.waived && len(r.missing) > 0 {
		if r.grace == nil {
			r.grace = time.AfterFunc(changeGrace, r.finalize)
		}
		return
	}
	r.complete = true
	close(r.done)
}

func (r *request) finalize() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.final = true
	r.checkLocked()
}

// joined notes that there is one more server.
func (r *request) joined(uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = true
	if r.news == nil {
		r.news = make(map[string]bool)
	}
	r.news[uid] = true
}

// partial returns the error about the servers that have not answered, or nil.
func (r *request) partial(why error) *PartialError {
	r.mu.Lock()
	defer r.mu.Unlock()
	missing := unknown
	if r.awaited >= 0 {
		missing = max(0, r.awaited-r.answers)
	}
	if missing == 0 {
		return nil
	}
	e := &PartialError{Missing: missing, Err: why}
	for _, m := range r.missing {
		e.name(m.Name)
	}
	return e
}

// put publishes a question, and asks the engine how many others are to answer: before, since
// one that subscribes behind the question would be waited for in vain; and behind it, since
// the answer of one that has subscribed in between is another's only by its number.
func (c *Cluster) put(ctx context.Context, r *request, m *wire.Message) (counting, publishing error) {
	channel := c.format.Counted(m.Nsp)
	before, counting := c.engine.Count(ctx, channel)
	if err := c.publish(m); err != nil {
		return nil, err
	}
	behind := before
	if counting == nil && before >= 0 {
		behind, counting = c.engine.Count(ctx, channel)
	}
	if counting == nil {
		c.members.awaited.Store(before < 0)
		n := min(before, behind)
		if n > 0 {
			n-- // this one
		}
		r.expect(n, behind != before)
	}
	return counting, nil
}

// ask sends a question to the other servers, and returns when all have answered or ctx, or
// RequestsTimeout, has ended. Take is called for each answer, not at the same time.
func (b *broker) ask(ctx context.Context, m *wire.Message, take func(*wire.Message)) error {
	c := b.c
	ctx, cancel := context.WithTimeout(ctx, c.opts.RequestsTimeout)
	defer cancel()
	r := c.open(func(m *wire.Message, first bool) {
		if first {
			take(m)
		}
	})
	defer c.shut(r)
	m.Request = r.id
	if !r.hopeless() {
		bad, err := c.put(ctx, r, m)
		if err != nil {
			return err
		}
		if bad != nil && ctx.Err() == nil && !r.hopeless() {
			return r.finish(bad)
		}
	}
	select {
	case <-r.done:
		return nil
	case <-r.away:
		return r.finish(c.unreachable())
	case <-ctx.Done():
		return r.finish(context.Cause(ctx))
	}
}

// hopeless reports whether nobody can answer.
func (r *request) hopeless() bool {
	select {
	case <-r.away:
		return true
	default:
		return false
	}
}

// finish takes no more answers, and returns the error about those that are missing.
func (r *request) finish(why error) error {
	r.mu.Lock()
	r.complete = true
	r.mu.Unlock()
	if e := r.partial(why); e != nil {
		return e
	}
	return nil
}
