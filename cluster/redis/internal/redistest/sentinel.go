package redistest

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/siokit/sio/internal/freeport"
)

// MasterSet is what a Sentinel calls the servers that it watches.
const MasterSet = "main"

// A Sentinel watches a master and its replica.
type Sentinel struct {
	*Server
	Servers []*Server // the master, as long as nothing happens, and the replica
}

// StartSentinel starts a master, a replica, and a Sentinel that replaces the master when it
// has not answered for half a second.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	master := Start(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := Start(t, "--replicaof", host+" "+port)
	until(t, "replication", func() bool { return strings.Contains(text(replica, "info", "replication"), "master_link_status:up") })

	addr := freeport.Addr(t)
	_, own, _ := net.SplitHostPort(addr)
	conf := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 2000\n",
		own, MasterSet, host, port, MasterSet, MasterSet)
	path := t.TempDir() + "/sentinel.conf"
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Sentinel{StartAt(t, addr, path, "--sentinel"), []*Server{master, replica}}
	s.AwaitReplica(replica)
	return s
}

// AwaitReplica waits until the Sentinel may make a server the master.
func (s *Sentinel) AwaitReplica(replica *Server) {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(replica.Addr)
	until(s.t, "the Sentinel to know the replica", func() bool {
		m := s.Do("sentinel", "replicas", MasterSet)
		list, _ := m.ToArray()
		for _, m := range list {
			r, _ := m.AsStrMap()
			if r["ip"] == host && r["port"] == port && r["flags"] == "slave" && r["master-link-status"] == "ok" {
				return true
			}
		}
		return false
	})
}

// Master returns the address of the master, as the Sentinel has it.
func (s *Sentinel) Master() string {
	m := s.Do("sentinel", "get-master-addr-by-name", MasterSet)
	pair, _ := m.AsStrSlice()
	return net.JoinHostPort(pair[0], pair[1])
}
