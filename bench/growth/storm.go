package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/siokit/sio"
)

// A storm is what follows when all clients lose their connections at once: they come
// back, each as who it was, and get what they have missed.

// lasting has nobody away for too long, nor too many.
var lasting = &sio.Recovery{MaxSessions: 200_000}

const (
	missed   = 3   // messages sent to all while they are away
	stormers = 200 // clients that come back, where their number is not the point
	flight   = 64  // that do so at the same time
)

// storm measures as many connects in a second, of clients that come for the first time and
// of those that come back. More than the machine can do take longer.
func storm(w *world, m *meter, x int) error {
	if err := w.settle(stormers, 0); err != nil { // what is there once is not to be counted
		return err
	}
	if err := w.loseAll(); err != nil {
		return err
	}
	if err := w.storm(stormers, 0); err != nil {
		return err
	}
	if err := w.disconnect(); err != nil {
		return err
	}
	if err := m.measure("connect", x, func() error { return w.settle(x, x) }); err != nil {
		return err
	}
	if err := w.loseAll(); err != nil {
		return err
	}
	return m.measure("come back", x, func() error { return w.storm(x, x) })
}

// away measures what clients that come back take beside others that do not.
func away(w *world, m *meter, x int) error {
	if err := warm(w, "/"); err != nil {
		return err
	}
	before := weigh()
	if err := w.leaveAway(x); err != nil {
		return err
	}
	if x >= 1000 {
		m.gained("client that is away", before, x)
	}
	if err := w.settle(stormers, 0); err != nil {
		return err
	}
	if err := w.loseAll(); err != nil {
		return err
	}
	return m.measure("come back", stormers, func() error { return w.storm(stormers, 0) })
}

// settle connects n clients that can come back, at a rate.
func (w *world) settle(n, rate int) error {
	w.admit = func(c *sio.Context) error {
		if c.Recovered() {
			return nil
		}
		if err := c.Join("all"); err != nil {
			return err
		}
		return c.Emit("hello") // from its offset they count
	}
	return w.tell(command{Do: "settle", N: n, Flight: min(n, flight), Rate: rate})
}

// loseAll cuts all connections, and emits what is then missed.
func (w *world) loseAll() error {
	if err := w.disconnect(); err != nil {
		return err
	}
	for range missed {
		if err := w.srv.To("all").Emit("msg", strings.Repeat("x", payload)); err != nil {
			return err
		}
	}
	return nil
}

// storm has the n clients that were there last come back, at a rate.
func (w *world) storm(n, rate int) error {
	return w.tell(command{Do: "return", N: n, Flight: min(n, flight), Rate: rate, Missed: missed})
}

// leaveAway has x clients in memory connect, and lose their connections.
func (w *world) leaveAway(x int) error {
	const some = 1000 // are there at a time
	for x > 0 {
		n := min(x, some)
		x -= n
		_, clients, err := w.idle(n, "/")
		if err != nil {
			return err
		}
		for _, c := range clients {
			if err := c.post("1"); err != nil {
				return err
			}
		}
		w.present.Wait()
	}
	return nil
}

// A ticket is what a client needs to come back.
type ticket struct{ pid, offset string }

// settle connects clients, and keeps their tickets, instead of those of others.
func (s *swarm) settle(c command) error {
	s.tickets = make([]ticket, c.N)
	return s.open(c, func(i int) (*clientConn, error) {
		return dialAnd(c.Addr, func(conn *clientConn) error {
			if _, err := conn.Write(clientFrame([]byte("40"))); err != nil {
				return err
			}
			packet, err := conn.next()
			if err != nil {
				return err
			}
			t := &s.tickets[i]
			if t.pid, err = pidOf(packet); err != nil {
				return err
			}
			if packet, err = conn.next(); err != nil {
				return err
			}
			t.offset, err = offsetOf(packet)
			return err
		})
	})
}

// comeBack connects those that have tickets. It checks that the server knows them, and that
// each gets what it has missed.
func (s *swarm) comeBack(c command) error {
	if c.N != len(s.tickets) {
		return fmt.Errorf("%d are to come back, and %d can", c.N, len(s.tickets))
	}
	return s.open(c, func(i int) (*clientConn, error) {
		return dialAnd(c.Addr, func(conn *clientConn) error { return conn.comeBack(s.tickets[i], c.Missed) })
	})
}

func (c *clientConn) comeBack(t ticket, missed int) error {
	if _, err := c.Write(clientFrame(fmt.Appendf(nil, `40{"pid":%q,"offset":%q}`, t.pid, t.offset))); err != nil {
		return err
	}
	for known := false; !known || missed > 0; {
		packet, err := c.next()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(packet, []byte(`42["msg",`)): // before the answer, or behind it
			missed--
		default:
			pid, err := pidOf(packet)
			if err == nil && pid != t.pid {
				err = fmt.Errorf("the server took it for a new client: %.100q", packet)
			}
			if err != nil {
				return err
			}
			known = true
		}
	}
	if missed < 0 {
		return fmt.Errorf("%d messages more than were missed", -missed)
	}
	return nil
}

// pidOf takes the answer to a CONNECT.
func pidOf(packet []byte) (string, error) {
	var answer struct{ PID string }
	data, ok := bytes.CutPrefix(packet, []byte("40"))
	if !ok || json.Unmarshal(data, &answer) != nil || answer.PID == "" {
		return "", fmt.Errorf("packet %.100q, want a pid", packet)
	}
	return answer.PID, nil
}

// offsetOf takes an event without arguments.
func offsetOf(packet []byte) (string, error) {
	var args []string
	data, ok := bytes.CutPrefix(packet, []byte("42"))
	if !ok || json.Unmarshal(data, &args) != nil || len(args) != 2 {
		return "", fmt.Errorf("packet %.100q, want an offset", packet)
	}
	return args[1], nil
}
