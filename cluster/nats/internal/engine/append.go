package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// appendQueued appends what is queued, until Close.
func (j *Journal) appendQueued() {
	b := batch{j: j}
	for j.wait(j.entries.wake) {
		for b.fill() {
			if !b.commit() {
				return
			}
			j.settle(len(b.numbers))
		}
	}
}

// settle counts entries that do not wait any more.
func (j *Journal) settle(n int) {
	if j.waiting.Add(int64(-n)) == 0 {
		nudge(j.empty)
	}
}

func (j *Journal) refuse(numbers []uint64, err error) {
	for _, n := range numbers {
		j.refusals.push(refusal{n, err}, 0)
	}
}

// A batch is what is being appended.
type batch struct {
	j       *Journal
	number  uint64 // from 1 on
	data    []byte
	numbers []uint64 // of its entries
	next    *entry   // which did not fit
}

// fill takes entries from the queue, unless there are none.
func (b *batch) fill() bool {
	limit := min(batchBytes, int(b.j.nc.MaxPayload())-headerBytes)
	b.number++
	b.data, b.numbers = appendHead(nil, b.j.writer, b.number), b.numbers[:0]
	for len(b.numbers) < batchEntries {
		e := b.next
		if e == nil {
			v, ok := b.j.entries.pop()
			if !ok {
				break
			}
			e = &v
		}
		b.next = nil
		if len(b.numbers) > 0 && len(b.data)+len(e.data) > limit {
			b.next = e
			break
		}
		b.data, b.numbers = append(b.data, e.data...), append(b.numbers, e.number)
	}
	if len(b.numbers) == 0 {
		b.number--
		return false
	}
	return true
}

// commit returns when the batch is in the stream, or is refused, or with false when the engine
// is closed. JetStream knows the batch by its name for a while, and readers by its number.
func (b *batch) commit() bool {
	j := b.j
	msg := nats.NewMsg(logSubject(j.prefix))
	msg.Data = b.data
	msg.Header.Set(nats.MsgIdHdr, batchName(j.writer, b.number))
	again := 0
	for tries := 0; ; tries++ {
		for !j.nc.IsConnected() { // what waits in there may be sent twice
			if !j.pause(retryPause) {
				return false
			}
		}
		seq, err := put(j.ctx, j.nc, msg)
		switch {
		case err == nil && seq <= j.acked.Load(): // the stream has lost what it had
			if err := j.skip(j.ctx); err == nil {
				again++
				msg.Header.Set(nats.MsgIdHdr, fmt.Sprint(batchName(j.writer, b.number), ".", again))
			}
		case err == nil:
			j.acked.Store(seq)
			nudge(j.acks)
			return true
		case errors.Is(err, nats.ErrMaxPayload), isCode(err, jetstream.JSErrCodeStreamMessageExceedsMaximum):
			j.refuse(b.numbers, fmt.Errorf("%w: %d bytes, where the server takes %d", err, len(b.data), j.nc.MaxPayload()))
			b.number-- // there is no such batch
			return true
		}
		if tries%checkTries == checkTries-1 { // the stream may be gone
			nudge(j.returned)
		}
		if !j.pause(retryPause) {
			return false
		}
	}
}

// batchName is what JetStream knows a batch by.
func batchName(w writer, number uint64) string { return fmt.Sprintf("%x.%d", w, number) }

// put sends a message to a stream, and returns its sequence when it is there.
func put(ctx context.Context, nc *nats.Conn, msg *nats.Msg) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return 0, err
	}
	return sequence(answer)
}

// isCode tells whether JetStream has answered with one of the codes.
func isCode(err error, codes ...jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode)
}
