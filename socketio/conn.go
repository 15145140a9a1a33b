package socketio

import (
	"bytes"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/socketio/parser"
)

// attachmentTimeout bounds the wait for the next attachment of a packet. It is
// what the heartbeat would grant by default.
const attachmentTimeout = 45 * time.Second

// What is wrong with packets that are well-formed by themselves.
const (
	errAttachmentsLate parser.Error = "attachments did not come in time"
	errSecondConnect   parser.Error = "second CONNECT"
	errNotJoined       parser.Error = "packet for a namespace not joined"
)

// A conn is a client: the sockets that one session has in namespaces.
type conn struct {
	srv  *Server
	sess *engineio.Session
	base context.Context // parent of the sockets' contexts

	dec     parser.TextDecoder // used by Message only; not with Options.Parser
	partial bool               // the decoder waits for attachments; likewise
	counted bool               // what it holds is; likewise
	owned   bool               // the data of the packet that is handled is ours to keep; likewise

	mu          sync.Mutex  // protects the following
	sockets     sockets     //
	left        []leftName  // namespaces that the server ended: what was under way to them is ignored
	closed      bool        //
	asked       bool        // it has sent a CONNECT
	idle        *time.Timer // runs while no namespace has admitted the client
	attachments *time.Timer // runs while a packet waits for attachments

	waiting      int // events, and sockets that come or go, that wait for handlers
	waitingBytes int // and what they hold
	paused       bool
	parts        uint32 // bytes of a packet that waits for attachments, as counted
	halted       bool   // it has been paused at some time
}

// open is called by the engine with each new session.
func (s *Server) open(sess *engineio.Session) engineio.Handler {
	s.wg.Add(1) // until Close; the engine opens none behind its Shutdown
	if s.opts.Parser != nil {
		c := &parserConn{dec: s.opts.Parser.NewDecoder()}
		c.open(s, sess)
		return c
	}
	c := &conn{dec: s.decoder()}
	c.open(s, sess)
	return c
}

func (c *conn) open(s *Server, sess *engineio.Session) {
	c.srv, c.sess, c.base = s, sess, context.Background()
	if v, ok := sess.Value().(interface{ Context() context.Context }); ok {
		c.base = v.Context()
	}
	c.mu.Lock()
	c.watchIdleLocked()
	c.mu.Unlock()
	if c.v3() {
		c.dec.Revision4 = true
		c.connect(&parser.Packet{Namespace: "/"})
	}
}

// decoder returns a decoder with the server's limits.
func (s *Server) decoder() parser.TextDecoder {
	n := s.opts.MaxAttachments
	bytes := math.MaxInt
	if m := s.opts.Engine.MaxPayload; n < bytes/m {
		bytes = (n + 1) * m
	}
	return parser.TextDecoder{MaxAttachments: n, MaxBytes: bytes}
}

// watchIdleLocked closes the connection unless it is admitted somewhere in time.
func (c *conn) watchIdleLocked() {
	var t *time.Timer
	t = time.AfterFunc(c.srv.opts.ConnectTimeout, func() {
		c.mu.Lock()
		deciding := len(c.sockets.list) > 0
		current := c.idle == t // or else it has been stopped too late
		asked := c.asked
		if deciding && current {
			t.Reset(c.srv.opts.ConnectTimeout)
		}
		c.mu.Unlock()
		if current && !deciding {
			if asked { // it was refused, or has left, and keeps the connection for no use
				c.sparse(zerolog.DebugLevel, "no namespace").Msg("in no namespace for too long")
			} else {
				c.sparse(zerolog.WarnLevel, "no namespace joined in time").
					Str("needs", "a client of Socket.IO, which joins a namespace by a CONNECT: a bare WebSocket does not").Msg("no namespace joined in time")
			}
			c.srv.watch.limited(c.sess, engineio.LimitConnectTimeout)
			c.sess.Dismiss()
		}
	})
	c.idle = t
}

