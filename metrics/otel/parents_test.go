package siootel_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
	siootel "github.com/siokit/sio/metrics/otel"
	"github.com/siokit/sio/siotest"
)

// Whose child a span is, and what it is linked to: one span is named by the headers of the
// handshake, another one by an event.
func TestParents(t *testing.T) {
	handshake, header := remote(1)
	sender, _ := remote(2)
	child := func(parent trace.SpanContext, links ...trace.SpanContext) func(*testing.T, tracetest.SpanStub) {
		return func(t *testing.T, span tracetest.SpanStub) {
			wantChild(t, span, parent)
			wantLinks(t, span, links...)
		}
	}
	root := func(links ...trace.SpanContext) func(*testing.T, tracetest.SpanStub) {
		return func(t *testing.T, span tracetest.SpanStub) {
			wantRoot(t, span, handshake, sender)
			wantLinks(t, span, links...)
		}
	}
	for name, tt := range map[string]struct {
		opts                         siootel.TracerOptions
		header                       http.Header
		connect, plain, carries, end func(*testing.T, tracetest.SpanStub)
	}{
		"default":               {siootel.TracerOptions{}, header, child(handshake), child(handshake), child(handshake), child(handshake)},
		"default, no header":    {siootel.TracerOptions{}, nil, root(), root(), root(), root()},
		"Carrier":               {siootel.TracerOptions{Carrier: siootel.LastArgument}, header, child(handshake), child(handshake), child(sender, sender, handshake), child(handshake)},
		"Carrier, no header":    {siootel.TracerOptions{Carrier: siootel.LastArgument}, nil, root(), root(), child(sender, sender), root()},
		"NewTraces":             {siootel.TracerOptions{Carrier: siootel.LastArgument, NewTraces: true}, header, child(handshake), root(handshake), child(sender, sender, handshake), root(handshake)},
		"NewTraces, no header":  {siootel.TracerOptions{Carrier: siootel.LastArgument, NewTraces: true}, nil, root(), root(), child(sender, sender), root()},
		"Untrusted":             {siootel.TracerOptions{Carrier: siootel.LastArgument, Untrusted: true}, header, root(handshake), root(handshake), root(sender, handshake), root(handshake)},
		"Untrusted, no header":  {siootel.TracerOptions{Carrier: siootel.LastArgument, Untrusted: true}, nil, root(), root(), root(sender), root()},
		"NewTraces, Untrusted":  {siootel.TracerOptions{Carrier: siootel.LastArgument, NewTraces: true, Untrusted: true}, header, root(handshake), root(handshake), root(sender, handshake), root(handshake)},
		"Propagator reads none": {siootel.TracerOptions{Carrier: siootel.LastArgument, Propagator: propagation.Baggage{}}, header, root(), root(), root(), root()},
	} {
		t.Run(name, func(t *testing.T) {
			log := newSpanLog(t)
			srv := newServer()
			srv.Use(log.tracer(tt.opts).Middleware())
			nop := func(*sio.Context) error { return nil }
			srv.OnConnect(nop)
			srv.OnConnected(nop)
			srv.OnDisconnect(nop)
			srv.On("plain", func(c *sio.Context) error { return c.Ack() })
			srv.On("carries", func(c *sio.Context) error { return c.Ack() })
			c := siotest.Connect(t, srv, &siotest.Options{Header: tt.header})
			c.Call("plain", "x", map[string]string{"other": "object"})
			c.Call("carries", "x", carrier(sender))
			c.Close()
			s := log.after(t, srv)
			tt.connect(t, s.one("connect /"))
			tt.connect(t, s.one("connected /"))
			tt.plain(t, s.one("process / plain"))
			tt.carries(t, s.one("process / carries"))
			tt.end(t, s.one("disconnect /"))
		})
	}
}

// A span that a middleware of the HTTP server has made is nobody's but the server's, and
// comes before the headers.
func TestLocalParent(t *testing.T) {
	_, header := remote(1)
	sender, _ := remote(2)
	log := newSpanLog(t)
	srv := newServer()
	srv.Use(log.tracer(siootel.TracerOptions{Carrier: siootel.LastArgument, Untrusted: true}).Middleware())
	srv.OnConnect(func(*sio.Context) error { return nil })
	srv.On("e", func(c *sio.Context) error { return c.Ack() })
	h := &counted{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := log.provider.Tracer("").Start(r.Context(), "request")
		defer span.End()
		srv.ServeHTTP(w, r.WithContext(ctx))
	})}
	c := siotest.Connect(t, h, &siotest.Options{Header: header})
	c.Call("e", carrier(sender))
	c.Close()
	shut(t, srv)
	h.serving.Wait()
	s := log.after(t)
	request := s.one("request").SpanContext
	wantChild(t, s.one("connect /"), request)
	wantChild(t, s.one("process / e"), request)
	wantLinks(t, s.one("process / e"), sender)
}

