package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// helloTimeout bounds the first command of a connection.
const helloTimeout = 5 * time.Second

var (
	errReplica     = errors.New("redis: the server is a replica")
	errReplaced    = errors.New("redis: another server is the master")
	errUnknownNode = errors.New("redis: the node is not known yet")
	errNoNodes     = errors.New("redis: no nodes are known")
)

// ErrRESP2 is returned for servers, and clients, that do not speak RESP3.
var ErrRESP2 = errors.New("redis: RESP3 is needed, which Redis has since version 6, Valkey in all (is ClientOption.AlwaysRESP2 set?)")

// A conn is a connection that nobody else uses. Closing it takes a second if the server
// is silent.
type conn struct {
	rueidis.DedicatedClient
	lost  <-chan error // says why the connection was lost, and is closed
	nodes []string     // that the client knew when it connected
}

// isStale tells whether the client has other servers now.
func (l *link) isStale(c *conn) bool { return !slices.Equal(c.nodes, addrs(l.e.client)) }

func addrs(client rueidis.Client) []string { return slices.Sorted(maps.Keys(client.Nodes())) }

// dial connects. If ctx ends, the attempt is left to itself.
func (l *link) dial(ctx context.Context) (*conn, error) {
	type result struct {
		c   *conn
		err error
	}
	results := make(chan result)
	go func() { // for as long as an attempt may take: Dialer.Timeout and helloTimeout
		c, err := l.connect()
		select {
		case results <- result{c, err}:
		case <-ctx.Done():
			if c != nil {
				c.Close()
			}
		}
	}()
	select {
	case r := <-results:
		return r.c, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("redis: connecting: %w", context.Cause(ctx))
	}
}

func (l *link) connect() (*conn, error) {
	client := l.e.client
	switch {
	case l.addr != "":
		node := client.Nodes()[l.addr]
		if node == nil {
			l.e.shards.discover(l)
			return nil, errUnknownNode
		}
		return l.connectTo(node)
	case client.Mode() == rueidis.ClientModeCluster && l.e.journal != nil:
		return l.connectToOwner(client)
	case client.Mode() == rueidis.ClientModeCluster:
		return l.connectToAny(client)
	default:
		return l.connectTo(client)
	}
}

// connectToAny connects to a node of a Redis Cluster, which hands what is published to all
// others. Those take different times: so that order is kept among servers, too, all with
// the same prefix try the nodes in the same order.
func (l *link) connectToAny(client rueidis.Client) (*conn, error) {
	nodes, err := client.Nodes(), errNoNodes
	order := addrs(client)
	for i := range order {
		node := nodes[order[(int(slotOf(l.e.prefix))+i)%len(order)]]
		if node == nil {
			continue
		}
		var c *conn
		if c, err = l.connectTo(node); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// connectToOwner connects to the node of a Redis Cluster that has the stream.
func (l *link) connectToOwner(client rueidis.Client) (*conn, error) {
	ctx, cancel := context.WithTimeout(l.e.ctx, helloTimeout)
	defer cancel()
	addrs, _, err := l.e.topology(ctx)
	if err != nil {
		return nil, err
	}
	stream := l.e.journal.stream
	node := client.Nodes()[addrs[slotOf(stream)]]
	if node == nil {
		client.Do(ctx, tried(client.B().Xlen().Key(stream).Build())) // has the client look for nodes
		return nil, errUnknownNode
	}
	return l.connectTo(node)
}

// tried returns a command that only reads, and that a client is to send. When the connection
// breaks the client sends such a command again by another, and takes its memory for the next
// command once there is an answer, while the goroutine of the first connection may still write it.
func tried(read rueidis.Completed) rueidis.Completed { return read.Pin() }

func (l *link) connectTo(client rueidis.Client) (*conn, error) {
	nodes := addrs(l.e.client)
	d, _ := client.Dedicate()
	if err := l.hello(d); err != nil {
		d.Close()
		return nil, err
	}
	lost := d.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: l.e.receive, OnSubscription: l.subscription})
	return &conn{d, lost, nodes}, nil
}

// hello asks what the server is. It is the first command, so that it fails if there is no
// connection.
func (l *link) hello(d rueidis.DedicatedClient) error {
	ctx, cancel := context.WithTimeout(context.Background(), helloTimeout)
	defer cancel()
	info, err := d.Do(ctx, d.B().Arbitrary("HELLO").Build()).AsMap()
	if err != nil {
		if answer, ok := rueidis.IsRedisErr(err); ok && strings.Contains(answer.Error(), "unknown command") {
			return ErrRESP2
		}
		return fmt.Errorf("redis: connecting: %w", err)
	}
	proto, version, role := info["proto"], info["version"], info["role"]
	if n, _ := proto.AsInt64(); n < 3 {
		return ErrRESP2
	}
	if number, _ := version.ToString(); l.e.sharded {
		major, _, _ := strings.Cut(number, ".")
		if n, err := strconv.Atoi(major); err == nil && n < 7 {
			return fmt.Errorf("redis: sharded channels need version 7, and the server has %s", number)
		}
	}
	// In a Redis Cluster, what is published to a replica reaches all; elsewhere it
	// reaches the replica's own subscribers.
	inCluster := l.addr == "" && l.e.client.Mode() == rueidis.ClientModeCluster
	if s, _ := role.ToString(); (s == "replica" || s == "slave") && !inCluster {
		return errReplica
	}
	return nil
}
