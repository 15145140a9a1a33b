package socketio

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/siokit/sio/engineio"
)

// An entry is an event in the log. It is meant for one client, or for whom a
// Selector selects.
type entry struct {
	seq uint64
	at  time.Duration // since recovery.born
	encoded
	Selector
	to *recoverable
}

// entrySize is about what an entry holds beside its packet.
const entrySize = 256

func (e *entry) size() int {
	n := entrySize + e.encoded.size()
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

func (r *recovery) offset(seq uint64) string {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], seq)
	b := append(bytes.Clone(r.epoch[:]), wide[8-seqLen:]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// number returns the number in an offset, or false if it is none of ours.
func (r *recovery) number(offset string) (uint64, bool) {
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
func (r *recovery) encode(event string, args []any) (encoded, error) {
	return r.local.nsp.encodeEvent(event, append(slices.Clip(args), r.blank), 0, false)
}

// broadcast is [Local.Broadcast] where clients can be recovered.
func (r *recovery) broadcast(b *Broadcast) error {
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
func (r *recovery) send(b *Broadcast, e, old encoded) (to []*Socket) {
	var batch engineio.Batch
	defer batch.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	var room [2]*Socket
	sockets, skip, ok := r.pickLocked(b.Selector, room[:0])
	if !ok {
		return nil
	}
	seq := r.seq.Load()
	e.first.Overwrite(r.blank, r.offset(seq))
	for _, s := range sockets {
		switch {
		case slices.Contains(skip, s):
		case s.rec == nil:
			_ = s.sendLater(&batch, old, false)
		default:
			s.rec.got = seq
			_ = s.sendLater(&batch, e, false) // who doesn't get it may come back for it
		}
	}
	r.keepLocked(entry{seq: seq, encoded: e, Selector: b.Selector})
	return without(sockets, skip)
}

// tell tells who hears what goes out, which may emit: no lock is held.
func (r *recovery) tell(b *Broadcast, to []*Socket) {
	if outgoing := r.local.nsp.listener(); outgoing != nil {
		for _, s := range to {
			outgoing.tell(s, b.Event, b.Args)
		}
	}
}

// pickLocked gives an event its number and returns who is meant by it, as pick
// does. It reports false if nobody is, even of those who are away.
func (r *recovery) pickLocked(sel Selector, skip []*Socket) (_, _ []*Socket, ok bool) {
	l := r.local
	l.mu.RLock()
	defer l.mu.RUnlock()
	wanted := len(sel.Rooms) == 0 && len(r.clients) > 0
	for _, name := range sel.Rooms {
		wanted = wanted || r.room[name] != nil || r.namedLocked(name) != nil
	}
	if !wanted {
		return nil, nil, false
	}
	r.seq.Add(1)
	found, skip := l.pickLocked(sel, skip)
	return found, skip, true
}

// namedLocked returns the client with a socket of that id. It is called with
// Local.mu held, too.
func (r *recovery) namedLocked(id string) *recoverable {
	if s := r.local.ids[id]; s != nil {
		return s.rec
	}
	return r.away[id]
}

// emit is emit of a socket that can be recovered. What fails is not kept.
func (r *recovery) emit(s *Socket, m modifiers, event string, args []any) error {
	if m.volatile {
		return r.emitVolatile(s, m, event, args)
	}
	e, err := r.encode(event, args)
	if err != nil {
		return err
	}
	s.tell(event, args)
	e = e.flagged(m.plain)
	var batch engineio.Batch
	defer batch.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	seq := r.seq.Load() + 1
	e.first.Overwrite(r.blank, r.offset(seq))
	if err := s.sendLater(&batch, e, false); err != nil {
		return err
	}
	r.seq.Store(seq)
	s.rec.got = seq
	r.keepLocked(entry{seq: seq, encoded: e, to: s.rec})
	return nil
}

func (r *recovery) emitVolatile(s *Socket, m modifiers, event string, args []any) error {
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

func (r *recovery) broadcastVolatile(b *Broadcast) error {
	e, err := r.local.nsp.encodeEvent(b.Event, b.Args, 0, false)
	if err != nil {
		return err
	}
	e = e.flagged(b.Plain)
	last, marked := r.trailing(b.Event, b.Args)
	r.tell(b, r.sendVolatile(b, e, last, marked))
	return nil
}

func (r *recovery) sendVolatile(b *Broadcast, e encoded, last uint64, marked bool) (to []*Socket) {
	var batch engineio.Batch
	defer batch.Flush()
	if marked {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	var room [2]*Socket
	sockets, skip := r.local.pick(b.Selector, room[:0])
	for _, s := range sockets {
		if slices.Contains(skip, s) {
			continue
		}
		if marked && s.rec != nil {
			s.rec.mark(last)
		}
		_ = s.sendLater(&batch, e, true)
	}
	return without(sockets, skip)
}

// keepLocked adds an event to the log.
func (r *recovery) keepLocked(e entry) {
	e.at = r.now()
	r.log.Push(e)
	r.bytes += e.size()
	r.evictLocked()
	r.armLocked()
}

// evictLocked drops what is too old for anybody who may come back, or too much.
// The latter some may miss, which is remembered.
func (r *recovery) evictLocked() {
	oldest := r.now() - r.opts.Window - r.proof
	for r.log.Len() > 0 {
		e := &r.log.All()[0]
		tooOld := e.at <= oldest
		if !tooOld && r.bytes <= r.opts.MaxBytes {
			return
		}
		r.head.Store(e.seq)
		r.bytes -= e.size()
		if !tooOld {
			r.missLocked(e)
		}
		r.log.Pop()
	}
}

// missLocked remembers that an event is gone that some may have missed.
func (r *recovery) missLocked(e *entry) {
	if e.to != nil {
		e.to.floor = e.seq
		return
	}
	if len(e.Rooms) == 0 {
		r.lost = e.seq
		return
	}
	r.local.mu.RLock()
	defer r.local.mu.RUnlock()
	for _, name := range e.Rooms {
		if t := r.room[name]; t != nil {
			t.lost = e.seq
		}
		if c := r.namedLocked(name); c != nil {
			c.floor = e.seq
		}
	}
}

// missedLocked returns what a client that has events up to pos has missed, and
// the numbers of the first and the last of that. It reports false if that is more than may wait to be
// sent to a client.
func (r *recovery) missedLocked(m *membership, pos uint64) (missed []*engineio.Message, first, last uint64, ok bool) {
	o := &r.local.nsp.srv.opts.Engine
	size := 0
	since := r.log.All()[r.findLocked(pos+1):]
	for i := range since {
		e := &since[i]
		if m.meant(e) {
			if missed == nil {
				first = e.seq
			}
			missed = append(append(missed, e.first), e.rest...)
			size += e.encoded.size()
			last = e.seq
		}
	}
	return missed, first, last, size <= o.QueueBytes && len(missed) <= o.QueuePackets
}

// findLocked returns the index in the log of the first event from seq on.
func (r *recovery) findLocked(seq uint64) int {
	i, _ := slices.BinarySearchFunc(r.log.All(), seq, func(e entry, seq uint64) int {
		switch {
		case e.seq < seq:
			return -1
		case e.seq > seq:
			return 1
		}
		return 0
	})
	return i
}
