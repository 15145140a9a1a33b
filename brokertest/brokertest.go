// Package brokertest has the suite that every broker passes: what applications are promised
// when their servers are a cluster. The name of each test says what is promised. Who writes
// a broker calls [Run], and what fails is what is missing.
//
//	func TestBroker(t *testing.T) {
//		addr := startPostgres(t)
//		brokertest.Run(t, func(t *testing.T) brokertest.Join {
//			prefix := rand.Text() // of a cluster of its own
//			return func() brokertest.Server {
//				name, proxy := rand.Text(), brokertest.NewProxy(t, addr)
//				c, err := postgres.Open(proxy.Addr(), prefix, &cluster.Options{Name: name})
//				if err != nil {
//					t.Fatal(err)
//				}
//				return brokertest.Server{
//					Broker: c.Broker, Close: c.Close, Name: name,
//					Cut: proxy.Cut, Heal: proxy.Heal, Freeze: proxy.Freeze, Thaw: proxy.Thaw,
//					Lost:     func() int { return int(c.Stats().Lost) },
//					Received: func() int { return int(c.Stats().Received) },
//				}
//			}
//		})
//	}
//
// Servers and clients are real, and talk over pipes in memory; what is between the servers
// is the broker's.
package brokertest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/socketio"
)

// A Join has another server join a cluster. It is called by the goroutine of the test, which
// it ends if it fails.
type Join func() Server

// A Server is what the suite has to know of one server of a cluster.
type Server struct {
	// Broker is what sio.Options.Broker takes.
	Broker func(*socketio.Local) socketio.Broker
	// Recovery, if set, is that of the server, for a broker that is a [socketio.Journal].
	Recovery *sio.Recovery
	// Close, if set, makes the server leave the cluster. It is called once, after the
	// server has been shut down.
	Close func() error
	// Name, if set, is what errors call the server if it does not answer.
	Name string

	// Cut, if set, cuts the server off from all others until Heal is called. The broker
	// is told, or finds out within a few seconds, on both sides of the cut. A [Proxy] does
	// that, and the following.
	Cut, Heal func()
	// Freeze, if set, stops what the server gets from others, and what it sends them,
	// until Thaw is called. Nobody is told: it seems to be there, and does not answer.
	Freeze, Thaw func()
	// Lost, if set, returns how many messages the broker has told to be lost. It is to
	// be set if Cut is.
	Lost func() int
	// Received, if set, returns how many messages of others have come. It is to be set for
	// brokers that route by interest: what is for a room without members does not come.
	Received func() int
	// Overtaken says that volatile events may come behind others that were emitted later,
	// as they do if the broker keeps those elsewhere.
	Overtaken bool
}

// patience bounds every wait for what has to come. A test that passes never waits that
// long, not even on a machine that is busy.
const patience = 30 * time.Second

// short is how long an ask waits that is not answered by all.
const short = 500 * time.Millisecond

// late is how much later than its context a call may return on a machine that is busy, and
// lateInBubble in a bubble, where only waits take time.
const (
	late         = 5 * time.Second
	lateInBubble = 2 * time.Second
)

// A check is a test with a cluster of its own.
type check struct {
	name    string
	servers int // from the beginning
	needs   func(Server) bool
	run     func(c *cluster)
}

// Run runs the suite. For each test, it calls cluster for a new cluster. What that sets up is
// to be taken down with t.Cleanup.
//
// Tests that need what a [Server] does not have, such as Cut, are not run; the log says so.
// A test that fails may take half a minute, as it waits for what does not come: the flags
// -failfast and -run of go test are for brokers that are not complete yet.
func Run(t *testing.T, cluster func(t *testing.T) Join) {
	t.Helper()
	run(t, cluster, late, func(t *testing.T, f func(t *testing.T)) { f(t) })
}

// RunInBubbles is like [Run], with each test in a bubble of testing/synctest, where no test
// takes long, and one that waits in vain fails at once. It is for brokers that use no
// network.
func RunInBubbles(t *testing.T, cluster func(t *testing.T) Join) {
	t.Helper()
	run(t, cluster, lateInBubble, synctest.Test)
}

func run(t *testing.T, newCluster func(t *testing.T) Join, late time.Duration, in func(t *testing.T, f func(t *testing.T))) {
	t.Helper()
	for _, group := range []struct {
		name   string
		checks []check
	}{
		{"start", starts},
		{"broadcast", broadcasts},
		{"content", contents},
		{"order", orders},
		{"answers", answers},
		{"sockets", sockets},
		{"servers", serverEvents},
		{"namespaces", namespaces},
		{"members", members},
		{"interest", interests},
		{"load", loads},
		{"cut", cuts},
		{"freeze", freezes},
		{"presence", presences},
	} {
		ok := t.Run(group.name, func(t *testing.T) {
			for _, check := range group.checks {
				t.Run(check.name, func(t *testing.T) {
					in(t, func(t *testing.T) {
						c := &cluster{T: t, join: newCluster(t), late: late}
						for range check.servers {
							c.add()
						}
						if check.needs != nil && !check.needs(c.nodes[0].in) {
							t.Log("not tested, for the server can't be made to")
							return
						}
						c.settle()
						check.run(c)
					})
				})
			}
		})
		if !ok && group.name == "start" {
			t.Fatal("without that, nothing else can work")
		}
	}
}
