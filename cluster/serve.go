package cluster

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// Bounds of what other servers have this one do at a time. What is beyond is dropped and
// counted.
const (
	maxQueries   = 1024        // that describe or count sockets, of which two are worked on at a time
	maxHandlers  = 1024        // of events that an answer is wanted to
	maxEvents    = 4096        // that wait, of one server in one namespace
	maxSenders   = 10_000      // servers of which some wait, for each of their namespaces
	maxInquiries = 10_000      // whose clients have not all answered
	maxWait      = time.Minute // for clients, if a server that tells no name does not say how long
	maxTimeout   = time.Hour   // for them, whoever says so
)

var (
	errBusy    = errors.New("cluster: too many requests at a time")
	errStopped = errors.New("cluster: the answer is not waited for any more")
	errLate    = errors.New("cluster: the client has not answered in time")
	errNobody  = errors.New("cluster: no such namespace")
)

// serving is what this server does for others.
type serving struct {
	queries  atomic.Int32
	handlers atomic.Int32
	yields   atomic.Int32
	slots    chan struct{} // of queries

	mu        sync.Mutex // protects the following
	inquiries map[inquiryKey]*inquiry
	events    map[sender]*eventQueue
	stopped   bool
}

type inquiryKey struct{ uid, request string }

type sender struct{ uid, nsp string }

func (s *serving) init() {
	s.slots = make(chan struct{}, 2)
	s.inquiries = make(map[inquiryKey]*inquiry)
	s.events = make(map[sender]*eventQueue)
}

func answerTo(m *wire.Message) *wire.Message {
	return &wire.Message{To: m.UID, Nsp: m.Nsp, Request: m.Request}
}

// serveNobody answers for a namespace that is not here: nobody is in it.
func (c *Cluster) serveNobody(m *wire.Message) {
	if m.Request == "" || m.Nsp == "" {
		return
	}
	out := answerTo(m)
	switch m.Type {
	case wire.TypeFetch:
		out.Type, out.Data = wire.TypeFetched, []byte("[]")
	case wire.TypeCount:
		out.Type = wire.TypeCounted
	case wire.TypeIDs:
		out.Type = wire.TypeIDList
	case wire.TypeRooms:
		out.Type = wire.TypeRoomSet
	case wire.TypeBroadcast:
		out.Type = wire.TypeClientCount
	case wire.TypeServerEvent:
		out.Type, out.Err = wire.TypeServerAnswer, errNobody.Error()
	default:
		return
	}
	c.try(out)
}

// serve answers a query in a goroutine, since that takes as long as there are sockets.
func (b *broker) serve(m *wire.Message, answer func(out *wire.Message)) {
	c := b.c
	if c.serving.queries.Add(1) > maxQueries {
		c.serving.queries.Add(-1)
		c.overloaded()
		return
	}
	out := answerTo(m)
	out.Nsp = b.nsp
	c.wg.Go(func() { // ends when it has been answered
		defer c.serving.queries.Add(-1)
		select {
		case c.serving.slots <- struct{}{}:
		case <-c.ctx.Done():
			return
		}
		defer func() { <-c.serving.slots }()
		answer(out)
		c.try(out)
	})
}

// An eventQueue has the events of one server for one namespace, in order.
type eventQueue struct{ fifo.Queue[*wire.Message] }

// serveEvent hands over an event of another server. Those that no answer is wanted to are
// handled one after the other; the others at once, so that handlers can ask each other.
func (b *broker) serveEvent(m *wire.Message) {
	c := b.c
	if m.Request != "" {
		if c.serving.handlers.Add(1) > maxHandlers {
			c.serving.handlers.Add(-1)
			c.overloaded()
			b.answer(m, nil, errBusy)
			return
		}
		c.wg.Go(func() { // ends with the handler
			defer c.serving.handlers.Add(-1)
			v, err := b.event(m)
			b.answer(m, v, err)
		})
		return
	}
	key := sender{m.UID, b.nsp}
	s := &c.serving
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.events[key]
	switch {
	case s.stopped:
		return
	case q == nil && len(s.events) == maxSenders:
		c.overloaded()
		return
	case q == nil:
		q = new(eventQueue)
		s.events[key] = q
		c.wg.Go(func() { b.run(key, q) }) // ends when all have been handled
	case q.Len() == maxEvents:
		c.overloaded()
		return
	}
	q.Push(m)
}

// run handles the events of one server.
func (b *broker) run(key sender, q *eventQueue) {
	s := &b.c.serving
	for {
		s.mu.Lock()
		if q.Len() == 0 || s.stopped {
			delete(s.events, key)
			s.mu.Unlock()
			return
		}
		m := q.Pop()
		s.mu.Unlock()
		_, _ = b.event(m) // nobody wants to know
	}
}

