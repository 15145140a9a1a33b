package socketio

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/siokit/sio/internal/fifo"
)

const (
	// earlyAfter is how long clients of this server wait for what it has emitted. Then they get
	// it with a provisional offset, however long the journal takes, and so does what follows, until
	// the journal goes on.
	earlyAfter = time.Second
	// earlyLook is how often that is looked for.
	earlyLook = earlyAfter / 4
)

// A lane has what this server has emitted to a namespace, until it comes back from the
// journal, and what is to be done behind that, in order.
type lane struct {
	r *sharedRecovery

	mu      sync.Mutex // protects the following; innermost but for what the journal has to append
	items   fifo.Queue[step]
	busy    bool // a step that was taken off is not done yet
	timer   *time.Timer
	away    bool // the journal is known to be
	stalled bool // it takes too long
	stopped bool
	early   []earlyRange
	last    uint64 // the number of what was appended last
	told    uint64 // that of what has come back last
	over    uint64 // the same, once it is known for whom that is
	warned  bool   // an operator was told that it takes too long
}

// A step is a ticket or a function.
type step struct {
	*ticket
	f func()
}

// A ticket is an event that has been emitted, and for whom.
type ticket struct {
	number uint64 // in the journal
	early  bool   // it has been sent before its turn
	b      *Broadcast
	to     selection
	at     time.Duration // when it was emitted
}

// An earlyRange is events of this server, by their numbers, that its clients have been sent
// before their turn.
type earlyRange struct {
	first, last uint64
	at          time.Duration // when that was
}

// append has the journal append an event, and puts its ticket into the lane. It reports false
// if there is no room: then the event is sent at once, without an offset. Urgent says that
// nobody waits for its turn.
func (l *lane) append(t *ticket) (waits, urgent bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, err := l.r.journal.Append(t.b)
	full := errors.Is(err, ErrJournalFull)
	if err != nil && !full {
		return false, false, err
	}
	switch waits = l.items.Len() > 0 || l.busy; {
	case full && !waits:
		return false, false, nil
	case full:
		l.items.Push(step{f: func() { l.r.sendTicket(t) }})
	default:
		t.number, l.last = number, number
		l.items.Push(step{ticket: t})
	}
	if l.timer == nil && !l.stopped {
		l.timer = time.AfterFunc(earlyLook, l.look)
	}
	return true, l.urgentLocked(), nil
}

func (l *lane) urgentLocked() bool {
	return (l.away || l.stalled || l.stopped) && l.items.Len() > 0
}

// urgent tells whether there is something that is not to wait for its turn.
func (l *lane) urgent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.urgentLocked()
}

// behind calls f behind what has been emitted: at once, or by another goroutine. F must not
// block, or emit.
func (l *lane) behind(f func()) {
	l.mu.Lock()
	if l.items.Len() == 0 && !l.busy {
		l.mu.Unlock()
		f()
		return
	}
	l.items.Push(step{f: f})
	l.mu.Unlock()
}

// settle waits until what has been emitted before is sent.
func (l *lane) settle(ctx context.Context) error {
	l.mu.Lock()
	if l.items.Len() == 0 && !l.busy {
		l.mu.Unlock()
		return nil
	}
	done := make(chan struct{})
	l.items.Push(step{f: func() { close(done) }})
	l.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take returns the next step that is to be done, up to the ticket of a number: then only what
// is behind that, up to the next ticket.
func (l *lane) take(number uint64) (s step, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
	if l.items.Len() == 0 {
		return step{}, false
	}
	if next := l.items.All()[0]; next.ticket != nil && next.number > number {
		return step{}, false
	}
	l.busy = true
	return l.items.Pop(), true
}

// maxEarly bounds the ranges that are remembered.
const maxEarly = 256

func (l *lane) earlyLocked(number uint64) {
	now := l.r.house.now()
	if n := len(l.early); n > 0 && l.early[n-1].last >= l.told { // none of those in between had its turn
		l.early[n-1].last = number
		l.early[n-1].at = now
		return
	}
	for len(l.early) > 0 && (len(l.early) == maxEarly || now-l.early[0].at > 2*l.r.opts.Window) {
		l.early = l.early[1:]
	}
	l.early = append(l.early, earlyRange{number, number, now})
}

func (l *lane) setEarly(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.earlyLocked(number)
}

// wasEarly tells whether clients have been sent an event before its turn.
func (l *lane) wasEarly(number uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.early {
		if e.first <= number && number <= e.last {
			return true
		}
	}
	return false
}

// earlyDue returns the number of the last event that was sent early, and tells whether its
// turn is to come.
func (l *lane) earlyDue() (last uint64, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.early); n > 0 && l.early[n-1].last > l.told {
		return l.early[n-1].last, true
	}
	return 0, false
}

// lastNumber returns the number of what was appended last.
func (l *lane) lastNumber() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// oldest returns when the first ticket of those that wait was made, or that none does, and
// tells whether some of what was sent early is to have its turn, or for whom that is may not
// be known yet.
func (l *lane) oldest() (at time.Duration, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at = math.MaxInt64
	if t := l.firstLocked(); t != nil {
		at = t.at
	}
	n := len(l.early)
	return at, n > 0 && l.early[n-1].last > l.over
}

// turned notes that it is known for whom what has come back is: who has the turn calls it.
func (l *lane) turned() {
	l.mu.Lock()
	l.over = l.told
	l.mu.Unlock()
}

// firstLocked returns the first ticket, or nil. In front of it there are steps only while
// they are being done.
func (l *lane) firstLocked() *ticket {
	for _, s := range l.items.All() {
		if s.ticket != nil {
			return s.ticket
		}
	}
	return nil
}

// toldNumber returns the number of the last event that has had its turn.
func (l *lane) toldNumber() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

// look sees to tickets that have waited for too long.
func (l *lane) look() {
	l.mu.Lock()
	l.timer = nil
	if l.items.Len() == 0 || l.stopped {
		l.mu.Unlock()
		return
	}
	t := l.firstLocked()
	late := t != nil && l.r.house.now()-t.at >= earlyAfter
	began := late && !l.warned && !l.away // else that has been told
	l.warned = l.warned || began
	l.stalled = l.stalled || late
	l.timer = time.AfterFunc(earlyLook, l.look)
	l.mu.Unlock()
	if began {
		l.r.house.stalled(true)
	}
	if late {
		l.r.hurry()
	}
}

// moves notes that the journal goes on: an event has come back.
func (l *lane) moves(number uint64) {
	l.mu.Lock()
	warned := l.warned
	l.warned, l.stalled, l.told = false, false, max(l.told, number)
	l.mu.Unlock()
	if warned {
		l.r.house.stalled(false)
	}
}

func (l *lane) setAway(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// stop ends the timer; what is emitted from then on is sent at once.
func (l *lane) stop() {
	l.mu.Lock()
	l.stopped = true
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.mu.Unlock()
	l.r.hurry()
}
