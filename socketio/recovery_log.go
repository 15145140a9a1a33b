package socketio

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/recovery"
)

// An entry tells of an event that the store has.
type entry struct {
	seq  uint64
	at   time.Duration // since recovery.born
	size int
}

// eventSize is about what an event holds beside its packet.
const eventSize = 256

// sizeOf is never that of a store's mistake, which is 0.
func sizeOf(e *recovery.Event) int {
	if e.Message == nil || slices.Contains(e.Rest, nil) {
		return 0
	}
	n := eventSize + encoded{first: e.Message, rest: e.Rest}.size()
	for _, names := range [][]string{e.Rooms, e.Except} {
		for _, name := range names {
			n += len(name) + 16
		}
	}
	return n
}

// An offset is the epoch, which is another one in each process and namespace,
// and the number of the event: all of one length, so that it can be put in when
// the event has been encoded.
const (
	epochLen = 6
	seqLen   = 6
)

func (r *localRecovery) offset(seq uint64) string {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], seq)
	b := append(bytes.Clone(r.epoch[:]), wide[8-seqLen:]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// number returns the number in an offset, or false if it is none of ours.
func (r *localRecovery) number(offset string) (uint64, bool) {
	var room [epochLen + seqLen]byte
	if len(offset) != base64.RawURLEncoding.EncodedLen(len(room)) {
		return 0, false
	}
	b, err := base64.RawURLEncoding.AppendDecode(room[:0], []byte(offset))
	if err != nil || !bytes.Equal(b[:epochLen], r.epoch[:]) {
		return 0, false
	}
	var wide [8]byte
	copy(wide[8-seqLen:], b[epochLen:])
	return binary.BigEndian.Uint64(wide[:]), true
}

// encode encodes an event, and leaves room for its offset: the arguments may have
// methods of the application's, under which no lock is held.
func (r *localRecovery) encode(event string, args []any) (encoded, error) {
	return r.local.nsp.encodeEvent(event, append(slices.Clip(args), r.blank), 0, false)
}

// broadcast is [Local.Broadcast] where clients can be recovered.
func (r *localRecovery) broadcast(b *Broadcast) error {
	if b.Volatile {
		return r.broadcastVolatile(b)
	}
	e, err := r.encode(b.Event, b.Args)
	if err != nil {
		return err
	}
	e = e.flagged(b.Plain)
	var old encoded // for clients of Engine.IO 3
	if r.local.nsp.srv.opts.Engine.AllowEIO3 {
		if old, err = r.local.nsp.encodeEvent(b.Event, b.Args, 0, false); err != nil {
			return err
		}
		old = old.flagged(b.Plain)
	}
	r.tell(b, r.send(b, e, old))
	return nil
}

// send numbers an event, keeps it, and queues it for whom it is meant, whom it
// returns.
func (r *localRecovery) send(b *Broadcast, e, old encoded) (to selection) {
	var batch engineio.Batch
	defer batch.Flush()
	r.mu.Lock()
	defer r.unlock()
	to, kept := r.pickLocked(b.Selector)
	seq := r.seq.Load()
	if kept {
		e.first.Overwrite(r.blank, r.offset(seq))
	}
	for s := range to.each {
		if s.rec == nil {
			_ = s.sendLater(&batch, old, false)
			continue
		}
		s.rec.got = seq
		_ = s.sendLater(&batch, e, false) // who doesn't get it may come back for it
	}
	if kept {
		r.keepLocked(recovery.Event{Seq: seq, Message: e.first, Rest: e.rest, Rooms: b.Rooms, Except: b.Except})
	}
	return to
}

// tell tells who hears what goes out, which may emit: no lock is held.
func (r *localRecovery) tell(b *Broadcast, to selection) {
	if outgoing := r.local.nsp.listener(); outgoing != nil {
		for s := range to.each {
			outgoing.tell(s, b.Event, b.Args)
		}
	}
}

// pickLocked returns who is meant by an event, as pick does, and gives it its
// number if it is to be kept: if it may be for somebody who can be recovered, be
// that one there or away.
func (r *localRecovery) pickLocked(sel Selector) (to selection, kept bool) {
	l := r.local
	l.mu.RLock()
	kept = len(sel.Rooms) == 0 && len(r.clients)+len(r.absent) > 0
	for _, name := range sel.Rooms {
		kept = kept || r.room[name] != nil || r.floorLocked(name) != nil
	}
	if kept {
		r.seq.Add(1)
	}
	to = l.pickLocked(sel)
	l.mu.RUnlock()
	return to.settled(), kept
}

// floorLocked returns the floor of the client with a socket of that id, or nil if
// there is none. It is called with Local.mu held, too.
func (r *localRecovery) floorLocked(id string) *uint64 {
	if s := r.local.ids[id]; s != nil && s.rec != nil {
		return &s.rec.floor
	}
	if a := r.away[id]; a != nil {
		return &a.floor
	}
	return nil
}

// emit is emit of a socket that can be recovered. What fails is not kept.
func (r *localRecovery) emit(s *Socket, m modifiers, event string, args []any) error {
	if m.volatile {
		return r.emitVolatile(s, m, event, args)
	}
	e, err := r.encode(event, args)
	if err != nil {
		return err
	}
	if !m.told {
		s.tell(event, args)
	}
	e = e.flagged(m.plain)
	e.soon = m.soon
	var batch engineio.Batch
	defer batch.Flush()
	r.mu.Lock()
	defer r.unlock()
	seq := r.seq.Load() + 1
	claim := s.rec.claim
	if claim == nil {
		e.first.Overwrite(r.blank, r.offset(seq))
	}
	if err := s.sendLater(&batch, e, false); err != nil {
		return err
	}
	if claim != nil { // held back behind what it has missed, of which there may be more
		claim.held = append(claim.held, e)
		return nil
	}
	r.sentLocked(s, seq, e)
	return nil
}

// sentLocked numbers and keeps an event that was sent to one client.
func (r *localRecovery) sentLocked(s *Socket, seq uint64, e encoded) {
	r.seq.Store(seq)
	s.rec.got = seq
	r.keepLocked(recovery.Event{Seq: seq, Message: e.first, Rest: e.rest, PID: s.rec.pid})
}

func (r *localRecovery) emitVolatile(s *Socket, m modifiers, event string, args []any) error {
	e, err := r.local.nsp.encodeEvent(event, args, 0, false)
	if err != nil {
		return err
	}
	s.tell(event, args)
	e = e.flagged(m.plain)
	last, ok := r.trailing(event, args)
	if !ok {
		return notDropped(s.send(e, true))
	}
	var batch engineio.Batch
	defer batch.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	s.rec.mark(last)
	return notDropped(s.sendLater(&batch, e, true))
}

func (r *localRecovery) broadcastVolatile(b *Broadcast) error {
	e, err := r.local.nsp.encodeEvent(b.Event, b.Args, 0, false)
	if err != nil {
		return err
	}
	e = e.flagged(b.Plain)
	last, marked := r.trailing(b.Event, b.Args)
	r.tell(b, r.sendVolatile(b, e, last, marked))
	return nil
}

func (r *localRecovery) sendVolatile(b *Broadcast, e encoded, last uint64, marked bool) selection {
	var batch engineio.Batch
	defer batch.Flush()
	if marked {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	to := r.local.pick(b.Selector)
	for s := range to.each {
		if marked && s.rec != nil {
			s.rec.mark(last)
		}
		_ = s.sendLater(&batch, e, true)
	}
	return to
}

// keepLocked adds an event to the log.
func (r *localRecovery) keepLocked(e recovery.Event) {
	at := r.now()
	e.Time = r.born.Add(at)
	if err := r.store.Append(e); err != nil {
		r.failedLocked("Append", err)
		r.gap = e.Seq
	} else {
		size := sizeOf(&e)
		r.log.Push(entry{e.Seq, at, size})
		r.holdLocked(size)
	}
	r.evictLocked()
	r.armLocked()
}

// evictLocked drops what is too old for anybody who may come back, or too much.
// The latter some may miss, which is remembered; of the former it leaves some for the
// next time if they are many, and reports that.
func (r *localRecovery) evictLocked() (more bool) {
	oldest := r.now() - r.opts.Window - r.proof
	before, most := r.log.Len(), r.mostLocked()
	for r.log.Len() > 0 {
		e := r.log.All()[0]
		tooOld := e.at <= oldest
		if !tooOld && r.bytes <= most {
			break
		}
		if more = tooOld && r.bytes <= most && before-r.log.Len() >= dropAtOnce; more {
			break
		}
		r.head.Store(e.seq)
		r.holdLocked(-e.size)
		if !tooOld {
			r.missLocked(e)
		}
		r.log.Pop()
	}
	if r.log.Len() < before {
		r.failedLocked("Drop", r.store.Drop(r.head.Load()))
	}
	return more
}

// dynamicShare bounds what all dynamic namespaces keep together, since clients
// choose how many there are. Beyond what so many others may keep, each of them gets
// its part of as much again.
const dynamicShare = 8

// holdLocked counts bytes of the log, and those of dynamic namespaces together.
func (r *localRecovery) holdLocked(bytes int) {
	r.bytes += bytes
	if r.local.nsp.parent != nil {
		r.local.nsp.srv.dynamic.kept.Add(int64(bytes))
	}
}

// mostLocked returns how many bytes the log may hold.
func (r *localRecovery) mostLocked() int {
	d := &r.local.nsp.srv.dynamic
	most := r.opts.MaxBytes
	if r.local.nsp.parent == nil || d.kept.Load() <= int64(dynamicShare)*int64(most) {
		return most
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(most, dynamicShare*most/max(1, len(d.live)))
}

// missLocked remembers that an event is gone that some may have missed.
func (r *localRecovery) missLocked(gone entry) {
	e, err := r.eventLocked(gone)
	if err != nil {
		r.gap = max(r.gap, gone.seq)
		return
	}
	if e.PID != "" {
		if a := r.absent[e.PID]; a != nil {
			a.floor = e.Seq
		} else if c := r.clients[e.PID]; c != nil {
			c.floor = e.Seq
		}
		return
	}
	if len(e.Rooms) == 0 {
		r.lost = e.Seq
		return
	}
	r.local.mu.RLock()
	defer r.local.mu.RUnlock()
	for _, name := range e.Rooms {
		if t := r.room[name]; t != nil {
			t.lost = e.Seq
		}
		if floor := r.floorLocked(name); floor != nil {
			*floor = e.Seq
		}
	}
}

// eventLocked returns an event that the store has. One of another size is another
// one, or a part of it.
func (r *localRecovery) eventLocked(k entry) (recovery.Event, error) {
	e, err := r.store.Event(k.seq)
	if err == nil && (e.Seq != k.seq || sizeOf(&e) != k.size) {
		err = errOtherRecord
	}
	r.failedLocked("Event", err)
	return e, err
}

// findLocked returns the index in the log of the first event from seq on, and
// tells whether that is the one.
func (r *localRecovery) findLocked(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(r.log.All(), seq, func(e entry, seq uint64) int {
		return cmp.Compare(e.seq, seq)
	})
}
