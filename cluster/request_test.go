package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// TestLeaving has a server leave that does not have the namespace that others ask about, and
// was not asked: its leaving must not pass for an answer.
func TestLeaving(t *testing.T) {
	in(t, "one that was not asked", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		a, b, c := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		for _, s := range []*server{a, b, c} {
			s.Of("/room-{id}").OnConnect(func(*sio.Context) error { return nil })
		}
		for _, s := range []*server{a, c} {
			siotest.Connect(t, s.Server, &siotest.Options{Namespace: "/room-1"})
		}
		time.Sleep(time.Minute)
		c.engine.Freeze()
		counted := make(chan string, 1)
		go func() {
			n, err := a.Of("/room-1").Count(t.Context())
			counted <- fmt.Sprint(n, err)
		}()
		synctest.Wait()
		if err := b.cl.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second) // c is slow
		c.engine.Thaw()
		if got := <-counted; got != "2 <nil>" {
			t.Errorf("count %s, want 2", got)
		}
	})
}

// TestCountBesideNode has a server count beside one that can only tell of its sockets, as those
// written in JavaScript, in a namespace that a third one does not have.
func TestCountBesideNode(t *testing.T) {
	in(t, "dynamic", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		for _, s := range []*server{a, b} {
			s.Of("/room-{id}").OnConnect(func(*sio.Context) error { return nil })
		}
		siotest.Connect(t, a.Server, &siotest.Options{Namespace: "/room-1"})
		node := newNode(t, hub, f)
		node.Subscribe("socket.io#/#", "socket.io#/room-1#")
		time.Sleep(time.Minute)
		start := time.Now()
		n, err := a.Of("/room-1").Count(t.Context())
		if n != 3 || err != nil || time.Since(start) > time.Second {
			t.Errorf("count %d, %v, after %v; want 3", n, err, time.Since(start))
		}
	})
}

// A node has two sockets in each namespace, and answers to nothing but TypeFetch.
type node struct {
	*memory.Engine
	f wire.Format
}

