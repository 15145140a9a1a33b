package embedded

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/siokit/sio/cluster/nats/internal/engine"
)

const (
	// leastServers go on when one of them is gone: of two, neither does.
	leastServers = 3
	// recordsBytes is how much memory there may be for what is known of clients.
	recordsBytes = 1 << 30
)

// name returns what other servers know this one by. With JetStream it is the same when it is
// started again: they wait for each that they have known.
func (o *Options) name(host string, port int) (string, error) {
	if o.JetStream == nil {
		return strings.Join(strings.Fields(o.Name), "_") + "-" + rand.Text()[:8], nil
	}
	var peers []string
	for _, peer := range o.Peers {
		addr, err := peerAddr(peer)
		if err != nil {
			return "", err
		}
		peers = append(peers, addr)
	}
	slices.Sort(peers)
	switch peers = slices.Compact(peers); {
	case len(peers) == 0:
		return "sio", nil
	case len(peers) < leastServers:
		return "", fmt.Errorf("Peers: JetStream needs the same list of all servers on each, this one included: none, or %d at least, not %d", leastServers, len(peers))
	}
	hostname, err := os.Hostname()
	if err != nil {
		hostname = host
	}
	p := strconv.Itoa(port)
	for _, own := range []string{o.Advertise, net.JoinHostPort(host, p), net.JoinHostPort(hostname, p)} {
		if slices.Contains(peers, own) {
			return strings.NewReplacer(":", "_", "[", "", "]", "").Replace(own), nil
		}
	}
	return "", fmt.Errorf("Peers: JetStream needs to know which of %q is this server: name it in Advertise", peers)
}

// useJetStream switches JetStream on, with the rest of the options as they are.
func (o *Options) useJetStream(so *server.Options) error {
	so.JetStream = true
	so.NoSystemAccount = false
	so.DisableJetStreamBanner = true
	so.JetStreamMaxMemory = recordsBytes + max(o.JetStream.MaxBytes, 256<<20)
	so.StoreDir = o.StoreDir
	if len(o.Peers) == 0 {
		so.Cluster = server.ClusterOpts{} // with which JetStream would wait for others
		so.DontListen = o.Client == ""
	}
	if so.StoreDir == "" {
		dir, err := os.MkdirTemp("", "sio-nats-")
		if err != nil {
			return fmt.Errorf("StoreDir: %w", err)
		}
		so.StoreDir = dir
	}
	return nil
}

// awaitWhole waits until this server has its part of what is kept, so that another one may be
// ended: for half a minute at most, and not if there is nobody else, as when others are yet to
// start.
func (o *Options) awaitWhole(s *server.Server, prefix string) {
	const patience, alone, pause = 30 * time.Second, time.Second, 20 * time.Millisecond
	spread := len(o.Peers) > leastServers || o.JetStream.Replicas != 0 // not all have a part
	for begin := time.Now(); s.JetStreamIsClustered() && time.Since(begin) < patience; time.Sleep(pause) {
		whole := s.JetStreamIsCurrent()
		if time.Since(begin) > alone && s.NumRoutes() == 0 {
			return
		}
		for _, name := range engine.StreamNames(prefix) {
			whole = whole && (s.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, name) ||
				spread && !s.JetStreamIsStreamAssigned(server.DEFAULT_GLOBAL_ACCOUNT, name))
		}
		if whole {
			return
		}
	}
}
