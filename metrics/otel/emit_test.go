package siootel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	siootel "github.com/siokit/sio/metrics/otel"
	"github.com/siokit/sio/siotest"
)

// A broadcast is one span, a child of the event's, and with Inject all who get it can link to it.
func TestEmitter(t *testing.T) {
	for _, inject := range []bool{false, true} {
		log := newSpanLog(t)
		tracer := log.tracer(siootel.TracerOptions{Inject: inject})
		news := sio.NewEvent[string]("news")
		srv := newServer()
		srv.Use(tracer.Middleware())
		srv.On("e", func(c *sio.Context) error {
			return errors.Join(
				news.Emit(tracer.Emitter(c.Context(), c.Broadcast()), "to others"),
				tracer.Emitter(c.Context(), c).Emit("back", 1, 2),
				tracer.Emitter(context.Background(), srv).Emit("all"),
				tracer.Emitter(c.Context(), c.Socket()).Emit("again"),
				c.Ack())
		})
		a, b := siotest.Connect(t, srv), siotest.Connect(t, srv)
		a.Call("e")
		got := []*siotest.Event{b.Expect("news"), a.Expect("back"), a.Expect("all"), a.Expect("again"), b.Expect("all")}
		s := log.after(t, srv)
		back, all := s.one("emit back"), s.one("emit all")
		wantChild(t, s.one("emit news"), s.one("process / e").SpanContext)
		wantChild(t, back, s.one("process / e").SpanContext)
		wantRoot(t, all)
		for i, want := range [][]any{{"to others"}, {1, 2}, {}, {}, {}} {
			if inject {
				want = append(want, carrier(s.one("emit "+got[i].Name()).SpanContext))
			}
			got[i].Is(want...)
		}
		event := func(name string) attrs {
			return attrs{"messaging.system": "socket.io", "messaging.operation.name": "emit", "messaging.operation.type": "send",
				"messaging.socket.io.event_name": name, "messaging.destination.name": "/"}
		}
		wantAttributes(t, back, event("back"))
		wantAttributes(t, all, event("all"))
		wantAttributes(t, s.one("emit again"), event("again"))
		unknown := event("news") // a Target does not tell
		delete(unknown, "messaging.destination.name")
		wantAttributes(t, s.one("emit news"), unknown)
		if back.SpanKind != trace.SpanKindProducer {
			t.Errorf("kind %v", back.SpanKind)
		}
	}
}

// What clients put behind the name of a namespace is in no span of what goes out, to clients or servers.
func TestQueryOfNamespaceIsCut(t *testing.T) {
	hub := memory.NewHub()
	log := newSpanLog(t)
	tracer := log.tracer(siootel.TracerOptions{})
	handled := make(chan struct{}, 1)
	var servers []*sio.Server
	for range 2 {
		srv := newMember(t, hub)
		tenant := srv.Of("/tenant-{id}")
		tenant.On("e", func(c *sio.Context) error {
			return errors.Join(
				tracer.Emitter(c.Context(), c).Emit("by context"),
				tracer.Emitter(c.Context(), c.Socket()).Emit("by socket"),
				tracer.Emitter(c.Context(), srv.Of(c.Namespace())).Emit("by namespace"),
				tracer.ServerEmitter(c.Context(), srv.Of(c.Namespace())).Emit("refresh"),
				c.Ack())
		})
		refresh := tracer.ServerHandler("refresh", func(context.Context, *sio.Namespace, sio.Args) (any, error) { return nil, nil })
		tenant.OnServerEvent("refresh", func(ctx context.Context, n *sio.Namespace, args sio.Args) (any, error) {
			defer func() { handled <- struct{}{} }() // when its span has ended: Shutdown does not wait for it
			return refresh(ctx, n, args)
		})
		servers = append(servers, srv)
	}
	const name = "/tenant-7?token=s3cret"
	a, b := siotest.Connect(t, servers[0]), siotest.Connect(t, servers[1])
	b.Of(name, nil)
	a.Of(name, nil).Call("e")
	<-handled
	s := log.after(t, servers...)
	for _, span := range []string{"emit by context", "emit by socket", "emit by namespace", "serverSideEmit refresh", "process refresh"} {
		for _, kv := range s.one(span).Attributes {
			if kv.Key == "messaging.destination.name" && kv.Value.AsString() != "/tenant-7" {
				t.Errorf("%q is to %s", span, kv.Value.AsString())
			}
		}
	}
	if all := fmt.Sprintf("%+v", log.exporter.GetSpans()); strings.Contains(all, "s3cret") {
		t.Errorf("a span has what a client has sent: %s", all)
	}
}

