package socketio

import (
	"context"
	"sync"

	"github.com/siokit/sio/socketio/parser"
)

// An Answer is the answer of one socket, or of one server, to an event, or says why there
// is none.
type Answer struct {
	ID   string // of the socket; "" where the server that it is on does not say
	Args parser.Args
	Err  error // why there is no answer: [ErrClosed] with the Reason, [ErrConnecting], or the cause of the context
}

// An Inquiry is an event that has been sent to many sockets, whose answers are awaited.
type Inquiry struct {
	id    uint64
	asked []*Socket
	each  func(Answer)
}

// Inquire sends an event to the sockets of this process that b selects. It has each called
// exactly once for every one of them, with the answer, or with the reason why there will be
// none. Calls may come before Inquire returns, and from several goroutines at the same
// time; each must not block.
//
// The Inquiry holds memory for every socket that has not answered. Call [Inquiry.Stop] if
// some of them may never do so.
func (l *Local) Inquire(b *Broadcast, each func(Answer)) (*Inquiry, error) {
	id := l.nsp.ackID()
	e, err := l.nsp.encodeBroadcast(b, id, true, nil)
	if err != nil {
		return nil, err
	}
	q := &Inquiry{id: id, asked: l.Select(b.Selector), each: each}
	outgoing := l.nsp.listeners()
	if outgoing.any() {
		b = l.nsp.decoded(b)
	}
	var batch delivery
	for _, s := range q.asked {
		if s.deciding() {
			q.answered(s, parser.Args{}, ErrConnecting)
			continue
		}
		outgoing.tell(s, b.Event, b.Args)
		s.await(&batch, e, id, q, b.Volatile)
	}
	batch.Flush()
	return q, nil
}

// Len returns how many sockets have been asked.
func (q *Inquiry) Len() int { return len(q.asked) }

// Stop waits no longer for those who have not answered: it calls each for every one of
// them, with err, and returns how many they are. Calls for others may still be under way.
func (q *Inquiry) Stop(err error) int {
	n := 0
	for _, s := range q.asked {
		if s.takeAck(q.id) != nil {
			q.each(Answer{ID: s.id, Err: err})
			n++
		}
	}
	return n
}

func (q *Inquiry) answered(s *Socket, args parser.Args, err error) {
	q.each(Answer{ID: s.id, Args: args, Err: err})
}

// BroadcastWithAck implements [Broker] for the sockets of this process.
func (l *Local) BroadcastWithAck(ctx context.Context, b *Broadcast) ([]Answer, error) {
	c := answers{want: -1, done: make(chan struct{})}
	q, err := l.Inquire(b, c.add)
	if err != nil {
		return nil, err
	}
	c.expect(q.Len())
	select {
	case <-c.done:
	case <-ctx.Done():
		if q.Stop(context.Cause(ctx)) > 0 {
			err = context.Cause(ctx)
		}
		<-c.done // the last have come at the same time
	}
	return c.got, err
}

// answers collects as many as are wanted.
type answers struct {
	done chan struct{} // closed when all are there

	mu   sync.Mutex // protects the following
	got  []Answer
	want int // -1 until it is known
}

func (c *answers) add(a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, a)
	c.doneLocked()
}

func (c *answers) expect(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want = n
	c.doneLocked()
}

func (c *answers) doneLocked() {
	if len(c.got) == c.want {
		close(c.done)
	}
}
