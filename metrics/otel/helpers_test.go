package siootel_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	siootel "github.com/siokit/sio/metrics/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// w3c is what the clients and servers of the tests write and read.
var w3c = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

var silent = zerolog.Nop()

func newServer() *sio.Server { return sio.New(&sio.Options{Logger: &silent}) }

// A spanLog keeps the spans that have ended.
type spanLog struct {
	exporter *tracetest.InMemoryExporter
	provider *sdktrace.TracerProvider
}

func newSpanLog(t testing.TB, opts ...sdktrace.TracerProviderOption) *spanLog {
	l := &spanLog{exporter: tracetest.NewInMemoryExporter()}
	l.provider = sdktrace.NewTracerProvider(append(opts, sdktrace.WithSyncer(l.exporter))...)
	t.Cleanup(func() { l.provider.Shutdown(context.Background()) })
	return l
}

// tracer returns one whose spans are logged.
func (l *spanLog) tracer(opts siootel.TracerOptions) *siootel.Tracer {
	opts.Provider = l.provider
	if opts.Propagator == nil {
		opts.Propagator = w3c
	}
	return siootel.NewTracer(&opts)
}

func shut(t *testing.T, srv *sio.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatalf("the server does not shut down: %v", err)
	}
}

// A counted handler knows when it has served all requests: that of a WebSocket may end after
// what comes of it.
type counted struct {
	http.Handler
	serving sync.WaitGroup
}

func (h *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serving.Add(1)
	defer h.serving.Done()
	h.Handler.ServeHTTP(w, r)
}

// after shuts the servers down, with which all of their handlers have returned, and
// returns the spans by name, and those of one name as they have ended.
func (l *spanLog) after(t *testing.T, servers ...*sio.Server) spans {
	t.Helper()
	for _, srv := range servers {
		shut(t, srv)
	}
	byName := make(map[string][]tracetest.SpanStub)
	for _, s := range l.exporter.GetSpans() {
		byName[s.Name] = append(byName[s.Name], s)
	}
	return spans{t, byName}
}

type spans struct {
	t      *testing.T
	byName map[string][]tracetest.SpanStub
}

// one returns the only span of a name.
func (s spans) one(name string) tracetest.SpanStub {
	s.t.Helper()
	found := s.byName[name]
	if len(found) != 1 {
		s.t.Fatalf("%d spans %q, want one of %v", len(found), name, s.names())
	}
	return found[0]
}

func (s spans) names() (names []string) {
	for name, spans := range s.byName {
		names = append(names, fmt.Sprintf("%d×%s", len(spans), name))
	}
	slices.Sort(names)
	return names
}

// wantChild checks that a span has a parent, in the same trace.
func wantChild(t *testing.T, span tracetest.SpanStub, parent trace.SpanContext) {
	t.Helper()
	if span.SpanContext.TraceID() != parent.TraceID() || span.Parent.SpanID() != parent.SpanID() {
		t.Errorf("%q is in trace %v, of parent %v; want trace %v and parent %v", span.Name, span.SpanContext.TraceID(), span.Parent.SpanID(), parent.TraceID(), parent.SpanID())
	}
}

// wantRoot checks that a span is the first of its trace, and not in one of the others.
func wantRoot(t *testing.T, span tracetest.SpanStub, others ...trace.SpanContext) {
	t.Helper()
	if span.Parent.IsValid() {
		t.Errorf("%q has the parent %v, want none", span.Name, span.Parent.SpanID())
	}
	for _, o := range others {
		if o.TraceID() == span.SpanContext.TraceID() {
			t.Errorf("%q is in a trace that was there", span.Name)
		}
	}
}

// wantLinks checks to what a span is linked, in order.
func wantLinks(t *testing.T, span tracetest.SpanStub, to ...trace.SpanContext) {
	t.Helper()
	var got, want []trace.SpanID
	for _, l := range span.Links {
		got = append(got, l.SpanContext.SpanID())
	}
	for _, sc := range to {
		want = append(want, sc.SpanID())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q is linked to %v, want %v", span.Name, got, want)
	}
}

// wantAttributes checks all attributes of a span, but for those that differ each time.
func wantAttributes(t *testing.T, span tracetest.SpanStub, want map[attribute.Key]string) {
	t.Helper()
	got := make(map[attribute.Key]string)
	for _, kv := range span.Attributes {
		if kv.Key != "messaging.client.id" {
			got[kv.Key] = kv.Value.Emit()
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q has the attributes\n%v, want\n%v", span.Name, got, want)
	}
}

// remote returns the context of a span that somebody else has made, and as headers.
func remote(n byte) (trace.SpanContext, http.Header) {
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, n}, SpanID: trace.SpanID{2, n}, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	h := make(http.Header)
	w3c.Inject(trace.ContextWithSpanContext(context.Background(), sc), propagation.HeaderCarrier(h))
	return sc, h
}

// carrier returns what a client that has made the span adds to an event.
func carrier(sc trace.SpanContext) map[string]string {
	c := make(propagation.MapCarrier)
	w3c.Inject(trace.ContextWithSpanContext(context.Background(), sc), c)
	return c
}
