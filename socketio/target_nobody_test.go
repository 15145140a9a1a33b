package socketio_test

import (
	"context"
	"errors"
	"testing"

	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// An untold broker must not be asked.
type untold struct {
	*socketio.Local
	t *testing.T
}

func (u untold) Broadcast(*socketio.Broadcast) error { u.t.Error("Broadcast"); return nil }
func (u untold) BroadcastWithAck(context.Context, *socketio.Broadcast) ([]socketio.Answer, error) {
	u.t.Error("BroadcastWithAck")
	return nil, nil
}
func (u untold) Join(socketio.Selector, []string) error   { u.t.Error("Join"); return nil }
func (u untold) Leave(socketio.Selector, []string) error  { u.t.Error("Leave"); return nil }
func (u untold) Disconnect(socketio.Selector, bool) error { u.t.Error("Disconnect"); return nil }
func (u untold) Count(context.Context, socketio.Selector) (int, error) {
	u.t.Error("Count")
	return 0, nil
}
func (u untold) Sockets(context.Context, socketio.Selector) ([]socketio.RemoteSocket, error) {
	u.t.Error("Sockets")
	return nil, nil
}

// TestNobody has targets of an empty list of rooms: no broker hears of them, who
// could take them for everybody.
func TestNobody(t *testing.T) {
	h := newHost(t, &socketio.Options{Broker: func(l *socketio.Local) socketio.Broker { return untold{l, t} }})
	static, dynamic := h.of("/", nil), h.dynamic("/dyn-", nil)
	c := h.ws()
	c.join("/")
	c.join("/dyn-1")
	s, d := static.socket(), dynamic.socket()
	for name, target := range map[string]socketio.Target{
		"static":               static.All().To(),
		"volatile":             static.All().Volatile().In(),
		"socket":               s.To(),
		"emission":             s.Volatile().In(),
		"socket of dynamic":    d.To().Except("x"),
		"dynamic":              h.Dynamic("/dyn-1").All().To(),
		"dynamic, without any": h.Dynamic("/dyn-2").All().To(),
		"all that are dynamic": dynamic.All().To().Local(),
	} {
		t.Run(name, func(t *testing.T) {
			n, err := target.Count(t.Context())
			sockets, err2 := target.Sockets(t.Context())
			answers, err3 := target.EmitWithAck(t.Context(), "e")
			if n+len(sockets)+len(answers)+len(target.LocalSockets()) != 0 {
				t.Errorf("Count %d, Sockets %v, answers %v", n, sockets, answers)
			}
			done(t, err, err2, err3, target.Emit("e", 1), target.Join("a"), target.Leave("a"), target.Disconnect(), target.Disconnect(true))
			if err := target.Emit("connect"); !errors.Is(err, parser.ErrReservedEvent) {
				t.Errorf("a reserved name: %v", err)
			}
			if err := target.Emit("e", make(chan int)); err == nil {
				t.Error("an argument that can't be encoded is taken")
			}
			if _, err := target.EmitWithAck(t.Context(), "connect"); !errors.Is(err, parser.ErrReservedEvent) {
				t.Errorf("a reserved name, with an ack: %v", err)
			}
		})
	}
	c.alive("/")
	c.alive("/dyn-1")
}
