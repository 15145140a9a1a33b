package main

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/siokit/sio"
)

// An axis is a number that cost may grow with.
type axis struct {
	name    string // for -only, and for the chart's file
	label   string
	xs      []int
	measure func(w *world, m *meter, x int) error

	// The exponent of operations whose cost may grow in proportion to the
	// number. That of all others must not depend on it.
	linear map[string]float64
	moving map[string]float64 // likewise, in CPU time alone

	recovery *sio.Recovery // of the server; nil: none

	// control, if set, is an operation whose CPU time the linear ones are
	// compared with: it is what the memory alone makes of the number.
	control string
}

// allowed returns the exponent with which an operation may grow in a quantity.
func (a *axis) allowed(op, quantity string) float64 {
	if quantity == cpu {
		return max(a.linear[op], a.moving[op])
	}
	return a.linear[op]
}

var axes = []*axis{
	{
		name: "connections", label: "connections",
		xs:      []int{10, 30, 100, 300, 1000, 3000, 10_000},
		measure: connections,
	},
	{
		name: "rooms", label: "other rooms in the namespace",
		xs:      []int{1, 10, 100, 1000, 10_000, 100_000},
		measure: rooms,
	},
	{
		name: "namespaces", label: "namespaces of the server",
		xs:      []int{1, 10, 100, 1000, 10_000},
		measure: namespaces,
	},
	{
		name: "rooms-of-socket", label: "other rooms that the socket is in",
		xs:      []int{1, 3, 10, 30, 100, 300, 1000},
		measure: roomsOfSocket,
		linear:  map[string]float64{"disconnect": 1},
		// A socket has its rooms in a slice in the order of their names, which is moved, rather
		// than in a map: nearly all are in a few, and MaxRooms bounds them.
		moving: map[string]float64{"join": 1, "leave": 1},
	},
	{
		name: "members", label: "members of the room",
		xs:      []int{1, 10, 100, 1000, 10_000},
		measure: members,
		linear:  map[string]float64{"emit to the room": 1, "emit to the room but the sender": 1, walking: 1},
		control: walking,
	},
	{
		name: "size", label: "bytes of the message",
		xs:      []int{16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10},
		measure: size,
		linear:  map[string]float64{"echo": 1, "broadcast, each delivery": 1},
	},
	{
		name: "namespaces-of-client", label: "namespaces that the client is in",
		xs:      []int{1, 3, 10, 30, 100, 300, 1000},
		measure: namespacesOfClient,
		linear:  map[string]float64{"event in the last one": 1, "connect to each": 1},
	},
	{
		name: "storm", label: "clients that come back within a second",
		xs:       []int{100, 300, 1000, 3000, 10_000},
		measure:  storm,
		recovery: lasting,
	},
	{
		name: "away", label: "other clients that are away",
		xs:       []int{1, 10, 100, 1000, 10_000, 100_000},
		measure:  away,
		recovery: lasting,
	},
}

// walking is the control of what goes to all members of a room.
const walking = "for comparison: look at as many"

const payload = 100 // bytes of a message's string, where the size is not the point

func connections(w *world, m *meter, x int) error {
	// What is there once is not to be counted as the connections'.
	if err := warm(w, "/"); err != nil {
		return err
	}
	before := weigh()
	if err := m.measure("connect", x, func() error { return w.connect(x, "/") }); err != nil {
		return err
	}
	if x >= 100 { // fewer weigh less than the measuring
		after := m.gained("connection, heap", before, x)
		m.add("connection, stacks", live, (after.stacks-before.stacks)/float64(x))
	}
	if err := echoes(w, m, "/", 10_000, payload); err != nil {
		return err
	}
	for _, burst := range []int{1, 10} {
		if err := broadcasts(w, m, w.srv.To("all"), x, payload, burst); err != nil {
			return err
		}
	}
	if err := m.measure("disconnect", x, w.disconnect); err != nil {
		return err
	}
	if err := w.connect(x, "/"); err != nil {
		return err
	}
	return roomOps(w, m, w.srv.Namespace)
}

