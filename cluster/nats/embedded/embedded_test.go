package embedded

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/internal/logtest"
)

// Servers that know one of the others learn of all.
func TestMesh(t *testing.T) {
	a := startNode(t, &Options{Secret: "s"})
	b := startNode(t, &Options{Secret: "s", Peers: []string{a.addr()}})
	c := startNode(t, &Options{Secret: "s", Peers: []string{b.addr()}})
	mesh(t, a, b, c)
	const n = 10_000
	for i := range n {
		a.publish(fmt.Sprint(i))
	}
	for _, to := range []*node{b, c} {
		to.WaitFor(t, fmt.Sprint(all, " ", n-1))
		got := to.withoutProbes()
		if len(got) != n {
			t.Fatalf("%d messages, want %d", len(got), n)
		}
		for i, m := range got {
			if m != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, m)
			}
		}
	}
}

// Peers may come up later.
func TestPeersComeLater(t *testing.T) {
	port := natstest.FreePort(t)
	peers := []string{fmt.Sprint("127.0.0.1:", port)}
	b := startNode(t, &Options{Peers: peers})
	c := startNode(t, &Options{Peers: peers})
	a := startNode(t, &Options{Listen: peers[0], Peers: peers})
	mesh(t, a, b, c)
}

// What is for a room goes to no server without members of it.
func TestInterest(t *testing.T) {
	a := startNode(t, &Options{})
	b := startNode(t, &Options{Peers: []string{a.addr()}})
	c := startNode(t, &Options{Peers: []string{a.addr()}})
	b.engine.Subscribe("sio.room")
	mesh(t, a, b, c)
	before := received(t, c)
	for i := range 1000 {
		a.engine.Publish("sio.room", fmt.Append(nil, i), false)
		a.engine.Publish("sio.nobody", fmt.Append(nil, i), false)
	}
	b.WaitFor(t, "sio.room 999")
	a.publish("last")
	c.WaitFor(t, all+" last")
	if n := received(t, c) - before; n != 1 {
		t.Errorf("the server without members got %d messages, want 1", n)
	}
}

// received returns how many messages the server of a node has got, of its own client
// and of other servers.
func received(t testing.TB, n *node) int64 {
	t.Helper()
	v, err := n.server.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return v.InMsgs
}

// Of the servers that are cut off, all find each other again.
func TestPartitionHeals(t *testing.T) {
	var proxies []*brokertest.Proxy
	var nodes []*node
	for range 3 {
		port := natstest.FreePort(t)
		o := &Options{Listen: fmt.Sprint("127.0.0.1:", port)}
		p := brokertest.NewProxy(t, o.Listen)
		o.Advertise = p.Addr()
		for _, p := range proxies {
			o.Peers = append(o.Peers, p.Addr())
		}
		proxies = append(proxies, p)
		nodes = append(nodes, startNode(t, o))
	}
	mesh(t, nodes...)
	for _, p := range proxies {
		p.Cut()
	}
	for _, n := range nodes {
		wait(t, "routes are gone", func() bool { return n.server.NumRoutes() == 0 })
	}
	for _, n := range nodes {
		n.engine.Subscribe("sio.new")
	}
	for _, p := range proxies {
		p.Heal()
	}
	begin := time.Now()
	mesh(t, nodes...)
	t.Logf("healed %v after the network", time.Since(begin))
	nodes[0].engine.Publish("sio.new", []byte("1"), false)
	nodes[2].WaitFor(t, "sio.new 1")
}

func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
	}
}