// Sampling follows the parent, and handlers see the decision: what they call goes on with it.
func TestSampling(t *testing.T) {
	sampled, header := remote(1)
	_, unsampled := remote(2)
	unsampled.Set("Traceparent", unsampled.Get("Traceparent")[:53]+"00")
	log := newSpanLog(t, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	srv := newServer()
	srv.Use(log.tracer(siootel.TracerOptions{}).Middleware())
	srv.On("e", func(c *sio.Context) error {
		sc := trace.SpanContextFromContext(c.Context())
		return c.Ack(sc.TraceID().String(), sc.IsSampled(), trace.SpanFromContext(c.Context()).IsRecording())
	})
	siotest.Connect(t, srv, &siotest.Options{Header: header}).Call("e").Is(sampled.TraceID().String(), true, true)
	siotest.Connect(t, srv, &siotest.Options{Header: unsampled}).Call("e").Is(unsampled.Get("Traceparent")[3:35], false, false)
	log.after(t, srv).one("process / e")
}

// Baggage comes to the handlers, but that of strangers does not.
func TestBaggage(t *testing.T) {
	_, header := remote(1)
	header.Set("Baggage", "tenant=a")
	sender, _ := remote(2)
	sent := carrier(sender)
	sent["baggage"] = "tenant=b"
	for _, untrusted := range []bool{false, true} {
		log := newSpanLog(t)
		srv := newServer()
		srv.Use(log.tracer(siootel.TracerOptions{Carrier: siootel.LastArgument, Untrusted: untrusted}).Middleware())
		srv.On("e", func(c *sio.Context) error {
			return c.Ack(baggage.FromContext(c.Context()).Member("tenant").Value())
		})
		want := []string{"a", "a", "b"}
		if untrusted {
			want = []string{"", "", ""}
		}
		c := siotest.Connect(t, srv, &siotest.Options{Header: header})
		c.Call("e").Is(want[0])
		c.Call("e", carrier(sender)).Is(want[1])
		c.Call("e", sent).Is(want[2])
		log.after(t, srv)
	}
}

// baggageOf returns baggage of n bytes.
func baggageOf(members, n int) string {
	var all []string
	for i := range members {
		all = append(all, fmt.Sprintf("member%d=value", i))
	}
	b := strings.Join(all, ",")
	return b + strings.Repeat("x", n-len(b))
}

// Long baggage of a handshake is not parsed for each event, and what else the headers have is read.
func TestLongBaggage(t *testing.T) {
	handshake, header := remote(1)
	for _, tt := range []struct {
		members, size int
		want          bool
	}{
		{2, 500, true}, {8, 1 << 10, true}, {8, 1<<10 + 1, false}, {9, 500, false}, {60, 7500, false},
	} {
		log := newSpanLog(t)
		srv := newServer()
		srv.Use(log.tracer(siootel.TracerOptions{}).Middleware())
		srv.On("e", func(c *sio.Context) error { return c.Ack(baggage.FromContext(c.Context()).Len() > 0) })
		header := header.Clone()
		header["Baggage"] = strings.SplitN(baggageOf(tt.members, tt.size+1), ",", 2) // two headers, for a comma
		siotest.Connect(t, srv, &siotest.Options{Header: header}).Call("e").Is(tt.want)
		wantChild(t, log.after(t, srv).one("process / e"), handshake)
	}
}

// baggageReader tells whether there is some.
type baggageReader struct {
	propagation.TraceContext
	found chan<- bool
}

func (r baggageReader) Extract(ctx context.Context, c propagation.TextMapCarrier) context.Context {
	_, several := c.(propagation.ValuesGetter)
	r.found <- several || c.Get("baggage") != ""
	return r.TraceContext.Extract(ctx, c)
}

// Strangers can't have the server parse baggage for each event.
func TestBaggageOfStrangersIsNotParsed(t *testing.T) {
	sender, header := remote(1)
	header.Set("Baggage", "tenant=a")
	sent := carrier(sender)
	sent["baggage"] = "tenant=b"
	for _, untrusted := range []bool{false, true} {
		log := newSpanLog(t)
		found := make(chan bool, 2)
		srv := newServer()
		srv.Use(log.tracer(siootel.TracerOptions{Carrier: siootel.LastArgument, Untrusted: untrusted, Propagator: baggageReader{found: found}}).Middleware())
		srv.On("e", func(c *sio.Context) error { return c.Ack() })
		siotest.Connect(t, srv, &siotest.Options{Header: header}).Call("e", sent)
		for range 2 {
			if got := <-found; got == untrusted {
				t.Errorf("untrusted %t, and baggage is found: %t", untrusted, got)
			}
		}
		log.after(t, srv)
	}
}

// What an event has for its last argument is often no context.
func TestLastArgument(t *testing.T) {
	sender, _ := remote(2)
	good := carrier(sender)
	with := func(key string, v any) map[string]any {
		m := map[string]any{key: v}
		for k, v := range good {
			if k != key {
				m[k] = v
			}
		}
		return m
	}
	log := newSpanLog(t)
	srv := newServer()
	srv.Use(log.tracer(siootel.TracerOptions{Carrier: siootel.LastArgument}).Middleware())
	srv.OnAny(func(c *sio.Context) error {
		return c.Ack(trace.SpanContextFromContext(c.Context()).TraceID() == sender.TraceID())
	})
	c := siotest.Connect(t, srv)
	for i, tt := range []struct {
		args []any
		want bool
	}{
		{nil, false},
		{[]any{"text"}, false},
		{[]any{[]byte("binary")}, false},
		{[]any{nil}, false},
		{[]any{[]any{good}}, false},
		{[]any{good, 1}, false},
		{[]any{1, good}, true},
		{[]any{good}, true},
		{[]any{with("other", []int{1})}, true},
		{[]any{with("data", []byte("binary"))}, true},
		{[]any{with("traceparent", 5)}, false},
		{[]any{with("traceparent", "")}, false},
		{[]any{with("traceparent", "00-0-0-0")}, false},
		{[]any{with("tracestate", "no = good,,")}, true}, // which is left out
		{[]any{with("baggage", "%%%")}, true},
		{[]any{with("other", string(make([]byte, 20<<10)))}, false},
	} {
		var got bool
		if c.Call("whatever", tt.args...).Bind(&got); got != tt.want {
			t.Errorf("%d: %v carries a context: %t", i, tt.args, got)
		}
	}
	log.after(t, srv)
}
