package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

const (
	// saveAtOnce is how many records are written in one round trip.
	saveAtOnce = 512
	// saveTimeout bounds it, and savePause is between two that fail.
	saveTimeout = 5 * time.Second
	savePause   = 250 * time.Millisecond
	// saveLast is for those that are left when the cluster is closed, if the engine is away.
	saveLast = time.Second
)

// records are those of this server's clients in the journal.
type records struct {
	c       *Cluster
	journal Journal
	wake    chan struct{} // has room for one
	failed  bool          // the last time; owned by run

	mu    sync.Mutex // protects the following
	due   map[socketio.Recordable]*saving
	order []socketio.Recordable
	there map[socketio.Recordable]bool // those that have to be renewed
	queue fifo.Queue[renewal]          // when, in order: all may be away for as long
}

// A saving is a record that is to be written, since when, and who waits for that.
type saving struct {
	since time.Time
	done  []func()
}

func (s *saving) tell() {
	for _, done := range s.done {
		done()
	}
}

// A renewal is when the record of a client that is there is due again.
type renewal struct {
	r     socketio.Recordable
	at    time.Time
	every time.Duration
}

func newRecords(c *Cluster, j Journal) *records {
	return &records{
		c: c, journal: j, wake: make(chan struct{}, 1),
		due: make(map[socketio.Recordable]*saving), there: make(map[socketio.Recordable]bool),
	}
}

// save has a record written soon. It does not block.
func (s *records) save(r socketio.Recordable, done func()) {
	s.mu.Lock()
	w := s.due[r]
	if w == nil {
		w = &saving{since: time.Now()}
		s.due[r] = w
		s.order = append(s.order, r)
	}
	if done != nil {
		w.done = append(w.done, done)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run writes records until the cluster is closed, and then what is left of them.
func (s *records) run() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.wake:
		case <-tick.C:
			s.renew()
		case <-s.c.ctx.Done():
			s.last()
			return
		}
		for s.write(s.c.ctx) {
		}
	}
}

