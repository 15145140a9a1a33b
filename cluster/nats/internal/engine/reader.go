package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/siokit/sio/cluster/wire"
)

var errNoJournal = errors.New("nats: JetStream has no leader yet: what is kept for clients waits")

const (
	// checkPause is between two looks at the streams: whether they are there, and whether
	// there is more than JetStream has told of.
	checkPause = 5 * time.Second
	// lostPause is how long a stream may seem to have less than was read of it.
	lostPause = 2 * checkPause
	// latePause is how long what is in the stream may take to be told of.
	latePause = 250 * time.Millisecond
	// maxWriters is how many writers are known. Others have not written for a long time.
	maxWriters = 1024

	// openAttempt bounds the wait for answers about the streams: while there is no leader,
	// none comes.
	openAttempt = time.Second

	fetchMessages = 256
	fetchBytes    = 4 << 20
)

// A reader tells of all that is appended, in order. But for live, its fields are of Start, then
// of run.
type reader struct {
	j       *Journal
	live    chan *nats.Msg
	sub     *nats.Subscription
	next    uint64             // the sequence that is to be told of next; 0 if the stream is not known
	target  uint64             // there is something up to here
	writers map[writer]batchID // the last that was read of each
	late    <-chan time.Time   // when the stream is read if nothing has come; nil: it need not be
	lost    uint64             // what was read of the stream before this is not there any more, as it seems; 0: it is
	since   time.Time          // when it began to seem so
}

// A batchID is a writer's batch, and where it was.
type batchID struct {
	number, seq uint64
}

func (r *reader) init(j *Journal) {
	r.j = j
	r.live = make(chan *nats.Msg, liveMessages)
	r.writers = make(map[writer]batchID)
}

// begin reads what is there already. If JetStream does not answer in time, it leaves that to
// run.
func (r *reader) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	var err error
	if r.sub, err = r.j.nc.ChanSubscribe(r.j.liveSubject(), r.live); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	if err := r.j.flush(flushTimeout); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	for {
		attempt, done := context.WithTimeout(ctx, openAttempt)
		state, err := r.j.open(attempt, true)
		done()
		if err == nil {
			r.begins(max(state.FirstSeq, 1))
			r.target = state.LastSeq
			if err = r.fetchAll(ctx, true, r.target); err == nil {
				return nil
			}
			r.next = 0
		}
		if isFinal(err) {
			return err
		}
		select {
		case <-ctx.Done():
			r.j.r.Missed(0, fmt.Errorf("%w: %w", errNoJournal, err))
			return nil
		case <-time.After(retryPause * 10):
		}
	}
}

// end is called when run has ended.
func (r *reader) end() { r.sub.Unsubscribe() } // fails if the connection is closed

func (r *reader) run() {
	check := time.NewTicker(checkPause)
	defer check.Stop()
	if r.next == 0 || r.next <= r.target { // who was asked may not have had all
		r.lag()
	}
	for {
		select {
		case m := <-r.live:
			r.take(m)
		case <-r.j.acks:
			if seq := r.j.acked.Load(); seq >= r.next {
				r.target = max(r.target, seq)
				r.lag()
			}
		case <-r.j.refusals.wake:
			for f, ok := r.j.refusals.pop(); ok; f, ok = r.j.refusals.pop() {
				r.j.r.Refused(f.number, f.err)
			}
		case <-r.late:
			r.late = nil
			r.catchUp()
		case <-r.j.returned:
			r.check()
		case <-check.C:
			r.check()
		case <-r.j.ctx.Done():
			return
		}
	}
}

// lag has the stream read in a while, unless what is missing comes before.
func (r *reader) lag() {
	if r.late == nil {
		r.late = time.After(latePause)
	}
}

// take handles what JetStream has told of.
func (r *reader) take(m *nats.Msg) {
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil || r.next == 0 {
		return
	}
	r.target = max(r.target, seq)
	if seq > r.next && r.late == nil {
		r.catchUp()
	}
	if seq == r.next {
		r.tell(seq, m.Data, false)
	}
}

// catchUp reads what is known to be there, and was not told of. It tries again later if that
// fails.
func (r *reader) catchUp() {
	ctx, cancel := context.WithTimeout(r.j.ctx, requestTimeout)
	defer cancel()
	if r.next == 0 {
		r.attach(ctx)
	} else if r.next <= r.target {
		r.fetchAll(ctx, false, math.MaxUint64)
	}
	if r.next == 0 || r.next <= r.target {
		r.lag()
	}
}

