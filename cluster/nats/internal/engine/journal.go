package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

const (
	// openTimeout is how long a journal waits for JetStream when it is started: for an
	// election, and for other servers that start.
	openTimeout = 10 * time.Second
	// requestTimeout bounds the wait for one answer of JetStream.
	requestTimeout = 2 * time.Second
	// retryPause is between two attempts, while JetStream elects a leader.
	retryPause = 50 * time.Millisecond
	// checkTries is after how many of them it is looked whether there is a stream.
	checkTries = 20
	// liveMessages is how many batches wait to be read here. What there is no room for is
	// read from the stream.
	liveMessages = 1024
)

// A Journal is an Engine with two streams of JetStream: one of entries, and one with the
// records of clients, by subject.
//
// Entries go into the stream in batches, one after the other: the next one is not sent before
// this one is there, so that order does not depend on what becomes of messages on their way.
// JetStream tells all servers of each batch that is there, by a subject of its own, with its
// sequence. Where one is missing, the stream is read.
type Journal struct {
	*Engine
	js      jetstream.JetStream
	streams Streams
	names   [2]string               // of the streams
	r       cluster.JournalReceiver // nil if there is none

	writer   writer
	entries  *queue[entry]
	waiting  atomic.Int64  // entries that are not known to be in the stream
	empty    chan struct{} // has an element if none may be waiting
	acked    atomic.Uint64 // the sequence of the last batch that is there
	acks     chan struct{} // wakes the reader for it
	refusals *queue[refusal]

	reader reader

	mu   sync.Mutex      // protects the following
	held map[string]held // records of this server, by subject
}

// An entry waits to be appended.
type entry struct {
	number uint64
	data   []byte
}

type refusal struct {
	number uint64
	err    error
}

// With returns an engine that was not started as a journal, if there are to be streams.
func With(e *Engine, s *Streams) (cluster.Engine, error) {
	if s == nil {
		return e, nil
	}
	j, err := NewJournal(e, *s)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return j, nil
}

// NewJournal returns a journal on an engine that was not started.
func NewJournal(e *Engine, s Streams) (*Journal, error) {
	js, err := jetstream.New(e.nc)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	j := &Journal{
		Engine:   e,
		js:       js,
		streams:  s,
		names:    StreamNames(e.prefix),
		entries:  newQueue[entry](e.out.limit),
		empty:    make(chan struct{}, 1),
		acks:     make(chan struct{}, 1),
		refusals: newQueue[refusal](e.out.limit),
		held:     make(map[string]held),
	}
	rand.Read(j.writer[:])
	j.reader.init(j)
	return j, nil
}

// Start implements [cluster.Engine]. If JetStream has no leader within ten seconds, as while
// other servers are not there yet, the journal begins when it has one.
func (j *Journal) Start(ctx context.Context, r cluster.Receiver) error {
	if err := j.Engine.Start(ctx, r); err != nil {
		return err
	}
	var ok bool
	if j.r, ok = r.(cluster.JournalReceiver); !ok {
		return nil
	}
	if err := j.reader.begin(ctx); err != nil {
		return err
	}
	j.wg.Go(j.appendQueued) // until Close
	j.wg.Go(j.reader.run)   // until Close
	return nil
}

// Append implements [cluster.Journal].
func (j *Journal) Append(e wire.Entry) bool {
	if j.r == nil || j.isClosing() {
		return false
	}
	data := appendEntry(make([]byte, 0, len(e.UID)+len(e.Nsp)+len(e.Type)+len(e.Data)+32), &e)
	j.waiting.Add(1)
	if !j.entries.push(entry{e.Number, data}, len(data)+overhead) {
		j.waiting.Add(-1)
		return false
	}
	return true
}

// Offset implements [cluster.Journal].
func (j *Journal) Offset(pos uint64) string { return strconv.FormatUint(pos, 36) }

// Position implements [cluster.Journal].
func (j *Journal) Position(offset string) (uint64, bool) {
	pos, err := strconv.ParseUint(offset, 36, 64)
	return pos, err == nil && j.Offset(pos) == offset
}

// Close implements [cluster.Engine]. Entries that are not there after a second are lost.
func (j *Journal) Close() error {
	j.Engine.mu.Lock()
	closing := j.closing
	j.Engine.mu.Unlock()
	if j.r != nil && !closing {
		timeout := time.After(closeTimeout)
		for waits := true; waits && j.waiting.Load() > 0; {
			select {
			case <-j.empty:
			case <-timeout:
				waits = false
			case <-j.ctx.Done():
				waits = false
			}
		}
	}
	err := j.Engine.Close()
	if j.r != nil && !closing {
		j.reader.end()
		if n := j.waiting.Swap(0); n > 0 {
			j.r.Lost(int(n), nats.ErrConnectionClosed)
		}
	}
	return err
}
