package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/siokit/sio/cluster/wire"
)

// appendTimeout is how long an appender tries: through an election.
const appendTimeout = 15 * time.Second

// An appender appends entries of a program that is no server, one after the other.
type appender struct {
	nc     *nats.Conn
	prefix string
	writer writer

	mu     sync.Mutex // protects the following, and keeps order
	number uint64
}

// NewAppender returns what appends to the journal of servers with a prefix.
func NewAppender(nc *nats.Conn, prefix string) func(wire.Entry) error {
	a := &appender{nc: nc, prefix: prefix}
	rand.Read(a.writer[:])
	return a.append
}

// append tries again until there is an answer: JetStream knows an entry that it has by its name,
// and readers by its number.
func (a *appender) append(e wire.Entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	msg := nats.NewMsg(logSubject(a.prefix))
	msg.Data = appendEntry(appendHead(nil, a.writer, a.number), &e)
	msg.Header.Set(nats.MsgIdHdr, batchName(a.writer, a.number))
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	for {
		_, err := put(ctx, a.nc, msg)
		if err == nil {
			return nil
		}
		if errors.Is(err, nats.ErrMaxPayload) || isCode(err, jetstream.JSErrCodeStreamMessageExceedsMaximum) || a.nc.IsClosed() {
			return fmt.Errorf("nats: appending: %w", err)
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return fmt.Errorf("nats: appending: %w", err)
		}
	}
}