func TestSecret(t *testing.T) {
	for _, secret := range []string{"wrong", ""} {
		var refused logtest.Buffer
		log := zerolog.New(&refused)
		a := startNode(t, &Options{Secret: "right", Options: nats.Options{Options: cluster.Options{Logger: &log}}})
		b := startNode(t, &Options{Secret: secret, Peers: []string{a.addr()}})
		wait(t, "a server is refused", func() bool { return strings.Contains(refused.String(), "authentication error") })
		if n := a.server.NumRoutes(); n != 0 { // b counts one until it hears that it is refused
			t.Errorf("%d routes with secret %q", n, secret)
		}
		c := startNode(t, &Options{Secret: "right", Peers: []string{a.addr()}})
		mesh(t, a, c)
		b.Locked(func() {
			if len(b.Got) > 0 {
				t.Errorf("with secret %q a server hears %q", secret, b.Got)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, o := range map[string]*Options{
		"without a Secret":       {Listen: ":0"},
		"without a Secret, \"10": {Listen: "10.0.0.1:0"},
		"Listen":                 {Listen: "6222"},
		"Client":                 {Listen: "127.0.0.1:0", Client: "0.0.0.0:0"},
		"MaxPayload":             {Listen: "127.0.0.1:0", MaxPayload: 9 << 20},
		"in use":                 {Listen: taken.Addr().String()},
		"Prefix":                 {Options: nats.Options{Prefix: "*"}},
		"negative":               {Listen: "127.0.0.1:0", Options: nats.Options{Options: cluster.Options{Heartbeat: -1}}},
	} {
		if c, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", o, err, want)
			if err == nil {
				c.Close()
			}
		}
	}
}

// What can't be an address is told at once: most often it is a list that was split wrongly.
func TestPeersAreChecked(t *testing.T) {
	for peer, want := range map[string]string{
		"a": "a:6222", "a:1": "a:1", "::1": "[::1]:6222", "[::1]": "[::1]:6222", "[::1]:1": "[::1]:1", "10.0.0.1": "10.0.0.1:6222",
	} {
		if got, err := peerAddr(peer); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", peer, got, err, want)
		}
	}
	for _, peer := range []string{"", " ", " a:1", "a b", "nats://a:1", "a:", "a:x", "a:0", "a:65536", ":1"} {
		if c, err := Open(&Options{Listen: "127.0.0.1:0", Peers: []string{peer}}); err == nil {
			c.Close()
			t.Errorf("%q is taken", peer)
		} else if !strings.Contains(err.Error(), "Peers") {
			t.Errorf("%q: %v", peer, err)
		}
	}
}

// Without Client there is no port but that for other servers.
func TestNoClientPort(t *testing.T) {
	n := startNode(t, &Options{})
	if a := n.server.Addr(); a != nil {
		t.Errorf("clients can connect at %v", a)
	}
}

// Clients of NATS need the secret as their token, over the same TLS that the servers use.
func TestClientsAndTLS(t *testing.T) {
	cert := natstest.NewCertificate(t)
	tls := cert.Config(t)
	a := startNode(t, &Options{Secret: "secret", TLS: tls, Client: "127.0.0.1:0"})
	b := startNode(t, &Options{Secret: "secret", TLS: tls, Peers: []string{a.addr()}})
	mesh(t, a, b)
	url := "nats://" + a.server.Addr().String()
	if nc, err := natsgo.Connect(url, natsgo.Secure(tls), natsgo.Token("wrong")); err == nil {
		nc.Close()
		t.Error("connected with a wrong token")
	}
	if nc, err := natsgo.Connect(url, natsgo.RootCAs(cert.CertFile), natsgo.Token("secret")); err == nil {
		nc.Close()
		t.Error("connected without a certificate")
	}
	nc, err := natsgo.Connect(url, natsgo.Secure(tls), natsgo.Token("secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.Publish(all, []byte("from a client")); err != nil {
		t.Fatal(err)
	}
	b.WaitFor(t, all+" from a client")

	plain := startNode(t, &Options{Secret: "secret", Peers: []string{a.addr()}})
	reach(t, a, b, "probe of those with TLS")
	if n := plain.server.NumRoutes(); n != 0 {
		t.Error("a server without TLS has joined")
	}
}

func TestLargeMessages(t *testing.T) {
	a := startNode(t, &Options{})
	b := startNode(t, &Options{Peers: []string{a.addr()}})
	mesh(t, a, b)
	a.engine.Publish(all, make([]byte, defaultMaxPayload+1), false)
	large := strings.Repeat("x", defaultMaxPayload)
	for range 20 { // more than a server lets wait for another one
		a.publish(large)
		b.Wait(t, "large message", func() bool {
			n := len(b.Got)
			return n > 0 && b.Got[n-1] == all+" "+large
		})
		b.Locked(func() { b.Got = nil })
	}
	a.Wait(t, "loss", func() bool { return a.LostSum == 1 && strings.Contains(a.Errs[0].Error(), "maximum payload") })
}

// Servers know each other as soon as they can reach each other, not only when the next
// heartbeat is due.
func TestMembers(t *testing.T) {
	addr := fmt.Sprint("127.0.0.1:", natstest.FreePort(t))
	p := brokertest.NewProxy(t, addr)
	a, err := Open(options("a", func(o *Options) { o.Peers = []string{p.Addr()} }))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Open(options("b", func(o *Options) { o.Listen, o.Advertise = addr, p.Addr() }))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	knows := func(c *cluster.Cluster, name string) func() bool {
		return func() bool {
			return slices.ContainsFunc(c.Members(), func(m cluster.Member) bool { return m.Name == name })
		}
	}
	wait(t, "a knows b", knows(a, "b"))
	wait(t, "b knows a", knows(b, "a"))
}

// options returns those of a server by that name whose heartbeats can't be waited for.
func options(name string, set func(*Options)) *Options {
	o := &Options{Listen: "127.0.0.1:0"}
	o.Name, o.Heartbeat = name, time.Hour
	set(o)
	return o
}

func TestOpen(t *testing.T) {
	var log logtest.Buffer
	logger := zerolog.New(&log)
	a, err := Open(&Options{Listen: "127.0.0.1:0", Secret: "s", Options: nats.Options{Options: cluster.Options{Logger: &logger}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	for _, level := range []string{"warn", "error", "fatal"} {
		if strings.Contains(log.String(), `"level":"`+level) {
			t.Errorf("a server that starts and ends logs\n%s", log.String())
		}
	}
}
