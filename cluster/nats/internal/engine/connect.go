package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Connect makes a connection for an engine: one that is made anew whenever it is lost, and
// that notices within ten seconds if the server hangs. The options come after its own.
func Connect(url, name string, options ...nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect(url, append([]nats.Option{
		nats.Name(name),
		nats.NoEcho(),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a password that is being changed
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(200*time.Millisecond, 200*time.Millisecond),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(1),
		nats.FlusherTimeout(5 * time.Second), // with 8 MiB to write: 13 Mbit/s
		nats.ReconnectOnFlusherError(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // the default prints
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("nats: can't connect: %w", err)
	}
	return nc, nil
}

// Check returns an error if an engine can't be had with a prefix and a bound of its queue.
// Both may be left out.
func Check(prefix string, queueBytes int) error {
	if prefix != "" {
		for part := range strings.SplitSeq(prefix, ".") {
			if part == "" || strings.ContainsAny(part, "*> \t\r\n") {
				return fmt.Errorf("nats: Prefix: %q can't begin a subject", prefix)
			}
		}
	}
	if queueBytes < 0 {
		return fmt.Errorf("nats: QueueBytes is negative (%d)", queueBytes)
	}
	return nil
}
