package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/siokit/sio"
)

// warm has the first clients come and go: they take what others need not. They
// are few, since those who come later get what they leave.
func warm(w *world, nsp string) error {
	if err := w.connect(4, nsp); err != nil {
		return err
	}
	if err := w.tell(command{Do: "echo", N: 1000, Flight: 64, Namespace: nsp, Size: payload}); err != nil {
		return err
	}
	return w.disconnect()
}

// network measures what goes over the network, besides broadcasts.
func network(w *world, m *meter, nsp string) error {
	const clients = 200
	if err := m.measure("connect", clients, func() error { return w.connect(clients, nsp) }); err != nil {
		return err
	}
	return echoes(w, m, nsp, 5000, payload)
}

// echoes has the clients, all of them in turn, send n events that are
// acknowledged with what they carry.
func echoes(w *world, m *meter, nsp string, n, size int) error {
	c := command{Do: "echo", N: n / 5, Flight: 16, Namespace: nsp, Size: size}
	if err := w.tell(c); err != nil {
		return err
	}
	c.N = n
	return m.measure("echo", n, func() error { return w.tell(c) })
}

// broadcasts emits to members clients, burst events at a time. The next are
// emitted when everybody has got these.
func broadcasts(w *world, m *meter, to sio.Target, members, size, burst int) error {
	each := burst * members
	times := min(clamp(30_000/each, 4, 2000), max(4, 64<<20/(size*each)))
	op := "broadcast, each delivery"
	if burst > 1 {
		op = fmt.Sprintf("broadcast of %d, each delivery", burst)
	}
	var arg any = strings.Repeat("x", size)
	run := func() error {
		for range burst {
			if err := to.Emit("msg", arg); err != nil {
				return err
			}
		}
		return w.hear()
	}
	if err := w.tell(command{Do: "expect", N: (times + 1) * each, Every: each, Size: size}); err != nil {
		return err
	}
	if err := run(); err != nil { // to warm up
		return err
	}
	return m.measure(op, times*each, func() error {
		for range times {
			if err := run(); err != nil {
				return err
			}
		}
		return nil
	})
}

// roomOps measures what is done with one room, by clients that come for it.
func roomOps(w *world, m *meter, nsp *sio.Namespace) error {
	sockets, _, err := w.idle(100, nsp.Name())
	if err != nil {
		return err
	}
	return opsOn(m, nsp, sockets)
}

func opsOn(m *meter, nsp *sio.Namespace, sockets []*sio.Socket) error {
	if err := sockets[0].Join("one"); err != nil { // and stay
		return err
	}
	if err := joinLeave(m, sockets[1:], "one"); err != nil {
		return err
	}
	return emits(m, "emit to one room", 30_000, nsp.To("one").Volatile())
}

// joinLeave has the sockets join a room, and leave it again.
func joinLeave(m *meter, sockets []*sio.Socket, room string) error {
	const times = 200
	var join, leave tally
	runtime.GC()
	for i := range times + 1 {
		if i == 1 { // the first time is to warm up
			join, leave = tally{}, tally{}
		}
		join.start()
		for _, s := range sockets {
			if err := s.Join(room); err != nil {
				return err
			}
		}
		join.stop()
		leave.start()
		for _, s := range sockets {
			s.Leave(room)
		}
		leave.stop()
	}
	m.done("join", &join, times*len(sockets))
	m.done("leave", &leave, times*len(sockets))
	return nil
}

// emits measures emitting to clients that nothing is written to.
func emits(m *meter, op string, n int, to sio.Target) error {
	var arg any = strings.Repeat("x", payload)
	emit := func() error { return to.Emit("msg", arg) }
	if err := emit(); err != nil {
		return err
	}
	return m.measure(op, n, func() error {
		for range n {
			if err := emit(); err != nil {
				return err
			}
		}
		return nil
	})
}

// walk asks as many sockets, and the sessions below, for what they know, in an
// order as that of a map. It is what it takes to get at them: on a machine that is
// shared, memory can be ten times as far away as it was a minute ago.
func walk(m *meter, sockets []*sio.Socket, times int) error {
	list := slices.Clone(sockets)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return m.measure(walking, times, func() error {
		for range times {
			for _, s := range list {
				if !s.Connected() || s.Session().Transport() == "" {
					return errors.New("a member has gone")
				}
			}
		}
		return nil
	})
}

func clamp(n, low, high int) int { return min(max(n, low), high) }
