package siootel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
	siootel "github.com/siokit/sio/metrics/otel"
	"github.com/siokit/sio/siotest"
)

type attrs = map[attribute.Key]string

// Names have nothing that a client has chosen, and attributes nothing but the name of its
// namespace: no payload, no event that nobody knows.
func TestNamesAndAttributes(t *testing.T) {
	log := newSpanLog(t)
	srv := newServer()
	srv.Use(log.tracer(siootel.TracerOptions{}).Middleware())
	nop := func(*sio.Context) error { return nil }
	ack := func(c *sio.Context) error { return c.Ack() }
	tenant := srv.Of("/tenant-{id}")
	tenant.Use(log.tracer(siootel.TracerOptions{}).Middleware())
	for _, n := range []*sio.Namespace{srv.Namespace, tenant} {
		n.OnConnect(nop)
		n.OnConnected(nop)
		n.On("upgrade", ack) // an event, whatever it is called
		n.OnUpgrade(nop)
		n.OnAny(ack)
		n.OnDisconnecting(nop)
		n.OnDisconnect(nop)
	}
	c := siotest.Connect(t, srv, &siotest.Options{Auth: map[string]string{"token": "secret"}})
	c.Call("upgrade", "secret")
	c.Call("secret", "secret")
	c42 := c.Of("/tenant-42?token=secret", map[string]string{"token": "secret"})
	c42.Call("upgrade", "secret")
	c42.Call("secret", "secret")
	c42.Disconnect()
	c.Close()
	s := log.after(t, srv)
	for name, want := range map[string]struct {
		kind trace.SpanKind
		attrs
	}{
		"connect /":   {trace.SpanKindServer, attrs{"messaging.operation.name": "connect"}},
		"connected /": {trace.SpanKindInternal, attrs{"messaging.operation.name": "connected"}},
		"process / upgrade": {trace.SpanKindConsumer, attrs{"messaging.operation.name": "process", "messaging.operation.type": "process",
			"messaging.socket.io.event_name": "upgrade"}},
		"process /":       {trace.SpanKindConsumer, attrs{"messaging.operation.name": "process", "messaging.operation.type": "process"}},
		"disconnecting /": {trace.SpanKindInternal, attrs{"messaging.operation.name": "disconnecting"}},
		"disconnect /":    {trace.SpanKindInternal, attrs{"messaging.operation.name": "disconnect"}},
	} {
		want.attrs["messaging.system"], want.attrs["sio.transport"] = "socket.io", "websocket"
		for _, n := range []struct{ suffix, reason string }{{"", "transport close"}, {"tenant-{id}", "client namespace disconnect"}} {
			if n.suffix != "" {
				want.attrs["messaging.destination.template"] = "/tenant-{id}"
				want.attrs["messaging.destination.name"] = "/tenant-42"
			} else {
				want.attrs["messaging.destination.name"] = "/"
			}
			if strings.HasPrefix(name, "disconnect") {
				want.attrs["sio.disconnect.reason"] = n.reason
			}
			head, event, _ := strings.Cut(name, "/")
			span := s.one(head + "/" + n.suffix + event)
			if span.SpanKind != want.kind {
				t.Errorf("%q is of kind %v, want %v", span.Name, span.SpanKind, want.kind)
			}
			wantAttributes(t, span, want.attrs)
		}
	}
	if n := len(s.byName); n != 12 {
		t.Errorf("spans %v, want 12", s.names())
	}
	if all := fmt.Sprintf("%+v", log.exporter.GetSpans()); strings.Contains(all, "secret") {
		t.Errorf("a span has what a client has sent: %s", all)
	}
}