func newNode(t *testing.T, hub *memory.Hub, f wire.Format) *node {
	n := &node{hub.Engine(), f}
	if err := n.Start(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func (n *node) Receive(_, channel string, data []byte) {
	var m wire.Message
	if err := n.f.Decode(channel, data, &m); err != nil || m.Type != wire.TypeFetch {
		return
	}
	out := &wire.Message{Type: wire.TypeFetched, UID: "node", To: m.UID, Nsp: strings.Trim(strings.TrimPrefix(channel, "socket.io"), "#"), Request: m.Request, Data: []byte(`[{"id":"x"},{"id":"y"}]`)}
	text, err := n.f.Append(nil, out)
	if err == nil {
		n.Publish(n.f.Channel(out), text, false)
	}
}
func (n *node) Lost(int, error)   {}
func (n *node) Missed(int, error) {}
func (n *node) Away(error)        {}
func (n *node) Back()             {}

// A hangingEngine counts when it is asked no more.
type hangingEngine struct{ *memory.Engine }

func (e hangingEngine) Count(ctx context.Context, _ string) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// TestHanging has an engine that does not answer how many servers there are.
func TestHanging(t *testing.T) {
	in(t, "count", func(t *testing.T) {
		c, err := cluster.New(t.Context(), hangingEngine{memory.NewHub().Engine()}, wire.Sharded("", wire.Dynamic), nil)
		if err != nil {
			t.Fatal(err)
		}
		srv := sio.New(&sio.Options{Broker: c.Broker})
		start := time.Now()
		n, err := srv.Count(context.Background())
		if n != 0 || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%d %v after %v", n, err, time.Since(start))
		}
		if err := errors.Join(srv.Shutdown(context.Background()), c.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestInquiries has questions to clients, and servers that are slow, away, or gone.
func TestInquiries(t *testing.T) {
	f := wire.Sharded("", wire.Dynamic)
	in(t, "a server that is late, but not too late", func(t *testing.T) {
		hub := memory.NewHub()
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		here, there := siotest.Connect(t, a.Server), siotest.Connect(t, b.Server)
		synctest.Wait()
		b.engine.Freeze()
		done := make(chan string, 1)
		go func() {
			got, err := a.EmitWithAck(t.Context(), "q")
			done <- fmt.Sprint(len(got), err)
		}()
		q := here.Expect("q")
		time.Sleep(6 * time.Second)
		b.engine.Thaw()
		there.Expect("q").Ack(1)
		synctest.Wait()
		q.Ack(1)
		if got := <-done; got != "2 <nil>" {
			t.Errorf("answers %s, want 2", got)
		}
	})
	in(t, "who asks is away, and the clients never answer", func(t *testing.T) {
		hub := memory.NewHub()
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		there := siotest.Connect(t, b.Server)
		synctest.Wait()
		done := make(chan error, 1)
		go func() {
			_, err := a.EmitWithAck(t.Context(), "q")
			done <- err
		}()
		there.Expect("q")
		s := b.Socket(there.ID())
		if n := s.PendingAcks(); n != 1 {
			t.Fatalf("%d answers are waited for", n)
		}
		a.engine.Cut()
		if err := <-done; !errors.Is(err, cluster.ErrAway) {
			t.Errorf("error %v", err)
		}
		a.engine.Heal()
		synctest.Wait()
		if n := s.PendingAcks(); n != 0 {
			t.Errorf("%d answers are still waited for", n)
		}
	})
	in(t, "who asks says nothing more", func(t *testing.T) {
		hub := memory.NewHub()
		b := newServer(t, hub, f, nil, nil)
		there := siotest.Connect(t, b.Server)
		x := newStranger(t, hub, "socket.io#/#x#")
		x.says("socket.io-servers#", `{"uid":"x","type":1,"name":"x"}`)
		x.says("socket.io#/#", `{"uid":"x","nsp":"/","type":3,"data":{"requestId":"r","opts":{"rooms":[],"except":[],"flags":{}},"packet":{"type":2,"data":["q"]}}}`)
		there.Expect("q")
		for range 13 * 60 { // x lives on
			x.says("socket.io-servers#", `{"uid":"x","type":2,"name":"x"}`)
			time.Sleep(5 * time.Second)
		}
		if n := b.Socket(there.ID()).PendingAcks(); n != 0 {
			t.Errorf("%d answers are still waited for", n)
		}
		if got := x.heard(); len(got) != 2 || !strings.Contains(got[1], "in time") {
			t.Errorf("heard %q", got)
		}
	})
}

// TestReasons has why clients of another server have not answered: errors that can be told
// apart as those of this one's.
func TestReasons(t *testing.T) {
	for name, f := range map[string]wire.Format{"classic": wire.Classic("", wire.ClassicOptions{}), "sharded": wire.Sharded("", wire.Dynamic), "subjects": wire.Subjects("")} {
		in(t, name, func(t *testing.T) {
			hub := memory.NewHub()
			a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
			ask := func(answer func(q *siotest.Event)) error {
				client := siotest.Connect(t, b.Server)
				defer client.Close()
				synctest.Wait()
				done := make(chan error, 1)
				go func() {
					got, err := a.EmitWithAck(t.Context(), "q")
					if err != nil || len(got) != 1 {
						err = fmt.Errorf("%v %w", got, err)
					} else {
						err = got[0].Err
					}
					done <- err
				}()
				if q := client.Expect("q"); answer != nil {
					answer(q)
				} else {
					client.Disconnect()
				}
				return <-done
			}
			if err := ask(func(q *siotest.Event) { q.Ack(1) }); err != nil {
				t.Error(err)
			}
			err := ask(nil)
			var reason sio.Reason
			if !errors.Is(err, sio.ErrClosed) || !errors.Is(err, socketio.ReasonClientDisconnect) || !errors.As(err, &reason) {
				t.Errorf("a client that leaves: %v", err)
			}
			deep := json.RawMessage(strings.Repeat("[", 1023) + strings.Repeat("]", 1023))
			if err := ask(func(q *siotest.Event) { q.Ack(deep) }); err == nil || !strings.Contains(err.Error(), "deep") {
				t.Errorf("an answer that is too deep to be passed on: %v", err)
			}
		})
	}
}

// TestTooManyAttachments has an event that clients refuse: who emits it is told, whether or not
// clients are on its server.
func TestTooManyAttachments(t *testing.T) {
	in(t, "nobody here", func(t *testing.T) {
		s := newServer(t, memory.NewHub(), wire.Sharded("", wire.Dynamic), nil, &sio.Options{MaxAttachments: 1})
		before := s.cl.Stats().Published
		if err := s.Emit("e", []byte{1}, []byte{2}); !errors.Is(err, socketio.ErrTooManyAttachments) {
			t.Errorf("error %v", err)
		}
		if n := s.cl.Stats().Published - before; n != 0 {
			t.Errorf("%d messages are published", n)
		}
	})
}

// A fragile codec panics when it decodes.
type fragile struct{ parser.JSON }

func (fragile) Unmarshal([]byte, [][]byte, any) error { panic("fragile") }

// TestFragileCodec has a codec that panics when it decodes what comes from another server.
func TestFragileCodec(t *testing.T) {
	in(t, "panic", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		a := newServer(t, hub, f, nil, nil)
		b := newServer(t, hub, f, nil, &sio.Options{Codec: fragile{}})
		a.OnConnect(func(c *sio.Context) error { c.Socket().SetValue("k", "v"); return nil })
		there, here := siotest.Connect(t, a.Server), siotest.Connect(t, b.Server)
		heard := make(chan string, 1)
		b.OnAnyOutgoing(func(_ *sio.Socket, event string, args []any) { heard <- fmt.Sprint(event, args) })
		synctest.Wait()
		if err := a.Emit("e", 1); err != nil {
			t.Error(err)
		}
		here.Expect("e")
		there.Expect("e")
		if got := <-heard; got != "e[<nil>]" {
			t.Errorf("heard %s", got)
		}
		if got, err := b.Sockets(t.Context()); len(got) != 2 || err != nil {
			t.Errorf("%v %v", got, err)
		}
	})
}

// TestManySenders has servers without number, none of which says more than one thing.
func TestManySenders(t *testing.T) {
	in(t, "events", func(t *testing.T) {
		hub := memory.NewHub()
		a := newServer(t, hub, wire.Sharded("", wire.Dynamic), nil, nil)
		var running atomic.Int64
		end := make(chan struct{})
		a.OnServerEvent("e", func(context.Context, *sio.Namespace, sio.Args) (any, error) {
			running.Add(1)
			<-end
			return nil, nil
		})
		x := newStranger(t, hub)
		for i := range 20_000 {
			x.says("socket.io#/#", fmt.Sprintf(`{"uid":"x%d","nsp":"/","type":9,"data":{"packet":["e"]}}`, i))
		}
		synctest.Wait()
		if n, dropped := running.Load(), a.cl.Stats().Overload; n > 10_000 || n < 1000 || dropped != uint64(20_000-n) {
			t.Errorf("%d handlers, %d events dropped", n, dropped)
		}
		close(end)
	})
}