// admitted is called when a namespace has accepted the client. It reports false
// if the socket has left meanwhile.
func (c *conn) admitted(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sockets.in(s.nsp.name) != s {
		return false
	}
	if c.idle != nil {
		c.idle.Stop()
		c.idle = nil
	}
	return true
}

// sparse begins a line of the log about the client, which can cause as many as it likes.
func (c *conn) sparse(level zerolog.Level, kind string) *zerolog.Event {
	e := c.srv.log.Sparse(level, c.sess.RemoteAddr(), kind)
	if e == nil {
		return nil
	}
	return e.Str("sid", c.sess.LogID()).Str("addr", c.sess.LogAddr())
}

// Message implements [engineio.Handler].
func (c *conn) Message(data []byte, binary bool) { c.message(data, binary, c.sess.Owned()) }

// message takes a message that may be kept if it is owned.
func (c *conn) message(data []byte, binary, owned bool) {
	decode := c.dec.Text
	if binary {
		decode = c.dec.Binary
	}
	p, done, err := decode(data)
	c.hoardParts()
	c.owned = !binary && owned && cap(data)-len(p.Data) <= len(p.Data)/4 // hardly more is kept than is counted
	c.decoded(&p, done, c.dec.Pending(), err)
}

// decoded takes what a decoder has made of a message. Pending tells whether it
// waits for more.
func (c *conn) decoded(p *parser.Packet, done, pending bool, err error) {
	if pending || c.partial {
		c.partial = pending
		c.sess.WantSettled(pending) // most come together with what they are attached to
		if !pending {
			c.watchAttachments(false)
		}
	}
	switch {
	case err != nil:
		c.srv.log.Debug().Str("sid", c.sess.LogID()).Err(err).Msg("packet refused")
		c.sess.CloseWith(err)
	case done:
		c.receive(p)
	}
}

// Settled implements [engineio.SettledHandler].
func (c *conn) Settled() {
	if c.partial {
		c.watchAttachments(true)
	}
}

// hoardParts counts what the decoder holds of a large packet that is not complete.
func (c *conn) hoardParts() {
	size := c.dec.Held()
	if size < largeEvent {
		size = 0
	}
	if size == 0 && !c.counted {
		return
	}
	c.counted = size > 0
	c.mu.Lock()
	if c.closed {
		size = 0
	}
	more := size - int(c.parts)
	c.parts = uint32(size)
	c.mu.Unlock()
	c.sess.Hold(more)
}

// watchAttachments sets a packet that waits for attachments a deadline.
func (c *conn) watchAttachments(pending bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !pending && c.attachments == nil:
	case !pending:
		c.attachments.Stop()
		c.attachments = nil
	case c.closed:
	case c.attachments != nil:
		c.attachments.Reset(attachmentTimeout)
	default:
		c.attachments = time.AfterFunc(attachmentTimeout, c.attachmentsLate)
	}
}

// attachmentsLate closes the connection, unless it is we who don't read what may
// have come.
func (c *conn) attachmentsLate() {
	c.mu.Lock()
	paused := c.paused // release starts the time anew
	c.mu.Unlock()
	if !paused {
		c.sess.CloseWith(errAttachmentsLate)
	}
}

func (c *conn) receive(p *parser.Packet) {
	s, left := c.find(p.Namespace)
	if e := c.srv.log.Debug(); e != nil {
		e.Str("sid", c.sess.LogID()).Str("nsp", loggable(p.Namespace)).Stringer("type", p.Type).Msg("packet")
	}
	switch {
	case p.Type == parser.TypeConnect && s == nil:
		c.connect(p)
	case p.Type == parser.TypeConnect || p.Type == parser.TypeConnectError:
		c.violation(errSecondConnect)
	case p.Type == parser.TypeAck || p.Type == parser.TypeBinaryAck:
		if s != nil && p.HasID {
			s.countAckIn()
			s.resolve(p, c.owned)
		}
	case s == nil && left:
	case s == nil:
		c.violation(errNotJoined)
	case p.Type == parser.TypeDisconnect:
		s.close(ReasonClientDisconnect)
		c.remove(s, false) // even if somebody else is just closing it: a CONNECT may be next
	default:
		s.countEventIn()
		c.queue(s, p)
	}
}

