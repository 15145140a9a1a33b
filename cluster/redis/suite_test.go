package redis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/siokit/sio"
	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// TestBroker runs the suite of all brokers with each format and mode, with a proxy in front
// of Redis for each server.
func TestBroker(t *testing.T) {
	s := redistest.Start(t)
	for name, o := range map[string]redis.Options{
		"classic":                  {},
		"classic static":           {Subscriptions: redis.Static},
		"classic own responses":    {PublishOnSpecificResponseChannel: true},
		"sharded":                  {Sharded: true},
		"sharded, dynamic private": {Sharded: true, Subscriptions: redis.DynamicPrivate},
		"sharded, static":          {Sharded: true, Subscriptions: redis.Static},
		"streams":                  {Streams: true},
		"streams, sharded":         {Streams: true, Sharded: true},
		"streams, with recovery":   {Streams: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time they wait
			clusters := 0
			brokertest.Run(t, func(t *testing.T) brokertest.Join {
				clusters++
				o, servers := o, 0
				o.Prefix = fmt.Sprintf("%s %d", name, clusters)
				o.StreamName = o.Prefix
				return func() brokertest.Server {
					servers++
					o.Name = fmt.Sprint("server ", servers)
					proxy := brokertest.NewProxy(t, s.Addr)
					c, err := redis.Open(rueidis.ClientOption{InitAddress: []string{proxy.Addr()}}, &o)
					if err != nil {
						t.Fatal(err)
					}
					s := server(o, c, proxy)
					if strings.HasSuffix(name, "recovery") {
						s.Recovery = &sio.Recovery{}
					}
					return s
				}
			})
		})
	}
}

// In a Redis Cluster, order is kept by classic channels, and by sharded ones in one slot.
func TestBrokerInRedisCluster(t *testing.T) {
	nodes := redistest.StartCluster(t, 3, false).Nodes
	for name, o := range map[string]redis.Options{
		"classic": {},
		"sharded": {Sharded: true, Prefix: "{a slot} "},
		"streams": {Streams: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clusters := 0
			brokertest.Run(t, func(t *testing.T) brokertest.Join {
				clusters++
				o, servers := o, 0
				o.Prefix += fmt.Sprint(name, clusters)
				o.StreamName = o.Prefix
				return func() brokertest.Server {
					servers++
					o.Name = fmt.Sprint("server ", servers)
					c, err := redis.Open(rueidis.ClientOption{InitAddress: []string{nodes[servers%3].Addr}}, &o)
					if err != nil {
						t.Fatal(err)
					}
					return brokertest.Server{Broker: c.Broker, Close: c.Close, Name: o.Name, Overtaken: o.Streams}
				}
			})
		})
	}
}

func server(o redis.Options, c *cluster.Cluster, p *brokertest.Proxy) brokertest.Server {
	s := brokertest.Server{
		Overtaken: o.Streams,
		Broker:    c.Broker, Close: c.Close, Name: o.Name,
		Cut: p.Cut, Heal: p.Heal, Freeze: p.Freeze, Thaw: p.Thaw,
		Lost: func() int { return int(c.Stats().Lost) },
	}
	if o.Subscriptions != redis.Static && !o.Streams {
		s.Received = func() int { return int(c.Stats().Received) }
	}
	return s
}
