package adminui

import (
	"os"
	"sync"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
)

// A serverStats is what the page is told of a server.
type serverStats struct {
	ServerID            string      `json:"serverId"`
	Hostname            string      `json:"hostname"`
	PID                 int         `json:"pid"`
	Uptime              float64     `json:"uptime"` // in seconds, since Mount
	ClientsCount        int         `json:"clientsCount"`
	PollingClientsCount int         `json:"pollingClientsCount"`
	AggregatedEvents    []aggregate `json:"aggregatedEvents"`
	Namespaces          []namespace `json:"namespaces"`
}

// An aggregate is how often something has happened about that time.
type aggregate struct {
	Timestamp int64  `json:"timestamp"` // in milliseconds
	Type      string `json:"type"`
	SubType   string `json:"subType,omitempty"`
	Count     uint64 `json:"count"`
}

type namespace struct {
	Name         string `json:"name"`
	SocketsCount int    `json:"socketsCount"`
}

// maxNamespaces bounds how many are told of. Those that clients name are one, their pattern's.
const maxNamespaces = 200

// counters count what is told as aggregates.
type counters struct {
	before traffic // what has been told; of the goroutine

	mu     sync.Mutex // protects the following
	opened uint64
	closed map[engineio.Reason]uint64
}

type traffic struct {
	packetsIn, packetsOut, bytesIn, bytesOut uint64
}

// observe has connections that come and go counted, and pages closed that miss something.
func (u *ui) observe() {
	c := &u.count
	c.closed = make(map[engineio.Reason]uint64)
	o := new(sio.Observer)
	o.SessionOpened = func(*engineio.Session, string) {
		c.mu.Lock()
		c.opened++
		c.mu.Unlock()
	}
	o.SessionClosed = func(_ *engineio.Session, reason engineio.Reason) {
		c.mu.Lock()
		c.closed[bounded(reason)]++
		c.mu.Unlock()
	}
	o.LimitReached = u.limited
	u.srv.Observe(o)
}

// bounded returns a reason of sio's, or one that stands for all others: an application
// may end sessions with any.
func bounded(reason engineio.Reason) engineio.Reason {
	switch reason {
	case engineio.ReasonTransportError, engineio.ReasonTransportClose, engineio.ReasonForcedClose, engineio.ReasonPingTimeout,
		engineio.ReasonParseError, engineio.ReasonShutdown, engineio.ReasonSlowConsumer:
		return reason
	}
	return "other"
}

// take returns what has happened since it was called last.
func (c *counters) take(st sio.Stats, now time.Time) []aggregate {
	events := []aggregate{}
	at := now.Truncate(time.Second).UnixMilli()
	add := func(typ, subType string, n uint64) {
		if n > 0 {
			events = append(events, aggregate{at, typ, subType, n})
		}
	}
	c.mu.Lock()
	add("rawConnection", "", c.opened)
	for reason, n := range c.closed {
		add("rawDisconnection", string(reason), n)
	}
	c.opened = 0
	clear(c.closed)
	c.mu.Unlock()
	was := c.before
	p, w := st.Engine.Polling, st.Engine.WebSocket
	c.before = traffic{
		packetsIn: p.In.Packets + w.In.Packets, packetsOut: p.Out.Packets + w.Out.Packets,
		bytesIn: p.In.Bytes + w.In.Bytes, bytesOut: p.Out.Bytes + w.Out.Bytes,
	}
	add("packetsIn", "", c.before.packetsIn-was.packetsIn)
	add("packetsOut", "", c.before.packetsOut-was.packetsOut)
	add("bytesIn", "", c.before.bytesIn-was.bytesIn)
	add("bytesOut", "", c.before.bytesOut-was.bytesOut)
	return events
}

// emitStats tells all pages what this server has, and what has happened.
func (u *ui) emitStats(st sio.Stats, now time.Time) {
	_ = u.nsp.Emit("server_stats", u.describe(st, u.count.take(st, now))) // a broker that is away is reported elsewhere
}

func (u *ui) describe(st sio.Stats, events []aggregate) serverStats {
	host, _ := os.Hostname()
	s := serverStats{
		ServerID:            u.opts.ServerID,
		Hostname:            host,
		PID:                 os.Getpid(),
		Uptime:              time.Since(u.born).Seconds(),
		ClientsCount:        st.Engine.Polling.Sessions + st.Engine.WebSocket.Sessions,
		PollingClientsCount: st.Engine.Polling.Sessions,
		AggregatedEvents:    events,
	}
	for _, n := range st.Namespaces[:min(maxNamespaces, len(st.Namespaces))] {
		s.Namespaces = append(s.Namespaces, namespace{n.Name, n.Sockets})
	}
	return s
}
