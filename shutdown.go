package sio

import (
	"context"
	"time"

	"github.com/siokit/sio/engineio"
)

// DrainOptions say how [Server.Drain] sends clients away. The zero value of each field
// stands for its default.
type DrainOptions struct {
	// Notice is how long clients stay before the first is sent away. By then the load
	// balancer must have noticed that the server is not ready: take the interval of its
	// checks times the failures that it wants. Negative: none. Default 10 s.
	Notice time.Duration
	// Period is the time over which clients are sent away, evenly. Default 15 s, which
	// with Notice leaves 5 s for the end of the 30 s that Kubernetes grants.
	Period time.Duration
	// PerSecond is how many clients are sent away in a second at most; each of them
	// connects to another server a moment later. If Period is too short for that, it
	// takes longer. Default 1000.
	PerSecond int
}

// Drain is a [Server.Shutdown] after which not all clients connect to the other servers
// at once. Nil options are the defaults, which take up to half a minute. A program calls
// it when it is told to end:
//
//	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
//	<-ctx.Done()
//	err := srv.Drain(context.Background(), nil)
//
// It goes by these steps:
//
//   - From the call on the server is not ready, and new connections are refused with 503,
//     so that a load balancer looks elsewhere, be it by [Server.ServeReady] or by the 503.
//     Clients that are connected go on.
//   - After opts.Notice they are sent away one after the other, evenly over opts.Period,
//     and no faster than opts.PerSecond. The reason is "server shutting down". Clients
//     reconnect by themselves, the official ones within two seconds, and get what was
//     emitted before. Nobody is sent away while a handler runs for the client, or an ack
//     of the client is awaited, until the Period is over.
//   - When all have left, it ends as Shutdown does. The log says how many are left.
//
// If ctx ends first, Drain cuts the connections that are left and returns the context's
// error. Shutdown ends a Drain that is under way. A second call waits for the first one, or
// cuts when its own context ends. If the options make no sense, Drain does nothing and
// returns an error that names them.
func (s *Server) Drain(ctx context.Context, opts *DrainOptions) error {
	err := s.io.Drain(ctx, (*engineio.DrainOptions)(opts))
	if s.io.Ready() != nil { // it has not refused the options
		s.tellWatchers()
	}
	return err
}

// Shutdown refuses new connections with 503, delivers what is queued, closes every
// connection and waits for the handlers. The reason is "server shutting down", and
// clients reconnect by themselves. Clients whose connect handler is still running are
// not let in any more. If ctx ends first, Shutdown cuts the connections that are left
// and returns the context's error. It may be called again. It does not shut down the
// HTTP server: do that afterwards. Handlers of other servers' events are the Cluster's,
// whose Close waits for them.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.io.Shutdown(ctx)
	s.tellWatchers()
	return err
}

// tellWatchers tells who watches namespaces that it is over.
func (s *Server) tellWatchers() {
	for _, n := range s.all() {
		for _, w := range n.table.Load().watchers {
			w.Shutdown()
		}
	}
}
