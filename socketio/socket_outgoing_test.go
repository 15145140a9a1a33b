package socketio_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/socketio"
)

// TestOutgoing has what hears the events that go out.
func TestOutgoing(t *testing.T) {
	bubble(t, "heard", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		m := join(h, 2)
		type heard struct {
			s     *socketio.Socket
			event string
			args  string
		}
		var got []heard
		m.nsp.OnOutgoing(func(s *socketio.Socket, event string, args []any) {
			got = append(got, heard{s, event, fmt.Sprint(args...)})
		})
		a, b := m.sockets[0], m.sockets[1]
		check := func(what string, want ...heard) {
			t.Helper()
			slices.SortFunc(got, func(x, y heard) int { return slices.Index(m.sockets, x.s) - slices.Index(m.sockets, y.s) })
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
			got = nil
		}
		a.Emit("one", 1)
		check("Emit", heard{a, "one", "1"})
		a.Volatile().Emit("two", "x")
		check("Volatile", heard{a, "two", "x"})
		m.nsp.All().Emit("three")
		check("broadcast", heard{a, "three", ""}, heard{b, "three", ""})
		a.To(b.ID()).Emit("four", 4)
		check("room", heard{b, "four", "4"})
		a.Emit("bad", make(chan int))
		m.nsp.All().Emit("connect")
		check("what cannot be encoded")
		done := askAll(t.Context(), m.nsp.All())
		synctest.Wait()
		alone := ask(t.Context(), b)
		synctest.Wait()
		check("acks", heard{a, "q", ""}, heard{b, "q", ""}, heard{b, "q", ""})
		b.Disconnect()
		a.Disconnect()
		<-done
		<-alone
		a.Emit("five")
		m.nsp.All().Emit("six")
		check("gone")
		m.nsp.OnOutgoing(nil)
	})
	bubble(t, "taken back", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		m := join(h, 1)
		n := 0
		m.nsp.OnOutgoing(func(*socketio.Socket, string, []any) { n++ })
		m.clients[0].alive("/") // an ack is not an event
		m.sockets[0].Emit("e")
		m.nsp.OnOutgoing(nil)
		m.sockets[0].Emit("e")
		if n != 1 {
			t.Errorf("heard %d times", n)
		}
	})
}
