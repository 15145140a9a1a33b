package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/socketio"
)

const (
	directYield   directKind = 2 // a yieldMessage: is that client there?
	directYielded directKind = 3 // the answer: first that it will be asked, then whether it is
)

const (
	// yieldPatience is how long a server may take to say that it will ask its client, and
	// yieldTimeout how long until it knows whether that is there.
	yieldPatience = time.Second
	yieldTimeout  = 6 * time.Second
	// suspectFor is how long a server that did not say so is not asked again.
	suspectFor = 2 * time.Second
)

var errNoServer = errors.New("cluster: the client's server is gone")

// A journaling is what a Cluster does with a [Journal]: it is nil without one.
type journaling struct {
	Journal
	c       *Cluster
	history history
	records *records
	asked   asked

	mu       sync.Mutex // protects the following, and the order of what is appended
	appended uint64     // how many entries
	pending  fifo.Queue[pendingEvent]
}

// A pendingEvent is one of this server that has not come back. It need not be decoded.
type pendingEvent struct {
	number uint64
	event  *socketio.Broadcast
}

// asked are those who wait for the answer of one server.
type asked struct {
	mu       sync.Mutex // protects the following
	last     uint64
	byID     map[uint64]question
	suspects map[string]time.Time // servers that have not answered, and when
}

// A question is one to a server.
type question struct {
	server string
	answer chan yieldMessage // closed if there will be none
}

// ask reports false if that server need not be asked now.
func (a *asked) ask(server string) (id uint64, answer <-chan yieldMessage, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.suspects[server]) < suspectFor {
		return 0, nil, false
	}
	a.last++
	q := question{server, make(chan yieldMessage, 2)}
	a.byID[a.last] = q
	return a.last, q.answer, true
}

func (a *asked) answer(m yieldMessage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q, ok := a.byID[m.ID]; ok && len(q.answer) < cap(q.answer) {
		q.answer <- m
	}
}

func (a *asked) forget(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byID, id)
}

func (a *asked) suspect(server string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.suspects) == maxMembers {
		clear(a.suspects)
	}
	a.suspects[server] = time.Now()
}

// gone ends what waits for a server.
func (a *asked) gone(server string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.suspects, server)
	for id, q := range a.byID {
		if q.server == server {
			close(q.answer)
			delete(a.byID, id)
		}
	}
}

func newJournaling(c *Cluster, j Journal) *journaling {
	g := &journaling{Journal: j, c: c, records: newRecords(c, j)}
	g.history.init(c.opts.HistoryBytes)
	g.asked.byID, g.asked.suspects = make(map[uint64]question), make(map[string]time.Time)
	c.directs[directYield] = g.yield
	c.directs[directYielded] = func(_ string, payload []byte) {
		var m yieldMessage
		if json.Unmarshal(payload, &m) == nil {
			g.asked.answer(m)
		}
	}
	return g
}

// A yieldMessage asks for a client, or says whether it is there.
type yieldMessage struct {
	ID    uint64 `json:"id"`
	Nsp   string `json:"nsp,omitempty"`
	PID   string `json:"pid,omitempty"`
	Known bool   `json:"known,omitempty"` // whether it is there is known
	Alive bool   `json:"alive,omitempty"` // it is
}

// maxYields bounds how many clients are asked for at a time.
const maxYields = 10_000

// yield is asked by another server for a client of this one.
func (g *journaling) yield(from string, payload []byte) {
	var m yieldMessage
	if err := json.Unmarshal(payload, &m); err != nil {
		g.c.counts.malformed.Add(1)
		return
	}
	answer := func(known, alive bool) {
		data, _ := json.Marshal(yieldMessage{ID: m.ID, Known: known, Alive: alive})
		g.c.direct(from, directYielded, data)
	}
	b := g.c.channels.broker(m.Nsp)
	if b == nil || !b.local.Shares() {
		answer(true, false)
		return
	}
	if g.c.serving.yields.Add(1) > maxYields {
		g.c.serving.yields.Add(-1)
		g.c.overloaded()
		return
	}
	answer(false, false)
	g.c.wg.Go(func() { // it takes locks; ends when the client has been asked
		b.local.Yield(m.PID, func(alive bool) {
			g.c.serving.yields.Add(-1)
			answer(true, alive)
		})
	})
}

