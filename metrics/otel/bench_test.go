package siootel_test

import (
	"net/http"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/siokit/sio"
	siootel "github.com/siokit/sio/metrics/otel"
	"github.com/siokit/sio/siotest"
)

// BenchmarkSpan is what the middleware costs an event, beside its handler.
func BenchmarkSpan(b *testing.B) {
	_, header := remote(1)
	withBaggage := func(members, n int) http.Header {
		h := header.Clone()
		h.Set("Baggage", baggageOf(members, n))
		return h
	}
	for _, bb := range []struct {
		name     string
		provider trace.TracerProvider
		opts     siootel.TracerOptions
		header   http.Header
		args     []any
	}{
		{name: "no provider", provider: noop.NewTracerProvider()},
		{name: "unsampled", provider: provider(sdktrace.NeverSample())},
		{name: "unsampled, header", provider: provider(sdktrace.NeverSample()), header: header},
		{name: "unsampled, 1 KB of baggage", provider: provider(sdktrace.NeverSample()), header: withBaggage(8, 1<<10)},
		{name: "unsampled, 7.5 KB of baggage", provider: provider(sdktrace.NeverSample()), header: withBaggage(60, 7500)},
		{name: "unsampled, NewTraces", provider: provider(sdktrace.NeverSample()), header: header, opts: siootel.TracerOptions{NewTraces: true}},
		{name: "unsampled, LastArgument", provider: provider(sdktrace.NeverSample()), opts: siootel.TracerOptions{Carrier: siootel.LastArgument}, args: []any{"text"}},
		{name: "sampled", provider: provider(sdktrace.AlwaysSample())},
	} {
		b.Run(bb.name, func(b *testing.B) {
			bb.opts.Provider, bb.opts.Propagator = bb.provider, w3c
			h := siootel.NewTracer(&bb.opts).Middleware()(func(*sio.Context) error { return nil })
			c := kept(b, bb.header, bb.args...)
			b.ReportAllocs()
			for b.Loop() {
				if err := h(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func provider(s sdktrace.Sampler) trace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSampler(s))
}

// kept returns the Context of an event, which may be handled again and again.
func kept(t testing.TB, header http.Header, args ...any) *sio.Context {
	srv := newServer()
	contexts := make(chan *sio.Context, 1)
	srv.On("e", func(c *sio.Context) error {
		contexts <- c
		return nil
	})
	siotest.Connect(t, srv, &siotest.Options{Header: header}).Emit("e", args...)
	return <-contexts
}

// BenchmarkHandled is what an observer costs an event.
func BenchmarkHandled(b *testing.B) {
	for name, p := range map[string]*siootel.Producer{"provider": nil, "Producer": siootel.NewProducer()} {
		b.Run(name, func(b *testing.B) {
			o := newMeter(b).observer(siootel.ObserverOptions{Producer: p})[0]
			c := kept(b, nil)
			h := sio.Handled{Route: c.Route(), Outcome: sio.OutcomeOK, Took: 1234}
			b.ReportAllocs()
			for b.Loop() {
				o.Handled(c, h)
			}
		})
	}
}