// last writes what is left. It waits for an election, but not as long for an engine that is
// away, or that turns out to be.
func (s *records) last() {
	var hurry sync.WaitGroup
	defer hurry.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	hurry.Go(func() { // ends with ctx
		for s.c.away.Load() == nil && ctx.Err() == nil {
			pause(ctx, saveLast/10)
		}
		pause(ctx, saveLast)
		cancel()
	})
	s.failed = false // the last one may have been ended by the end of the cluster
	for more := true; more && !s.failed; {
		more = s.write(ctx)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// renew has those written again that are due.
func (s *records) renew() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.queue.Len() > 0 && !s.queue.All()[0].at.After(now) {
		next := s.queue.Pop()
		if !s.there[next.r] {
			continue
		}
		next.at = now.Add(next.every)
		s.queue.Push(next)
		if s.due[next.r] == nil {
			s.due[next.r] = &saving{since: now}
			s.order = append(s.order, next.r)
		}
	}
}

// write writes some of the records, and tells whether there are more.
func (s *records) write(ctx context.Context) (more bool) {
	s.mu.Lock()
	n := min(len(s.order), saveAtOnce)
	some := s.order[:n:n]
	s.order = s.order[n:]
	saved := make([]*saving, n)
	for i, r := range some {
		saved[i] = s.due[r]
		delete(s.due, r)
	}
	s.mu.Unlock()
	if n == 0 {
		return false
	}
	batch := make([]Record, 0, n)
	clients := make([]*socketio.Client, 0, n)
	for i, r := range some {
		c := r.Record()
		rec, err := encodeClient(c)
		if err != nil { // such as a room whose name is not UTF-8
			s.c.log.Sparse(zerolog.WarnLevel, "", "record").Str("nsp", logline.Text(c.Nsp, logline.NameLimit)).Str("socket", c.ID).Err(logline.Error(err)).Msg("the record of a client can't be encoded: it may not come back to another server")
			saved[i].tell()
			continue
		}
		some[len(batch)], saved[len(batch)] = r, saved[i]
		batch, clients = append(batch, rec), append(clients, c)
	}
	some, saved = some[:len(batch)], saved[:len(batch)]
	if len(batch) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	ok, err := s.journal.Save(ctx, batch)
	if s.failed = err != nil; s.failed {
		s.again(some, saved, clients)
		level := zerolog.WarnLevel
		if errors.Is(err, context.Canceled) { // by Close: they are written anew
			level = zerolog.DebugLevel
		}
		s.c.log.WithLevel(level).Err(err).Msg("records of clients can't be written: those that their server loses now may not come back")
		pause(s.c.ctx, savePause)
		return s.c.ctx.Err() == nil
	}
	for i, r := range some {
		s.wrote(r, clients[i], ok[i])
		saved[i].tell()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.order) > 0
}

// wrote notes what came of a record.
func (s *records) wrote(r socketio.Recordable, c *socketio.Client, ok bool) {
	s.mu.Lock()
	if c.Gone || c.Remove || !ok {
		delete(s.there, r)
	} else if !s.there[r] {
		s.there[r] = true
		s.queue.Push(renewal{r, time.Now().Add(c.Window / 2), c.Window / 2})
	}
	s.mu.Unlock()
	switch {
	case ok:
		r.Written()
	case !c.Remove && !c.Gone:
		r.Lost()
	}
}

// again puts records back that could not be written, but for those of clients that have left,
// and could not come back any more.
func (s *records) again(some []socketio.Recordable, saved []*saving, clients []*socketio.Client) {
	var over []*saving
	defer func() {
		for _, w := range over {
			w.tell()
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range some {
		if c := clients[i]; (c.Gone || c.Remove) && time.Since(saved[i].since) > c.Window {
			over = append(over, saved[i])
			delete(s.there, r)
			continue
		}
		if w := s.due[r]; w != nil {
			w.since, w.done = saved[i].since, append(saved[i].done, w.done...)
			continue
		}
		s.due[r] = saved[i]
		s.order = append(s.order, r)
	}
}

// An extra is what a record has that servers written in JavaScript don't know.
type extra struct {
	Nsp     string                     `json:"nsp"`
	Server  string                     `json:"server"`
	Gone    bool                       `json:"gone,omitempty"`
	Spans   []recovery.Room            `json:"spans,omitempty"`
	Keys    map[string]json.RawMessage `json:"keys,omitempty"`
	Born    uint64                     `json:"born"`
	Added   uint64                     `json:"added"`
	At      uint64                     `json:"at"`
	Got     uint64                     `json:"got"`
	Ahead   uint64                     `json:"ahead,omitempty"`
	AheadAt uint64                     `json:"aheadAt,omitempty"`
	Early   map[string]uint64          `json:"early,omitempty"`
}

func encodeClient(c *socketio.Client) (Record, error) {
	r := Record{PID: c.PID, New: c.New, Remove: c.Remove, TTL: c.Window}
	if !c.Gone { // it is renewed in half that time, if its server lives
		r.TTL += c.Window/2 + 10*time.Second
	}
	x, err := json.Marshal(extra{
		Nsp: c.Nsp, Server: c.Server, Gone: c.Gone, Spans: c.Spans, Keys: raw(c.Keys),
		Born: c.Born, Added: c.Added, At: c.At, Got: c.Got, Ahead: c.Ahead, AheadAt: c.AheadAt, Early: c.Early,
	})
	if err != nil {
		return r, err
	}
	values, err := json.Marshal(raw(c.Values))
	if err != nil {
		return r, err
	}
	r.Data, err = wire.AppendSession(nil, &wire.Session{Lease: c.Lease[:wire.LeaseSize], SID: c.ID, PID: c.PID, Rooms: c.Rooms, Data: values, Extra: x})
	return r, err
}

func decodeClient(data []byte) (*socketio.Client, error) {
	s, err := wire.DecodeSession(data)
	if err != nil {
		return nil, err
	}
	c := &socketio.Client{PID: s.PID, ID: s.SID, Lease: s.Lease, Rooms: s.Rooms, Raw: data}
	values := make(map[string]json.RawMessage)
	if len(s.Data) > 0 {
		if err := json.Unmarshal(s.Data, &values); err != nil {
			return nil, fmt.Errorf("its data is no object: %w", err)
		}
	}
	c.Values = unraw(values)
	if len(s.Extra) == 0 { // of a server written in JavaScript
		for _, room := range s.Rooms {
			if room != c.ID {
				c.Spans = append(c.Spans, recovery.Room{Name: room, To: ^uint64(0)})
			}
		}
		return c, nil
	}
	var x extra
	if err := json.Unmarshal(s.Extra, &x); err != nil {
		return nil, err
	}
	c.Nsp, c.Server, c.Gone, c.Spans, c.Keys = x.Nsp, x.Server, x.Gone, x.Spans, unraw(x.Keys)
	c.Born, c.Added, c.At, c.Got, c.Early = x.Born, x.Added, x.At, x.Got, x.Early
	c.Ahead, c.AheadAt = x.Ahead, x.AheadAt
	return c, nil
}

func raw(m map[string][]byte) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func unraw(m map[string]json.RawMessage) map[string][]byte {
	out := make(map[string][]byte, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
