package siootel

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
)

// scope is the name of what makes the spans and the metrics.
const scope = "github.com/siokit/sio/metrics/otel"

// TracerOptions say what spans a [Tracer] makes. The zero value of each field stands
// for its default.
type TracerOptions struct {
	// Provider makes the spans. Default: that of otel.GetTracerProvider.
	Provider trace.TracerProvider
	// Propagator reads contexts from headers and events, and writes them into events.
	// Default: that of otel.GetTextMapPropagator, which does nothing until
	// otel.SetTextMapPropagator has been called. Baggage of the handshake's headers that is
	// longer than 1 KiB, or has more than eight members, is passed over; a middleware of the
	// HTTP server may read it.
	Propagator propagation.TextMapPropagator
	// Carrier returns what an event carries of its sender's context, or nil.
	// [LastArgument] does. The span of such an event is a child of the sender's, and
	// is linked to the handshake's. Default: events carry nothing.
	Carrier func(c *sio.Context) propagation.TextMapCarrier
	// NewTraces makes the span of each event that carries no context the first of a
	// trace of its own, which is linked to the handshake's. By default it belongs to
	// the handshake's trace, and is sampled if that is. Set it where clients stay for
	// hours, or send much: few backends keep a trace of more than some ten thousand
	// spans, and to sample a hundredth then means a hundredth of the events, not all
	// events of a hundredth of the clients.
	NewTraces bool
	// Untrusted is for clients that are strangers: a span is linked to the contexts
	// that they send, in the headers of the handshake and in events, and is no child of
	// them. Otherwise whoever can connect decides what is sampled, and what is in
	// which trace. Spans that a middleware of the HTTP server has made are not theirs.
	Untrusted bool
	// Inject adds an argument to the events that [Tracer.Emitter], [Tracer.Asker] and
	// [Tracer.ServerEmitter] send, behind the others: an object with the span's context,
	// such as {"traceparent":"00-…"}. The receiver's handler sees it. Baggage goes to other
	// servers only.
	Inject bool
}

// A Tracer makes spans. Its methods may be called from any goroutine.
type Tracer struct {
	opts    TracerOptions
	tracer  trace.Tracer
	headers []string // that the propagator reads
}

// NewTracer returns a Tracer. Nil options stand for the defaults.
func NewTracer(opts *TracerOptions) *Tracer {
	t := new(Tracer)
	if opts != nil {
		t.opts = *opts
	}
	if t.opts.Provider == nil {
		t.opts.Provider = otel.GetTracerProvider()
	}
	if t.opts.Propagator == nil {
		t.opts.Propagator = otel.GetTextMapPropagator()
	}
	t.headers = headersOf(t.opts.Propagator)
	t.tracer = t.opts.Provider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	return t
}

// Middleware returns a middleware that makes a span for each event, and for each call of
// a handler of OnConnect, OnConnected, OnUpgrade, OnDisconnecting or OnDisconnect. In
// the handlers and middlewares inside of it, Context.Context has the span. It should be
// the first that Use is given.
//
// The span's status is Error if the handler panics, or fails with an error that is not
// the client's. The client's are a [sio.Error] and what else refuses what a client has
// asked for, and that the client has left.
func (t *Tracer) Middleware() sio.Middleware {
	return func(next sio.Handler) sio.Handler {
		var last atomic.Pointer[kind] // there is but one, except within Context.Use
		return func(c *sio.Context) error {
			k := last.Load()
			if route := c.Route(); k == nil || k.route != route {
				k = newKind(c, route)
				last.Store(k)
			}
			ctx, span := t.start(c, k)
			defer func() { end(span, recover()) }()
			err := next(c.WithContext(ctx))
			finish(span, c.Context(), err)
			return err
		}
	}
}

// start makes the span of a handler that is to be called.
func (t *Tracer) start(c *sio.Context, k *kind) (context.Context, trace.Span) {
	ctx := c.Context()
	opts := k.opts
	handshake := trace.SpanContextFromContext(ctx)
	if !handshake.IsValid() {
		ctx, handshake = t.extractHandshake(ctx, c)
	}
	sent, sender := t.extractSent(ctx, c, k)
	switch {
	case sender.IsValid() && !t.opts.Untrusted:
		ctx = sent
		opts = linked(opts, sender, handshake) // to the parent, too, as the conventions have it
	case handshake.IsRemote() && t.opts.Untrusted, k.later && t.opts.NewTraces:
		opts = append(linked(opts, sender, handshake), trace.WithNewRoot())
	default:
		opts = linked(opts, sender)
	}
	ctx, span := t.tracer.Start(ctx, k.name, opts...)
	if span.IsRecording() {
		describe(span, c, k)
	}
	return ctx, span
}