// The error of a handler is one of the span if it is not the client's.
func TestErrors(t *testing.T) {
	failure := errors.New("no database")
	for name, tt := range map[string]struct {
		h           func(c *sio.Context) error
		status      codes.Code
		description string
		errorType   string
		outcome     string
		exception   string
	}{
		"none":     {h: func(c *sio.Context) error { return c.Ack() }},
		"failure":  {func(*sio.Context) error { return fmt.Errorf("save: %w", failure) }, codes.Error, "save: no database", "*errors.errorString", "", "*fmt.wrapError"},
		"panic":    {func(*sio.Context) error { panic("oh no") }, codes.Error, "panic: oh no", "panic", "", "*sio.PanicError"},
		"Recover":  {func(c *sio.Context) error { return sio.Recover()(func(*sio.Context) error { panic("oh no") })(c) }, codes.Error, "panic: oh no", "panic", "", "*sio.PanicError"},
		"long":     {func(*sio.Context) error { return errors.New(strings.Repeat("é", 5000)) }, codes.Error, strings.Repeat("é", 512) + "…", "*errors.errorString", "", "*errors.errorString"},
		"refusal":  {h: func(*sio.Context) error { return &sio.Error{Message: "not yours", Err: failure} }, outcome: "refused"},
		"argument": {h: func(c *sio.Context) error { return c.Bind(new(int)) }, outcome: "refused"},
		"rooms":    {h: func(c *sio.Context) error { return c.Join(strings.Repeat("x", 2000)) }, outcome: "refused"},
		"timeout":  {func(*sio.Context) error { return context.DeadlineExceeded }, codes.Error, "context deadline exceeded", "context.deadlineExceededError", "", "context.deadlineExceededError"},
		"canceled": {func(*sio.Context) error { return context.Canceled }, codes.Error, "context canceled", "*errors.errorString", "", "*errors.errorString"},
		"gone": {h: func(c *sio.Context) error {
			c.Disconnect()
			return c.Emit("x")
		}, outcome: "gone"},
		"gone, by the context": {h: func(c *sio.Context) error {
			c.Disconnect()
			<-c.Context().Done()
			return c.Context().Err()
		}, outcome: "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			log := newSpanLog(t)
			srv := newServer()
			seen := make(chan error, 1)
			srv.OnError(func(_ *sio.Context, err error) { seen <- err })
			srv.Use(log.tracer(siootel.TracerOptions{}).Middleware())
			srv.On("e", tt.h)
			c := siotest.Connect(t, srv)
			if name == "none" {
				c.Call("e")
			} else {
				c.Emit("e", "text")
				if err := <-seen; err == nil {
					t.Error("OnError without an error")
				}
			}
			s := log.after(t, srv)
			span := s.one("process / e")
			if span.Status.Code != tt.status || span.Status.Description != tt.description {
				t.Errorf("status %+v, want %v %q", span.Status, tt.status, tt.description)
			}
			got := make(attrs)
			for _, kv := range span.Attributes {
				got[kv.Key] = kv.Value.Emit()
			}
			if got["error.type"] != tt.errorType || got["sio.outcome"] != tt.outcome {
				t.Errorf("error.type %q, outcome %q; want %q, %q", got["error.type"], got["sio.outcome"], tt.errorType, tt.outcome)
			}
			if tt.exception == "" {
				if len(span.Events) > 0 {
					t.Errorf("events %v of a span that has not failed", span.Events)
				}
				return
			}
			if len(span.Events) != 1 || span.Events[0].Name != semconv.ExceptionEventName {
				t.Fatalf("events %v, want one exception", span.Events)
			}
			exception := make(attrs)
			for _, kv := range span.Events[0].Attributes {
				exception[kv.Key] = kv.Value.Emit()
			}
			if exception["exception.type"] != tt.exception || exception["exception.message"] != tt.description {
				t.Errorf("exception %v, want %s %q", exception, tt.exception, tt.description)
			}
			if tt.errorType == "panic" && !strings.Contains(exception["exception.stacktrace"], "span_test.go:") {
				t.Errorf("stack without the handler: %s", exception["exception.stacktrace"])
			}
		})
	}
}

// A panic goes through the middleware: what is around it sees it as it was.
func TestPanicGoesOn(t *testing.T) {
	log := newSpanLog(t)
	srv := newServer()
	panics := make(chan any, 1)
	srv.Use(func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			defer func() { panics <- recover() }()
			return next(c)
		}
	}, log.tracer(siootel.TracerOptions{}).Middleware())
	cause := errors.New("cause")
	srv.On("e", func(*sio.Context) error { panic(cause) })
	siotest.Connect(t, srv).Emit("e")
	if v := <-panics; v != cause {
		t.Errorf("panic %v, want %v", v, cause)
	}
	log.after(t, srv).one("process / e")
}

// The span of a socket's own middleware is named for each event.
func TestOwnMiddleware(t *testing.T) {
	log := newSpanLog(t)
	srv := newServer()
	mw := log.tracer(siootel.TracerOptions{}).Middleware()
	srv.OnConnect(func(c *sio.Context) error {
		c.Use(mw)
		return nil
	})
	for _, name := range []string{"a", "b"} {
		srv.On(name, func(c *sio.Context) error { return c.Ack() })
	}
	c := siotest.Connect(t, srv)
	for range 2 {
		c.Call("a")
		c.Call("b")
	}
	s := log.after(t, srv)
	if a, b := len(s.byName["process / a"]), len(s.byName["process / b"]); a != 2 || b != 2 || len(s.byName) != 2 {
		t.Errorf("spans %v", s.names())
	}
}

// The context of a handler has its span, and all that it has without.
func TestHandlerContext(t *testing.T) {
	type key struct{}
	log := newSpanLog(t)
	srv := newServer()
	srv.Use(func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			return next(c.WithContext(context.WithValue(c.Context(), key{}, "value")))
		}
	}, log.tracer(siootel.TracerOptions{}).Middleware())
	left := make(chan error, 1)
	srv.On("e", func(c *sio.Context) error {
		_, span := log.provider.Tracer("").Start(c.Context(), "inside")
		span.End()
		if c.Context().Value(key{}) != "value" {
			t.Error("a value of a middleware is gone")
		}
		c.Disconnect()
		<-c.Context().Done()
		left <- context.Cause(c.Context())
		return nil
	})
	siotest.Connect(t, srv).Emit("e")
	if err := <-left; !errors.Is(err, sio.Reason("server namespace disconnect")) {
		t.Errorf("cause %v", err)
	}
	s := log.after(t, srv)
	wantChild(t, s.one("inside"), s.one("process / e").SpanContext)
}