// append appends what is kept. Event is what it is about, if it will be wanted here.
func (g *journaling) append(m *wire.Message, event *socketio.Broadcast) (number uint64, err error) {
	m.UID = g.c.uid
	e, err := m.Entry()
	if err != nil {
		return 0, fmt.Errorf("cluster: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	e.Number = g.appended + 1
	if !g.Append(e) {
		g.c.lost(1, socketio.ErrJournalFull)
		return 0, socketio.ErrJournalFull
	}
	g.appended++
	if event != nil {
		g.pending.Push(pendingEvent{e.Number, event})
	}
	g.c.counts.published.Add(1)
	return e.Number, nil
}

// took returns the event of this server that has that number, if it is remembered.
func (g *journaling) took(number uint64) *socketio.Broadcast {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.pending.Len() > 0 && g.pending.All()[0].number <= number {
		if p := g.pending.Pop(); p.number == number {
			return p.event
		}
	}
	return nil
}

// Appended implements [JournalReceiver].
func (r receiver) Appended(pos uint64, e wire.Entry, past bool) {
	g := r.c.journal
	g.c.counts.received.Add(1)
	if err := g.tell(pos, &e, past); err != nil {
		g.c.malformed("the journal", err)
	}
	g.history.told(pos)
}

func (g *journaling) tell(pos uint64, e *wire.Entry, past bool) error {
	own := e.UID == g.c.uid
	if own {
		if event := g.took(e.Number); event != nil {
			g.history.add(e.Nsp, &socketio.Kept{Pos: pos, Server: e.UID, Number: e.Number, Broadcast: event})
			if b := g.c.channels.broker(e.Nsp); b != nil {
				b.local.Appended(pos, e.Number, event)
			}
			return nil
		}
	}
	var m wire.Message
	if err := e.Message(&m); err != nil {
		return err
	}
	b := g.c.channels.broker(m.Nsp)
	if m.Type != wire.TypeBroadcast {
		if own || past || b == nil {
			return nil
		}
		return b.handle(&m)
	}
	event, err := eventOf(&m)
	if err != nil {
		return err
	}
	kept := m.Kept()
	if kept {
		g.history.add(m.Nsp, &socketio.Kept{Pos: pos, Server: m.UID, Number: e.Number, Broadcast: event})
	}
	switch {
	case past || own || b == nil:
	case kept && b.local.Shares():
		b.local.Appended(pos, 0, event)
	default: // perhaps a volatile one, which servers written in JavaScript append, too
		here := *event
		here.Local = true
		return b.local.Broadcast(&here)
	}
	return nil
}

// Refused implements [JournalReceiver].
func (r receiver) Refused(number uint64, err error) {
	r.c.lost(1, err)
	for _, b := range r.c.channels.all() {
		if b.local.Shares() {
			b.local.Refused(number)
		}
	}
}

// Gap implements [JournalReceiver].
func (r receiver) Gap(upTo uint64) { r.c.journal.history.begin(upTo) }

// journalAway tells all namespaces that what is appended will wait.
func (c *Cluster) journalAway(away bool) {
	if c.journal == nil {
		return
	}
	for _, b := range c.channels.all() {
		if b.local.Shares() {
			b.local.Away(away)
		}
	}
}

// A journaled is the broker of a namespace that goes by a journal: a [socketio.Journal].
type journaled struct {
	*broker
	g *journaling
}

// Broadcast implements [socketio.Broker]: what is kept is delivered here when it comes back.
func (b *journaled) Broadcast(e *socketio.Broadcast) error {
	if e.Local {
		return b.local.Broadcast(e)
	}
	e, err := b.encoded(e)
	if err != nil {
		return err
	}
	if err := b.local.Broadcast(e); err != nil || b.local.Shares() && !e.Volatile {
		return err
	}
	m := b.message(e)
	return b.c.publish(&m)
}

// Append implements [socketio.Journal].
func (b *journaled) Append(e *socketio.Broadcast) (number uint64, err error) {
	m := b.message(e)
	return b.g.append(&m, e)
}

// At implements [socketio.Journal], as do the following.
func (b *journaled) At(pos uint64) (socketio.Kept, bool) { return b.g.history.at(b.nsp, pos) }

func (b *journaled) After(pos, upTo uint64) ([]socketio.Kept, bool) {
	return b.g.history.after(b.nsp, pos, upTo)
}

func (b *journaled) Head() uint64 { return b.g.history.first() }
func (b *journaled) Last() uint64 { return b.g.history.end() }

func (b *journaled) Await(ctx context.Context, pos uint64) error {
	return b.g.history.await(ctx, pos)
}

func (b *journaled) Offset(pos uint64) string              { return b.g.Journal.Offset(pos) }
func (b *journaled) Position(offset string) (uint64, bool) { return b.g.Journal.Position(offset) }
func (b *journaled) Server() string                        { return b.c.uid }

func (b *journaled) Find(ctx context.Context, pid string) (*socketio.Client, error) {
	if len(pid) > maxName {
		return nil, nil
	}
	data, err := b.g.Find(ctx, pid)
	if err != nil || data == nil {
		return nil, err
	}
	c, err := decodeClient(data)
	if err != nil || c.PID != pid {
		return nil, err
	}
	return c, nil
}

func (b *journaled) Take(ctx context.Context, c *socketio.Client, by socketio.Recordable) (bool, error) {
	r, err := encodeClient(by.Record())
	if err != nil {
		return false, err
	}
	ok, err := b.g.Replace(ctx, c.Raw, r)
	if ok {
		by.Written()
	}
	return ok, err
}

func (b *journaled) Save(r socketio.Recordable, done func()) { b.g.records.save(r, done) }

// Yield asks the server of a client for it.
func (b *journaled) Yield(ctx context.Context, server, pid string) (alive bool, err error) {
	g := b.g
	if !g.c.members.has(server) {
		return false, errNoServer
	}
	if n, err := b.c.engine.Count(ctx, b.c.format.Direct(server)); err == nil && n == 0 {
		return false, errNoServer
	}
	id, answer, ok := g.asked.ask(server)
	if !ok {
		return false, errNoServer
	}
	defer g.asked.forget(id)
	data, err := json.Marshal(yieldMessage{ID: id, Nsp: b.nsp, PID: pid})
	if err != nil {
		return false, err
	}
	g.c.direct(server, directYield, data)
	timer := time.NewTimer(yieldPatience)
	defer timer.Stop()
	for {
		select {
		case m, ok := <-answer:
			switch {
			case !ok:
				return false, errNoServer
			case m.Known:
				return m.Alive, nil
			}
			timer.Reset(yieldTimeout)
		case <-timer.C:
			g.asked.suspect(server)
			return false, errNoServer
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