// What is passed to an Emitter stays the caller's.
func TestInjectCopies(t *testing.T) {
	log := newSpanLog(t)
	tracer := log.tracer(siootel.TracerOptions{Inject: true})
	args := append(make([]any, 0, 4), 1, 2)
	if err := tracer.Emitter(t.Context(), newServer()).Emit("e", args...); err != nil {
		t.Fatal(err)
	}
	if args[:3][2] != nil {
		t.Errorf("the caller's array has %v", args[:3])
	}
}

// The baggage of one client is not for others.
func TestInjectNoBaggage(t *testing.T) {
	log := newSpanLog(t)
	tracer := log.tracer(siootel.TracerOptions{Inject: true})
	srv := newServer()
	srv.Use(tracer.Middleware())
	srv.On("e", func(c *sio.Context) error {
		if err := tracer.Emitter(c.Context(), srv).Emit("news"); err != nil {
			return err
		}
		_, err := tracer.Asker(c).EmitWithAck(c.Context(), "question")
		return err
	})
	_, header := remote(1)
	header.Set("Baggage", "tenant=a")
	a, b := siotest.Connect(t, srv, &siotest.Options{Header: header}), siotest.Connect(t, srv)
	a.Emit("e")
	a.Expect("news")
	question := a.Expect("question")
	for _, e := range []*siotest.Event{b.Expect("news"), question} {
		got := make(propagation.MapCarrier)
		if e.Bind(&got); len(got) != 1 || got["traceparent"] == "" {
			t.Errorf("a client gets %v", got)
		}
	}
	question.Ack()
	log.after(t, srv)
}

// The span of a question lasts until the answer.
func TestAsker(t *testing.T) {
	log := newSpanLog(t)
	tracer := log.tracer(siootel.TracerOptions{})
	srv := newServer()
	srv.On("e", func(c *sio.Context) error {
		answer, err := sio.Call[int](c.Context(), tracer.Asker(c), "good", 1)
		ctx, cancel := context.WithTimeout(c.Context(), time.Millisecond)
		defer cancel()
		_, late := tracer.Asker(c).EmitWithAck(ctx, "late")
		gone := make(chan error)
		go func() { // until the client has left
			_, err := tracer.Asker(c.Socket()).EmitWithAck(context.Background(), "gone")
			gone <- err
		}()
		err = errors.Join(err, c.Ack(answer, late != nil))
		if left := <-gone; !errors.Is(left, sio.ErrClosed) {
			t.Errorf("error %v", left)
		}
		return err
	})
	c := siotest.Connect(t, srv)
	answer := c.Go("e")
	c.Expect("good").Ack(7)
	c.Expect("late")
	c.Expect("gone")
	answer.Is(7, true)
	c.Close()
	s := log.after(t, srv)
	good, late, gone := s.one("emitWithAck good"), s.one("emitWithAck late"), s.one("emitWithAck gone")
	if good.SpanKind != trace.SpanKindClient || good.Status.Code != codes.Unset {
		t.Errorf("kind %v, status %v", good.SpanKind, good.Status)
	}
	if late.Status.Code != codes.Error || len(late.Events) != 1 {
		t.Errorf("status %v, events %v", late.Status, late.Events)
	}
	if gone.Status.Code != codes.Unset {
		t.Errorf("status %v of a question to a client that has left", gone.Status)
	}
	wantAttributes(t, gone, attrs{"messaging.system": "socket.io", "messaging.operation.name": "emitWithAck", "messaging.operation.type": "send",
		"messaging.socket.io.event_name": "gone", "messaging.destination.name": "/", "sio.outcome": "gone"})
}