// violation closes a connection whose packets make no sense together.
func (c *conn) violation(why error) {
	c.srv.log.Debug().Str("sid", c.sess.LogID()).Err(why).Msg("packet refused")
	c.sess.CloseWith(why)
}

func (c *conn) find(nsp string) (s *Socket, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sockets.in(nsp); s != nil {
		return s, false
	}
	return nil, slices.ContainsFunc(c.left, func(l leftName) bool { return l.name == nsp })
}

func (c *conn) all() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sockets.list)
}

// connect gives the client a socket in a namespace, and has its handler
// decide. The socket is in c.sockets at once, so that a second CONNECT finds
// it, and early events wait in its queue.
func (c *conn) connect(p *parser.Packet) {
	c.sess.CountCheap() // a goroutine and a handler, or an answer
	c.mu.Lock()
	c.asked = true
	c.mu.Unlock()
	nsp, refusal := c.srv.enter(c, p.Namespace)
	if refusal != nil {
		c.sparse(zerolog.WarnLevel, refusal.Message).Str("nsp", loggable(p.Namespace)).Str("why", refusal.Message).Str("needs", refusal.needs()).Msg("namespace refused")
		if c.v3() {
			refusal = &Refusal{Message: refusal.Message, Data: map[string]string{"message": refusal.Message}}
		}
		if e, err := c.refusal(p.Namespace, refusal); err != nil {
			c.unsayable(err)
		} else {
			c.must(c.sess.Answer(e.first, e.rest...), func() {})
		}
		return
	}
	s := newSocket(nsp, c, bytes.Clone(p.Data))
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		nsp.release()
		return
	}
	full := c.holdLocked(len(p.Data)) // until it is decided
	c.sockets.add(s)
	c.left = slices.DeleteFunc(c.left, func(l leftName) bool { return l.name == nsp.name })
	c.mu.Unlock()
	c.told(full)
	s.start(len(p.Data))
}

func (c *conn) refuse(nsp string, r *Refusal) { c.tell(c.refusal(nsp, r)) }

func (c *conn) refusal(nsp string, r *Refusal) (encoded, error) {
	e, err := c.encodeRefusal(nsp, r)
	if err != nil && r.Data != nil {
		c.sparse(zerolog.ErrorLevel, "refusal").Str("nsp", loggable(nsp)).Err(logline.Error(err)).Msg("cannot encode a refusal")
		e, err = c.encodeRefusal(nsp, &Refusal{Message: r.Message})
	}
	return e, err
}

// tell sends a packet that a client must not miss.
func (c *conn) tell(e encoded, err error) {
	if err != nil {
		c.unsayable(err)
		return
	}
	c.control(e.first, e.rest...)
}

// unsayable closes a connection that a packet of the protocol cannot be encoded
// for, which is a fault of Options.Parser.
func (c *conn) unsayable(err error) {
	c.sparse(zerolog.ErrorLevel, "packet").Err(logline.Error(err)).Msg("cannot encode a packet")
	c.sess.Close()
}

// control sends packets that a client must not miss. A session that has ended
// needs none.
func (c *conn) control(first *engineio.Message, rest ...*engineio.Message) {
	c.must(c.sess.Send(first, rest...), func() {})
}

// must takes the error of sending such packets. It calls tooMuch before the
// connection is closed because they do not fit.
func (c *conn) must(err error, tooMuch func()) {
	if err == engineio.ErrQueueFull {
		tooMuch()
		c.sess.Abort(engineio.ReasonSlowConsumer) // it has, unless KeepSlow is set
	}
}

