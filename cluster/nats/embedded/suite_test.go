package embedded

import (
	"fmt"
	"testing"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

// TestBroker runs the suite of all brokers, with each server as a peer of the first.
func TestBroker(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) brokertest.Join {
		peer, servers := fmt.Sprint("127.0.0.1:", natstest.FreePort(t)), 0
		return func() brokertest.Server {
			servers++
			o := &Options{
				Options: nats.Options{Options: cluster.Options{Name: fmt.Sprint("server ", servers)}},
				Listen:  peer,
			}
			if servers > 1 {
				o.Listen, o.Peers = "127.0.0.1:0", []string{peer}
			}
			c, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			return brokertest.Server{
				Broker: c.Broker, Close: c.Close, Name: o.Name,
				Lost:     func() int { return int(c.Stats().Lost) },
				Received: func() int { return int(c.Stats().Received) },
			}
		}
	})
}