func rooms(w *world, m *meter, x int) error {
	if err := warm(w, "/"); err != nil {
		return err
	}
	const holders = 100
	sockets, _, err := w.idle(holders, "/")
	if err != nil {
		return err
	}
	before := weigh()
	for i := range x {
		if err := sockets[i%holders].Join(fmt.Sprintf("room %d", i)); err != nil {
			return err
		}
	}
	if x >= 1000 {
		m.gained("room with one member", before, x)
	}
	if err := roomOps(w, m, w.srv.Namespace); err != nil {
		return err
	}
	return network(w, m, "/")
}

func namespaces(w *world, m *meter, x int) error {
	if err := warm(w, "/"); err != nil {
		return err
	}
	before := weigh()
	last := ""
	for i := range x {
		last = fmt.Sprintf("/n%d", i)
		w.furnish(last)
	}
	if x >= 100 {
		m.gained("namespace without clients", before, x)
	}
	if err := roomOps(w, m, w.srv.Of(last)); err != nil {
		return err
	}
	return network(w, m, last)
}

func roomsOfSocket(w *world, m *meter, x int) error {
	const n = 100
	sockets, clients, err := w.idle(n, "/")
	if err != nil {
		return err
	}
	names := make([]string, x)
	for i := range names {
		names[i] = fmt.Sprintf("room %d", i)
	}
	before := weigh()
	for _, s := range sockets {
		if err := s.Join(names...); err != nil {
			return err
		}
	}
	if x >= 10 {
		m.gained("membership", before, n*x)
	}
	if err := opsOn(m, w.srv.Namespace, sockets); err != nil {
		return err
	}
	return m.measure("disconnect", n, func() error {
		for _, c := range clients {
			if err := c.post("41"); err != nil {
				return err
			}
		}
		w.present.Wait()
		return nil
	})
}

func members(w *world, m *meter, x int) error {
	sockets, _, err := w.idle(x, "/")
	if err != nil {
		return err
	}
	for _, s := range sockets {
		if err := s.Join("room"); err != nil {
			return err
		}
	}
	others, _, err := w.idle(100, "/")
	if err != nil {
		return err
	}
	if err := joinLeave(m, others, "room"); err != nil {
		return err
	}
	n := max(20, 200_000/x)
	if err := emits(m, "emit to the room", n, w.srv.To("room").Volatile()); err != nil {
		return err
	}
	if err := emits(m, "emit to the room but the sender", n, sockets[0].To("room").Volatile()); err != nil {
		return err
	}
	if err := walk(m, sockets, n); err != nil {
		return err
	}
	const most = 1000 // that are connected over TCP
	if x > most {
		return nil
	}
	var admitted atomic.Int32
	w.admit = func(c *sio.Context) error {
		if int(admitted.Add(1)) > x {
			return nil
		}
		return c.Join("few")
	}
	if err := w.connect(most, "/"); err != nil {
		return err
	}
	return broadcasts(w, m, w.srv.To("few"), x, payload, 1)
}

func size(w *world, m *meter, x int) error {
	const clients = 16
	if err := w.connect(clients, "/"); err != nil {
		return err
	}
	if err := echoes(w, m, "/", clamp(64<<20/x, 200, 5000), x); err != nil {
		return err
	}
	return broadcasts(w, m, w.srv.To("all"), clients, x, 1)
}

func namespacesOfClient(w *world, m *meter, x int) error {
	const events, batch = 5000, 50
	got := make(chan struct{}, batch)
	names := make([]string, x)
	for i := range names {
		names[i] = fmt.Sprintf("/n%d", i)
		w.furnish(names[i]).On("event", func(*sio.Context) error {
			got <- struct{}{}
			return nil
		})
	}
	c, err := w.newIdle()
	if err != nil {
		return err
	}
	before := weigh()
	sockets := make([]*sio.Socket, x)
	if err := m.measure("connect to each", x, func() error {
		for i, name := range names {
			if err := c.post("40" + name + ","); err != nil {
				return err
			}
			sockets[i] = <-w.sockets
		}
		return nil
	}); err != nil {
		return err
	}
	if x >= 30 {
		m.gained("socket", before, x)
	}
	packets := strings.Repeat("\x1e42"+names[x-1]+`,["event"]`, batch)[1:]
	return m.measure("event in the last one", events, func() error {
		for range events / batch {
			if err := c.post(packets); err != nil {
				return err
			}
			for range batch {
				<-got
			}
		}
		return nil
	})
}