// A trace goes from a client of one server of a cluster to the handlers of the others, and a
// broadcast across them carries the span that a client's answer is then linked to.
func TestCluster(t *testing.T) {
	hub := memory.NewHub()
	log := newSpanLog(t)
	tracer := log.tracer(siootel.TracerOptions{Inject: true, Carrier: siootel.LastArgument, Untrusted: true})
	failure := errors.New("no cache")
	handled := make(chan string, 2)
	var servers []*sio.Server
	for range 2 {
		srv := newMember(t, hub)
		srv.Use(tracer.Middleware())
		srv.On("refresh", func(c *sio.Context) error {
			return errors.Join(
				tracer.ServerEmitter(c.Context(), srv.Namespace).Emit("refresh", "arg"),
				tracer.Emitter(c.Context(), srv).Emit("news", "text"),
				c.Ack())
		})
		refresh := tracer.ServerHandler("refresh", func(ctx context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
			var arg string
			err := args.Bind(&arg)
			_, span := log.provider.Tracer("").Start(ctx, "inside")
			span.End()
			return arg, errors.Join(err, failure)
		})
		srv.OnServerEvent("refresh", func(ctx context.Context, n *sio.Namespace, args sio.Args) (any, error) {
			arg, err := refresh(ctx, n, args)
			handled <- arg.(string) // when its span has ended: Shutdown does not wait for it
			return nil, err
		})
		srv.On("seen", func(c *sio.Context) error { return c.Ack() })
		servers = append(servers, srv)
	}
	a, b := siotest.Connect(t, servers[0]), siotest.Connect(t, servers[1])
	a.Call("refresh")
	if arg := <-handled; arg != "arg" {
		t.Errorf("argument %q", arg)
	}
	var text string
	var from propagation.MapCarrier
	b.Expect("news").Bind(&text, &from)
	b.Call("seen", from)
	s := log.after(t, servers...)
	process, emit := s.one("process refresh"), s.one("serverSideEmit refresh")
	wantChild(t, emit, s.one("process / refresh").SpanContext)
	wantChild(t, process, emit.SpanContext)
	wantLinks(t, process, emit.SpanContext)
	wantChild(t, s.one("inside"), process.SpanContext)
	wantAttributes(t, process, attrs{"messaging.system": "socket.io", "messaging.operation.name": "process", "messaging.operation.type": "process",
		"messaging.socket.io.event_name": "refresh", "messaging.destination.name": "/", "error.type": "*errors.joinError"})
	if process.Status.Code != codes.Error || process.SpanKind != trace.SpanKindConsumer {
		t.Errorf("status %v, kind %v", process.Status, process.SpanKind)
	}
	seen := s.one("process / seen")
	wantRoot(t, seen, emit.SpanContext)
	wantLinks(t, seen, s.one("emit news").SpanContext)
}

// A hostile panics when it is encoded.
type hostile struct{}

func (hostile) MarshalJSON() ([]byte, error) { panic("oh no") }

// The span of an argument that panics tells of that, and the panic goes on.
func TestEmitPanics(t *testing.T) {
	log := newSpanLog(t)
	tracer := log.tracer(siootel.TracerOptions{})
	srv := newServer()
	panics := func(emit func() error) {
		defer func() {
			if v := recover(); v == nil {
				t.Error("no panic")
			}
		}()
		t.Error(emit())
	}
	srv.On("e", func(c *sio.Context) error {
		panics(func() error { return tracer.Emitter(c.Context(), c).Emit("emitted", hostile{}) })
		panics(func() error {
			_, err := tracer.Asker(c).EmitWithAck(c.Context(), "asked", hostile{})
			return err
		})
		return c.Ack()
	})
	siotest.Connect(t, srv).Call("e")
	s := log.after(t, srv)
	for _, name := range []string{"emit emitted", "emitWithAck asked"} {
		if status := s.one(name).Status; status.Code != codes.Error || status.Description != "panic: oh no" {
			t.Errorf("%s: %v", name, status)
		}
	}
}

// newMember returns one of the servers that hub makes a cluster.
func newMember(t *testing.T, hub *memory.Hub) *sio.Server {
	t.Helper()
	cl, err := cluster.New(t.Context(), hub.Engine(), wire.Classic("", wire.ClassicOptions{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return sio.New(&sio.Options{Cluster: cl, Logger: &silent})
}