// attach begins with what comes now: there was no JetStream when this server was started.
func (r *reader) attach(ctx context.Context) {
	if state, err := r.j.open(ctx, true); err == nil {
		r.begins(state.LastSeq + 1)
		r.target = state.LastSeq
	}
}

// check looks whether the streams are there, and how far the first goes.
func (r *reader) check() {
	if r.next == 0 {
		return // catchUp tries
	}
	ctx, cancel := context.WithTimeout(r.j.ctx, requestTimeout)
	defer cancel()
	state, err := r.j.open(ctx, false)
	if err != nil {
		return
	}
	if r.target = max(r.target, state.LastSeq); r.next <= r.target {
		r.catchUp()
	}
	// A stream that was kept in memory has lost what it had if all its servers were down. Who
	// answers may be behind for a while, and learn of it.
	switch {
	case state.LastSeq+1 >= cmp.Or(r.lost, r.next):
		r.lost = 0
	case r.lost == 0:
		r.lost, r.since = r.next, time.Now()
	case time.Since(r.since) >= lostPause:
		r.j.skip(ctx) // if it fails, the next check does it
	}
}

// skip makes a stream that has lost what it had begin behind all that there was.
func (j *Journal) skip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	s, err := j.js.Stream(ctx, j.names[0])
	if err != nil {
		return err
	}
	return s.Purge(ctx, jetstream.WithPurgeSequence(firstSequence()))
}

// fetchAll reads the stream up to a sequence, or to its end.
func (r *reader) fetchAll(ctx context.Context, past bool, to uint64) error {
	for more := true; more && r.next <= to && ctx.Err() == nil; {
		var err error
		if more, err = r.fetch(ctx, past); err != nil {
			return err
		}
	}
	if r.next > to {
		return nil
	}
	return ctx.Err()
}

// fetch reads some messages of the stream, from any server that has it. It reports whether
// there are more.
func (r *reader) fetch(ctx context.Context, past bool) (more bool, err error) {
	inbox := r.j.nc.NewInbox()
	sub, err := r.j.nc.SubscribeSync(inbox)
	if err != nil {
		return false, err
	}
	defer sub.Unsubscribe()
	request, err := json.Marshal(map[string]any{"seq": r.next, "batch": fetchMessages, "max_bytes": fetchBytes})
	if err != nil {
		return false, err
	}
	if err := r.j.nc.PublishRequest("$JS.API.DIRECT.GET."+r.j.names[0], inbox, request); err != nil {
		return false, err
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return false, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204": // the end
			pending := m.Header.Get("Nats-Num-Pending")
			return pending != "" && pending != "0", nil
		case "404": // there is none
			return false, nil
		default:
			return false, fmt.Errorf("nats: reading the journal: %s %s", status, m.Header.Get("Description"))
		}
		seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil {
			return false, err
		}
		if seq < r.next {
			continue
		}
		if seq > r.next {
			r.begins(seq)
		}
		r.tell(seq, m.Data, past)
	}
}

// begins tells that what comes next is a sequence.
func (r *reader) begins(seq uint64) {
	r.next = seq
	r.j.r.Gap(seq<<indexBits - 1)
}

// tell hands over the entries of a batch, unless it was there before. The last of them has the
// last position that is the batch's: so it is known of who has it that he has all of them.
func (r *reader) tell(seq uint64, data []byte, past bool) {
	r.next = seq + 1
	w, number, data, err := cutHead(data)
	if err == nil && number > r.writers[w].number {
		r.note(w, batchID{number, seq})
		var e wire.Entry
		for i := uint64(0); len(data) > 0 && err == nil && i < lastIndex; i++ {
			if data, err = cutEntry(data, &e); err == nil {
				if len(data) == 0 {
					i = lastIndex
				}
				r.j.r.Appended(seq<<indexBits|i, e, past)
			}
		}
	}
	if err != nil {
		r.j.r.Missed(1, err)
	}
}

func (r *reader) note(w writer, b batchID) {
	r.writers[w] = b
	if len(r.writers) <= maxWriters {
		return
	}
	oldest := w
	for w, b := range r.writers {
		if b.seq < r.writers[oldest].seq {
			oldest = w
		}
	}
	delete(r.writers, oldest)
}
