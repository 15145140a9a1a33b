package nats_test

import (
	"fmt"
	"testing"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

// TestBroker runs the suite of all brokers, with a proxy in front of NATS for each server.
func TestBroker(t *testing.T) {
	s, clusters := natstest.StartServer(t, "max_payload: 8MB"), 0
	brokertest.Run(t, func(t *testing.T) brokertest.Join {
		clusters++
		prefix, servers := fmt.Sprint("cluster", clusters), 0
		return func() brokertest.Server {
			servers++
			name, proxy := fmt.Sprint("server ", servers), brokertest.NewProxy(t, s.Addr())
			c, err := nats.Open("nats://"+proxy.Addr(), &nats.Options{Options: cluster.Options{Name: name}, Prefix: prefix})
			if err != nil {
				t.Fatal(err)
			}
			return brokertest.Server{
				Broker: c.Broker, Close: c.Close, Name: name,
				Cut: proxy.Cut, Heal: proxy.Heal, Freeze: proxy.Freeze, Thaw: proxy.Thaw,
				Lost:     func() int { return int(c.Stats().Lost) },
				Received: func() int { return int(c.Stats().Received) },
			}
		}
	})
}
