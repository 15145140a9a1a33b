package redistest

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/internal/freeport"
)

// slots is how many a Redis Cluster has.
const slots = 16384

// A Cluster is a Redis Cluster.
type Cluster struct {
	Nodes []*Server // masters first

	t testing.TB
}

// StartCluster starts a Redis Cluster of some masters, which share the slots, and a replica
// of the first if there is to be one.
func StartCluster(t testing.TB, masters int, withReplica bool) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for i := range masters {
		c.add()
		node := c.Nodes[i]
		first, last := i*slots/masters, (i+1)*slots/masters-1
		node.Do("cluster", "addslotsrange", strconv.Itoa(first), strconv.Itoa(last))
		node.Do("cluster", "set-config-epoch", strconv.Itoa(i+1))
		c.meet(i)
	}
	c.wait("cluster_state:ok")
	if withReplica {
		replica := c.Add()
		replica.Do("cluster", "replicate", c.ID(c.Nodes[0]))
		until(t, "replication", func() bool { return strings.Contains(text(replica, "info", "replication"), "master_link_status:up") })
		until(t, "the replica to be known", func() bool {
			for _, node := range c.Nodes {
				if !strings.Contains(text(node, "cluster", "nodes"), "slave "+c.ID(c.Nodes[0])) {
					return false
				}
			}
			return true
		})
	}
	return c
}

// Add adds a node without slots.
func (c *Cluster) Add() *Server {
	c.t.Helper()
	c.add()
	c.meet(len(c.Nodes) - 1)
	c.wait("cluster_known_nodes:" + strconv.Itoa(len(c.Nodes)))
	return c.Nodes[len(c.Nodes)-1]
}

func (c *Cluster) add() {
	_, bus, _ := net.SplitHostPort(freeport.Addr(c.t))
	c.Nodes = append(c.Nodes, Start(c.t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", bus))
}

// meet makes a node known to the first.
func (c *Cluster) meet(i int) {
	if i == 0 {
		return
	}
	host, port, _ := net.SplitHostPort(c.Nodes[0].Addr)
	c.Nodes[i].Do("cluster", "meet", host, port, c.Nodes[0].bus())
}

func (s *Server) bus() string {
	for i, arg := range s.args {
		if arg == "--cluster-port" {
			return s.args[i+1]
		}
	}
	return ""
}

func (c *Cluster) wait(info string) {
	c.t.Helper()
	until(c.t, info, func() bool {
		for _, node := range c.Nodes {
			if !strings.Contains(text(node, "cluster", "info"), info) {
				return false
			}
		}
		return true
	})
}

// ID returns the id of a node.
func (c *Cluster) ID(s *Server) string { return text(s, "cluster", "myid") }

// Owner returns the node that has a slot.
func (c *Cluster) Owner(slot uint16) *Server {
	c.t.Helper()
	ranges := c.Nodes[1].Do("cluster", "slots")
	list, _ := ranges.ToArray()
	for _, r := range list {
		fields, _ := r.ToArray()
		first, _ := fields[0].AsInt64()
		last, _ := fields[1].AsInt64()
		if int64(slot) < first || int64(slot) > last {
			continue
		}
		node, _ := fields[2].ToArray()
		host, _ := node[0].ToString()
		port, _ := node[1].AsInt64()
		for _, s := range c.Nodes {
			if s.Addr == fmt.Sprintf("%s:%d", host, port) {
				return s
			}
		}
	}
	c.t.Fatalf("nobody has slot %d", slot)
	return nil
}

// Move moves a slot to a node.
func (c *Cluster) Move(slot uint16, to *Server) {
	c.t.Helper()
	from, n := c.Owner(slot), strconv.Itoa(int(slot))
	to.Do("cluster", "setslot", n, "importing", c.ID(from))
	from.Do("cluster", "setslot", n, "migrating", c.ID(to))
	to.Do("cluster", "setslot", n, "node", c.ID(to))
	from.Do("cluster", "setslot", n, "node", c.ID(to))
}

func text(s *Server, args ...string) string {
	m := s.Do(args...)
	text, _ := m.ToString()
	return text
}

// until asks for what servers do not tell by themselves.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}
