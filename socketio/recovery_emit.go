package socketio

import (
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/siokit/sio/socketio/recovery"
)

// blank implements [recoverer].
func (r *localRecovery) blank() any { return r.filler }

// fill puts the offset of the event in the place of its blank.
func (r *localRecovery) fill(e encoded, seq uint64) {
	e.first.Overwrite(r.filler.(string), r.log.Offset(seq))
}

// broadcast implements [recoverer]. It encodes first: the arguments may have methods of
// the application's, under which no lock is held.
func (r *localRecovery) broadcast(b *Broadcast) error {
	if b.Volatile {
		return r.broadcastVolatile(b)
	}
	e, err := r.house.encode(b, r.filler)
	if err != nil {
		return err
	}
	var old encoded // for clients of Engine.IO 3
	if r.house.allowsV3() {
		if old, err = r.house.encode(b, nil); err != nil {
			return err
		}
	}
	r.house.tell(b, r.send(b, e, old))
	return nil
}

// sendAtOnce is for how many an event is queued in one section of mu: as many as a batch
// has.
const sendAtOnce = 256

// An underway is an event that is being queued for many, and has a number: whoever wants to
// be in front of the others meanwhile gets it first.
type underway struct {
	event recovery.Event
	e     encoded
}

// send numbers an event, keeps it, and queues it for whom it is meant, whom it
// returns. Others have their turn meanwhile, but none who sends to many.
func (r *localRecovery) send(b *Broadcast, e, old encoded) selection {
	var batch delivery
	defer batch.Flush()
	r.turn.Lock()
	r.mu.Lock()
	to, kept := r.house.pickNumbered(b.Selector)
	seq := r.log.Seq()
	if kept {
		r.fill(e, seq)
		event := recovery.Event{Seq: seq, Message: e.first, Rest: e.rest, Rooms: b.Rooms, Except: b.Except}
		r.keepLocked(event)
		r.underway = underway{event, e}
	}
	if to.unsettled() {
		r.mu.Unlock()
		to = to.settled()
		r.mu.Lock()
	}
	n := 0
	for s := range to.each {
		if n++; n%r.atOnce == 0 {
			r.mu.Unlock()
			r.rest() // for who emits, comes or goes
			r.mu.Lock()
		}
		c := recoverableOf(s)
		switch {
		case c == nil:
			_ = s.sendLater(&batch, old, false)
		case kept && c.Has(seq): // it could not wait
		default:
			c.Sent(seq)
			_ = s.sendLater(&batch, e, false) // who doesn't get it may come back for it
		}
	}
	if kept {
		r.underway = underway{}
		r.rooms.Hold(0)
	}
	r.turn.Unlock() // before a failure is logged, which may emit
	r.unlock()
	return to
}

// overtakeLocked is called before anything is done by which a client would be in front of
// the event that is being queued: if that is for it, it gets it now.
func (r *localRecovery) overtakeLocked(batch *delivery, c *recoverable) {
	u := &r.underway
	if u.event.Seq == 0 || c.Has(u.event.Seq) || !r.rooms.Meant(&c.Client, c.socket.ID(), &u.event) {
		return
	}
	c.Sent(u.event.Seq)
	_ = c.socket.sendLater(batch, u.e, false)
}

// numberLocked implements [recoverer]. An event is kept if it may be for somebody who can
// be recovered, be that one there or away. It is called with mu held, too, by send. The
// event is held from here on: clients leave rooms without mu, before it is kept, too.
func (r *localRecovery) numberLocked(rooms []string) bool {
	kept := len(rooms) == 0 && len(r.clients)+r.away.Len() > 0 ||
		r.rooms.Any(rooms) || slices.ContainsFunc(rooms, r.hasLocked)
	if kept {
		r.rooms.Hold(r.log.Next())
	}
	return kept
}

// hasLocked tells whether somebody has, or had, a socket of that id.
func (r *localRecovery) hasLocked(id string) bool {
	return r.house.standingLocked(id) != nil || r.away.ByID(id) != nil
}

// emit implements [recoverer].
func (r *localRecovery) emit(s *Socket, e encoded) error {
	c := recoverableOf(s)
	var batch delivery
	defer batch.Flush()
	r.mu.Lock()
	defer r.unlock()
	if c.claim == nil {
		r.overtakeLocked(&batch, c)
		r.fill(e, r.log.Seq()+1)
	}
	if err := s.sendLater(&batch, e, false); err != nil {
		return err
	}
	if c.claim != nil { // held back behind what it has missed, of which there may be more
		c.claim.held = append(c.claim.held, e)
		return nil
	}
	r.sentLocked(c, e)
	return nil
}

// sentLocked numbers and keeps an event that was sent to one client.
func (r *localRecovery) sentLocked(c *recoverable, e encoded) {
	seq := r.log.Next()
	c.Sent(seq)
	r.keepLocked(recovery.Event{Seq: seq, Message: e.first, Rest: e.rest, PID: c.PID})
}

func (r *localRecovery) keepLocked(e recovery.Event) {
	r.log.Keep(e)
	r.armLocked()
}

// emitVolatile implements [recoverer].
func (r *localRecovery) emitVolatile(s *Socket, e encoded, taken any) error {
	mark, ok := r.markOf(taken)
	if !ok {
		return s.sendLater(nil, e, true)
	}
	c := recoverableOf(s)
	var batch delivery
	defer batch.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	c.Mark(mark)
	return s.sendLater(&batch, e, true)
}

func (r *localRecovery) broadcastVolatile(b *Broadcast) error {
	e, err := r.house.encode(b, nil)
	if err != nil {
		return err
	}
	b = r.house.decoded(b)
	mark, ok := r.markOf(takenForOffset(b.Event, b.Args))
	r.house.tell(b, r.sendVolatile(b, e, mark, ok))
	return nil
}

func (r *localRecovery) sendVolatile(b *Broadcast, e encoded, mark uint64, marked bool) selection {
	var batch delivery
	defer batch.Flush()
	to := r.house.pick(b.Selector)
	n := 0
	if marked {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	for s := range to.each {
		if c := recoverableOf(s); marked && c != nil {
			if n++; n%r.atOnce == 0 {
				r.mu.Unlock()
				r.rest()
				r.mu.Lock()
			}
			c.Mark(mark)
		}
		_ = s.sendLater(&batch, e, true)
	}
	return to
}

// markOf returns what has to be noted of an argument that the client takes for an offset,
// or reports false if it does not take it. The argument has been encoded already.
func (r *localRecovery) markOf(taken any) (mark uint64, ok bool) {
	text, ok := r.stringArg(taken)
	if !ok {
		return 0, false
	}
	return r.log.Taken(text)
}

// stringArg returns what arrives as a string.
func (r *localRecovery) stringArg(arg any) (string, bool) {
	switch arg := arg.(type) {
	case eventName:
		return string(arg), true
	case string:
		if utf8.ValidString(arg) {
			return arg, true
		}
	case nil, bool, int, int64, uint64, float64, []byte, []any, map[string]any:
		return "", false
	}
	text, _, err := r.house.Codec().Append(nil, arg, nil)
	if err != nil || len(text) == 0 || text[0] != '"' {
		return "", false
	}
	plain, err := jsontext.AppendUnquote(nil, text)
	return string(plain), err == nil
}
