package nats_test

import (
	"fmt"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

// TestBroker runs the suite of all brokers, with a proxy in front of NATS for each server, and
// with what JetStream adds.
func TestBroker(t *testing.T) {
	s, clusters := natstest.StartServer(t, fmt.Sprintf("max_payload: 8MB\njetstream { store_dir: %q }", t.TempDir())), 0
	small := &nats.JetStream{MaxBytes: 16 << 20} // which the server sets aside, for each cluster
	for _, tt := range []struct {
		name     string
		streams  *nats.JetStream
		recovery *sio.Recovery
	}{
		{"core", nil, nil},
		{"jetstream", small, nil},
		{"jetstream with recovery", small, new(sio.Recovery)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			brokertest.Run(t, func(t *testing.T) brokertest.Join {
				clusters++
				prefix, servers := fmt.Sprint("cluster", clusters), 0
				return func() brokertest.Server {
					servers++
					name, proxy := fmt.Sprint("server ", servers), brokertest.NewProxy(t, s.Addr())
					c, err := nats.Open("nats://"+proxy.Addr(), &nats.Options{
						Options: cluster.Options{Name: name}, Prefix: prefix, JetStream: tt.streams,
					})
					if err != nil {
						t.Fatal(err)
					}
					b := brokertest.Server{
						Broker: c.Broker, Close: c.Close, Name: name, Recovery: tt.recovery, Overtaken: tt.streams != nil,
						Cut: proxy.Cut, Heal: proxy.Heal, Freeze: proxy.Freeze, Thaw: proxy.Thaw,
						Lost: func() int { return int(c.Stats().Lost) },
					}
					if tt.streams == nil { // else all servers hear of everything
						b.Received = func() int { return int(c.Stats().Received) }
					}
					return b
				}
			})
		})
	}
}