func (b *broker) event(m *wire.Message) (any, error) {
	name, err := parser.EventName(m.Data)
	if err != nil {
		return nil, err
	}
	return b.local.ServerEvent(b.c.ctx, string(name), parser.NewArgs(b.codec, m.Data, m.Attachments, 1))
}

// answer tells what a handler has returned. A server that does not read errors gets null.
func (b *broker) answer(m *wire.Message, v any, err error) {
	out := answerTo(m)
	out.Type, out.Nsp = wire.TypeServerAnswer, b.nsp
	if err == nil {
		out.Data, out.Attachments, err = b.appendValue(nil, v, nil)
	}
	b.reply(out, err)
}

// reply sends an answer, or, if there is none or it can't be sent, why.
func (b *broker) reply(out *wire.Message, err error) {
	if err == nil {
		if err = b.c.publish(out); err == nil {
			return
		}
	}
	out.Data, out.Attachments, out.Err = []byte("null"), nil, err.Error()
	b.c.try(out)
}

// An inquiry is an event whose answers another server waits for.
type inquiry struct {
	// Protected by serving.mu.
	local *socketio.Inquiry // nil until it is there
	timer *time.Timer
	left  int // how many have not answered; -1 until it is known
	early int // answers that came before that
}

// serveInquiry sends an event to the sockets that are meant, and their answers to who wants
// them.
func (b *broker) serveInquiry(m *wire.Message, e *socketio.Broadcast) {
	c, s := b.c, &b.c.serving
	key := inquiryKey{m.UID, m.Request}
	q := &inquiry{left: -1}
	out := answerTo(m)
	out.Type, out.Nsp = wire.TypeClientCount, b.nsp
	s.mu.Lock()
	if full := len(s.inquiries) >= maxInquiries; full || s.stopped || s.inquiries[key] != nil {
		s.mu.Unlock()
		if full {
			c.overloaded()
		}
		c.try(out) // of nobody
		return
	}
	s.inquiries[key] = q
	s.mu.Unlock()
	tells := c.members.has(m.UID)
	asked, err := b.local.Inquire(e, func(a socketio.Answer) {
		if !errors.Is(a.Err, errStopped) {
			b.clientAnswer(m, a)
		}
		s.answered(key, q)
	})
	if err != nil {
		s.drop(key)
		c.log.Sparse(zerolog.WarnLevel, "", "event").Str("nsp", logline.Text(b.nsp, logline.NameLimit)).Err(logline.Error(err)).Msg("an event of another server can't be sent")
		c.try(out)
		return
	}
	out.Count = asked.Len()
	c.try(out)
	wait, why := maxTimeout, errLate
	if t := m.Flags.Timeout; t > 0 && t < maxTimeout {
		wait, why = t+time.Second, errStopped
	} else if !tells {
		wait, why = maxWait, errStopped
	}
	s.mu.Lock()
	q.left = asked.Len() - q.early
	q.local = asked
	stopped := s.inquiries[key] != q
	switch {
	case stopped:
	case q.left == 0:
		delete(s.inquiries, key)
	default:
		q.timer = time.AfterFunc(wait, func() { s.stopInquiry(key, why) })
	}
	s.mu.Unlock()
	if stopped {
		asked.Stop(errStopped)
	}
}

func (b *broker) clientAnswer(m *wire.Message, a socketio.Answer) {
	out := answerTo(m)
	out.Type, out.Nsp, out.SID = wire.TypeClientAnswer, b.nsp, a.ID
	out.Data, out.Attachments = a.Args.Raw(0), a.Args.Attachments()
	if out.Data == nil {
		out.Data, out.Attachments = []byte("null"), nil
	}
	b.reply(out, a.Err)
}

// answered notes that one more has.
func (s *serving) answered(key inquiryKey, q *inquiry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.left < 0 {
		q.early++
		return
	}
	if q.left--; q.left == 0 {
		s.dropLocked(key)
	}
}

// drop forgets an inquiry, and returns what waits for clients, if that is there yet.
func (s *serving) drop(key inquiryKey) *socketio.Inquiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropLocked(key)
}

func (s *serving) dropLocked(key inquiryKey) *socketio.Inquiry {
	q := s.inquiries[key]
	if q == nil {
		return nil
	}
	delete(s.inquiries, key)
	if q.timer != nil {
		q.timer.Stop()
	}
	return q.local
}

// stopInquiry frees what waits for clients.
func (s *serving) stopInquiry(key inquiryKey, why error) {
	if asked := s.drop(key); asked != nil {
		asked.Stop(why)
	}
}

// stopInquiries does so for one server, or for all if uid is "".
func (s *serving) stopInquiries(uid string) {
	s.mu.Lock()
	var keys []inquiryKey
	for key := range s.inquiries {
		if uid == "" || key.uid == uid {
			keys = append(keys, key)
		}
	}
	s.mu.Unlock()
	for _, key := range keys {
		s.stopInquiry(key, errStopped)
	}
}

// stop ends everything but the handlers that run.
func (s *serving) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.stopInquiries("")
}
