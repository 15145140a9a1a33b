package siootel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
)

// Emitter returns an Emitter that sends as to does, and makes a span for each event: a
// child of the span in ctx, which in a handler is that of Context.Context. A broadcast
// is one span, however many get it, in however many servers:
//
//	err := tracer.Emitter(c.Context(), c.To("room")).Emit("news", item)
//	err := News.Emit(tracer.Emitter(ctx, srv), item) // a typed event
//
// With [TracerOptions].Inject the receivers can link their spans to it.
func (t *Tracer) Emitter(ctx context.Context, to sio.Emitter) sio.Emitter {
	return emitter{t, ctx, to}
}

type emitter struct {
	t   *Tracer
	ctx context.Context
	to  sio.Emitter
}

func (e emitter) Emit(event string, args ...any) error {
	ctx, span := e.t.send(e.ctx, "emit", trace.SpanKindProducer, event, e.to)
	defer func() { end(span, recover()) }() // arguments have methods of the user's
	err := e.to.Emit(event, e.t.injectPublic(ctx, args)...)
	finish(span, ctx, err)
	return err
}

// Asker returns an Asker that asks as to does, and makes a span for each event, from when
// it is sent until it is answered: a child of the span in the context of EmitWithAck.
//
//	answer, err := sio.Call[string](ctx, tracer.Asker(c), "confirm", order)
func (t *Tracer) Asker(to sio.Asker) sio.Asker { return asker{t, to} }

type asker struct {
	t  *Tracer
	to sio.Asker
}

func (a asker) EmitWithAck(ctx context.Context, event string, args ...any) (sio.Args, error) {
	spanKind := trace.SpanKindClient
	if a.t.opts.Inject { // then others have it for a parent
		spanKind = trace.SpanKindProducer
	}
	ctx, span := a.t.send(ctx, "emitWithAck", spanKind, event, a.to)
	defer func() { end(span, recover()) }()
	answer, err := a.to.EmitWithAck(ctx, event, a.t.injectPublic(ctx, args)...)
	finish(span, ctx, err)
	return answer, err
}

// ServerEmitter returns an Emitter that sends events to the other servers of the cluster,
// as n.ServerSideEmit does, and makes a span for each, as [Tracer.Emitter] does. With
// [TracerOptions].Inject the spans of [Tracer.ServerHandler] are its children.
func (t *Tracer) ServerEmitter(ctx context.Context, n *sio.Namespace) sio.Emitter {
	return serverEmitter{t, ctx, n}
}

type serverEmitter struct {
	t   *Tracer
	ctx context.Context
	n   *sio.Namespace
}

func (e serverEmitter) Emit(event string, args ...any) error {
	ctx, span := e.t.send(e.ctx, "serverSideEmit", trace.SpanKindProducer, event, e.n)
	defer func() { end(span, recover()) }()
	err := e.n.ServerSideEmit(event, e.t.inject(ctx, args)...)
	finish(span, ctx, err)
	return err
}

// ServerHandler returns a handler for OnServerEvent that makes a span of each call of h,
// whose context has it. If the event carries a context, as [LastArgument] reads it, the
// span is a child of that, and linked to it.
//
//	srv.OnServerEvent("refresh", tracer.ServerHandler("refresh", refresh))
func (t *Tracer) ServerHandler(event string, h sio.ServerHandler) sio.ServerHandler {
	name := "process " + event
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		system, semconv.MessagingOperationName("process"), semconv.MessagingOperationTypeProcess, eventKey.String(event))}
	return func(ctx context.Context, n *sio.Namespace, args sio.Args) (any, error) {
		opts := append(slices.Clip(opts), trace.WithAttributes(concrete(n.Name())))
		if carrier := lastOf(args); carrier != nil {
			ctx = t.opts.Propagator.Extract(ctx, carrier)
			opts = linked(opts, trace.SpanContextFromContext(ctx))
		}
		ctx, span := t.tracer.Start(ctx, name, opts...)
		defer func() { end(span, recover()) }()
		answer, err := h(ctx, n, args)
		if err != nil {
			record(span, err)
		}
		return answer, err
	}
}

// send makes the span of an event that goes out.
func (t *Tracer) send(ctx context.Context, operation string, spanKind trace.SpanKind, event string, to any) (context.Context, trace.Span) {
	attrs := make([]attribute.KeyValue, 0, 5)
	attrs = append(attrs, system, semconv.MessagingOperationName(operation), semconv.MessagingOperationTypeSend, eventKey.String(event))
	if nsp := namespaceOf(to); nsp != "" {
		attrs = append(attrs, concrete(nsp))
	}
	return t.tracer.Start(ctx, operation+" "+event, trace.WithSpanKind(spanKind), trace.WithAttributes(attrs...))
}

// namespaceOf returns the name of the namespace that something is sent in, or "" if it
// can't be known.
func namespaceOf(to any) string {
	switch to := to.(type) {
	case interface{ Name() string }: // a Namespace, or a Server
		return to.Name()
	case *sio.Context:
		return to.Namespace()
	case *sio.Socket:
		return to.Namespace().Name()
	}
	return ""
}

// injectPublic is inject for what goes to clients: baggage is not theirs, and may be of another.
func (t *Tracer) injectPublic(ctx context.Context, args []any) []any {
	if !t.opts.Inject {
		return args
	}
	return t.inject(baggage.ContextWithoutBaggage(ctx), args)
}

// inject adds the context of an event to its arguments, if that is wanted.
func (t *Tracer) inject(ctx context.Context, args []any) []any {
	if !t.opts.Inject {
		return args
	}
	carrier := make(propagation.MapCarrier)
	t.opts.Propagator.Inject(ctx, carrier)
	if len(carrier) == 0 {
		return args
	}
	return append(slices.Clip(args), carrier)
}
