package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// TestBroker runs the suite of all brokers with each format, in memory: once as it is for
// brokers that use a network, and else in bubbles.
func TestBroker(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format wire.Format
		hub    func() *memory.Hub
		run    func(*testing.T, func(*testing.T) brokertest.Join)
	}{
		{"real time", wire.Sharded("", wire.DynamicPrivate), memory.NewHub, brokertest.Run},
		{"classic", wire.Classic("", wire.ClassicOptions{}), memory.NewHub, brokertest.RunInBubbles},
		{"specific responses", wire.Classic("", wire.ClassicOptions{SpecificResponses: true}), memory.NewHub, brokertest.RunInBubbles},
		{"sharded", wire.Sharded("", wire.Dynamic), memory.NewHub, brokertest.RunInBubbles},
		{"subjects", wire.Subjects(""), memory.NewCountlessHub, brokertest.RunInBubbles},
		{"journal", wire.Streams(""), memory.NewHub, brokertest.RunInBubbles},
		{"journal with recovery", wire.Streams(""), memory.NewHub, brokertest.RunInBubbles},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.run(t, func(t *testing.T) brokertest.Join {
				hub, last := tt.hub(), 0
				return func() brokertest.Server {
					last++
					name := fmt.Sprint("server ", last)
					var e engine = hub.Engine()
					var recovery *sio.Recovery
					if strings.HasPrefix(tt.name, "journal") {
						e = hub.Journal()
						if tt.name != "journal" {
							recovery = &sio.Recovery{}
						}
					}
					c, err := cluster.New(t.Context(), e, tt.format, &cluster.Options{Name: name})
					if err != nil {
						t.Fatal(err)
					}
					received := func() int { return int(c.Stats().Received) }
					if recovery != nil || strings.HasPrefix(tt.name, "journal") {
						received = nil // all servers hear of everything
					}
					return brokertest.Server{
						Broker: c.Broker, Close: c.Close, Name: name, Recovery: recovery,
						Cut: e.Cut, Heal: e.Heal, Freeze: e.Freeze, Thaw: e.Thaw,
						Lost:     func() int { return int(c.Stats().Lost) },
						Received: received, Overtaken: received == nil,
					}
				}
			})
		})
	}
}

// An engine is one in memory.
type engine interface {
	cluster.Engine
	Cut()
	Heal()
	Freeze()
	Thaw()
}