// queue hands an event to its socket, and stops reading when too many wait.
func (c *conn) queue(s *Socket, p *parser.Packet) {
	var e *Event
	if p.Attachments == nil && !c.owned {
		e = s.nsp.newEvent(len(p.Data))
		e.data = append(e.data, p.Data...)
	} else {
		e = s.nsp.newEvent(0)
		e.data = p.Data
	}
	name, err := parser.EventName(e.data)
	if err != nil { // the decoder has checked it
		c.violation(err)
		return
	}
	e.socket, e.name, e.binary, e.id, e.wantsAck = s, name, p.Attachments, p.ID, p.HasID
	size := e.size()
	c.hold(size)
	if size >= largeEvent {
		c.sess.Hold(size)
	}
	if !s.enqueue(e) {
		c.release(size)
		if size >= largeEvent {
			c.sess.Hold(-size)
		}
	}
}

func (c *conn) hold(bytes int) {
	c.mu.Lock()
	full := c.holdLocked(bytes)
	c.mu.Unlock()
	c.told(full)
}

// told tells observers that the connection is not read any more.
func (c *conn) told(full bool) {
	if full {
		c.srv.watch.limited(c.sess, engineio.LimitEventQueue)
	}
}

// holdLocked counts something that waits for a handler: an event, or a socket
// that comes or goes. When too much waits, the connection is not read; it reports true if
// that begins now.
func (c *conn) holdLocked(bytes int) (full bool) {
	c.waiting++
	c.waitingBytes += bytes
	full = !c.paused && (c.waiting >= c.srv.opts.EventQueue || c.waitingBytes >= 2*c.srv.opts.Engine.MaxPayload)
	if full {
		c.paused, c.halted = true, true
		c.sess.Pause()
	}
	return full
}

// release is called when it waits no more. Reading goes on when half of the
// room is free.
func (c *conn) release(bytes int) {
	c.mu.Lock()
	c.waiting--
	c.waitingBytes -= bytes
	resume := c.paused && c.waiting <= c.srv.opts.EventQueue/2 && c.waitingBytes <= c.srv.opts.Engine.MaxPayload
	if resume {
		c.paused = false
		if c.attachments != nil {
			c.attachments.Reset(attachmentTimeout)
		}
	}
	c.mu.Unlock()
	if resume {
		c.sess.Resume()
	}
}

// remove forgets a socket. Behind one that the server has ended, packets may
// still be under way.
func (c *conn) remove(s *Socket, byServer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.sockets.remove(s) {
		return
	}
	if byServer {
		c.leaveLocked(s.nsp)
	}
	if len(c.sockets.list) == 0 && c.idle == nil && !c.closed {
		c.watchIdleLocked()
	}
}

// Upgraded implements [engineio.UpgradeHandler].
func (c *conn) Upgraded() {
	defer c.srv.crew.start()
	for _, s := range c.all() {
		s.changed()
		if u := s.nsp.upgrade; u != nil && u.WantsUpgrades() {
			c.hold(0)
			if !s.enqueue(&Event{socket: s, upgrade: true}) {
				c.release(0)
			}
		}
	}
}

// Busy implements [engineio.BusyHandler]: a handler runs for the client, or will, and
// perhaps answers, or the client is to answer.
func (c *conn) Busy() bool {
	return slices.ContainsFunc(c.all(), func(s *Socket) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.running || len(s.acks) > 0
	})
}

// Close implements [engineio.Handler].
func (c *conn) Close(reason Reason) {
	c.mu.Lock()
	c.closed = true
	list := c.sockets.list
	c.sockets = sockets{}
	for _, t := range []*time.Timer{c.idle, c.attachments} {
		if t != nil {
			t.Stop()
		}
	}
	c.attachments = nil // or release would start it again
	parts := c.parts
	c.parts = 0
	c.mu.Unlock()
	c.sess.Hold(-int(parts))
	for _, s := range list {
		s.close(reason)
	}
	if f := c.srv.opts.SessionClosed; f != nil {
		f(c.sess, reason)
	}
	c.srv.wg.Done()
}
