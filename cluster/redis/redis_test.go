package redis

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
	"github.com/siokit/sio/siotest"
)

// Two servers, one with a client of its own, the other with one that it was given, are one
// in each mode of subscriptions; those of another prefix are not.
func TestServers(t *testing.T) {
	s := redistest.Start(t)
	for name, o := range map[string]Options{
		"classic":                 {},
		"classic static":          {Subscriptions: Static},
		"classic specific":        {PublishOnSpecificResponseChannel: true},
		"sharded":                 {Sharded: true},
		"sharded dynamic-private": {Sharded: true, Subscriptions: DynamicPrivate},
		"sharded static":          {Sharded: true, Subscriptions: Static},
		"streams":                 {Streams: true},
		"streams sharded":         {Streams: true, Sharded: true},
	} {
		t.Run(name, func(t *testing.T) {
			o.Prefix, o.StreamName = name, name
			opened, err := Open(at(s), &o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { opened.Close() })
			client, err := rueidis.NewClient(at(s))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			made, err := New(client, &o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { made.Close() })
			a, b := newServer(t, opened), newServer(t, made)
			siotest.Connect(t, a)
			c := siotest.Connect(t, b)
			// The answer of b comes behind its subscriptions.
			if n, err := a.Count(t.Context()); n != 2 || err != nil {
				t.Errorf("counted %d sockets, %v", n, err)
			}
			for _, room := range []string{"room", c.ID()} {
				if err := a.To(room).Emit("said", "to "+room); err != nil {
					t.Error(err)
				}
				c.Expect("said").Is("to " + room)
			}
			// What it tells all others a server hears itself.
			for deadline := time.Now().Add(time.Minute); opened.Stats().Lag == 0; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the lag is not known")
				}
			}
		})
	}
}

// newServer returns a server whose sockets are all in a room.
func newServer(t *testing.T, cl *cluster.Cluster) *sio.Server {
	srv := sio.New(&sio.Options{Broker: cl.Broker})
	siotest.Cleanup(t, srv)
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	return srv
}
