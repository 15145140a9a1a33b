package siootel

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
)

// Attributes that the conventions don't have. The first is that of OpenTelemetry's
// instrumentation of the reference server.
const (
	eventKey     = attribute.Key("messaging.socket.io.event_name")
	transportKey = attribute.Key("sio.transport")
	outcomeKey   = attribute.Key("sio.outcome")
	reasonKey    = attribute.Key("sio.disconnect.reason")
)

var (
	system   = semconv.MessagingSystemKey.String("socket.io")
	panicked = semconv.ErrorTypeKey.String("panic")
)

// A kind is what the spans of one route have in common.
type kind struct {
	route   sio.Route
	name    string
	isEvent bool
	later   bool // the handshake may be long ago
	opts    []trace.SpanStartOption
}

func newKind(c *sio.Context, route sio.Route) *kind {
	k := &kind{route: route, isEvent: isEvent(c, route)}
	k.later = route.Event != "connect" && (k.isEvent || route.Event != "connected")
	operation, spanKind := route.Event, trace.SpanKindInternal
	attrs := []attribute.KeyValue{system, destination(route.Namespace)}
	switch {
	case k.isEvent:
		operation, spanKind = "process", trace.SpanKindConsumer
		attrs = append(attrs, semconv.MessagingOperationTypeProcess)
	case route.Event == "connect": // the client waits for it
		spanKind = trace.SpanKindServer
	}
	attrs = append(attrs, semconv.MessagingOperationName(operation))
	k.name = operation + " " + route.Namespace
	if k.isEvent && route.Event != "" {
		attrs = append(attrs, eventKey.String(route.Event))
		k.name += " " + route.Event
	}
	k.opts = []trace.SpanStartOption{trace.WithSpanKind(spanKind), trace.WithAttributes(attrs...)}
	return k
}

// isEvent tells an event from a handler of the same name, as On("upgrade", h) from
// OnUpgrade(h). Clients can't name the other ones.
func isEvent(c *sio.Context, route sio.Route) bool {
	switch route.Event {
	case "connect", "disconnecting", "disconnect":
		return false
	case "connected", "upgrade":
		return c.Bind(nil) == nil // only events have arguments
	}
	return true
}

// destination returns the attribute for what a namespace was registered as.
func destination(namespace string) attribute.KeyValue {
	if strings.Contains(namespace, "{") {
		return semconv.MessagingDestinationTemplate(namespace)
	}
	return semconv.MessagingDestinationName(namespace)
}

// concrete returns the attribute for a namespace as a client has named it. It has no query, as it
// has none in logs: that may be a token.
func concrete(name string) attribute.KeyValue {
	name, _, _ = strings.Cut(name, "?")
	return semconv.MessagingDestinationName(name)
}

// linked returns opts and links to what is valid.
func linked(opts []trace.SpanStartOption, to ...trace.SpanContext) []trace.SpanStartOption {
	for _, sc := range to {
		if sc.IsValid() {
			opts = append(slices.Clip(opts), trace.WithLinks(trace.Link{SpanContext: sc}))
		}
	}
	return opts
}

// describe adds what differs between spans of a kind.
func describe(span trace.Span, c *sio.Context, k *kind) {
	attrs := make([]attribute.KeyValue, 0, 4)
	attrs = append(attrs, semconv.MessagingClientID(c.Socket().LogID()), transportKey.String(c.Transport()))
	if name := c.Namespace(); name != k.route.Namespace {
		attrs = append(attrs, concrete(name))
	}
	if reason := c.Reason(); reason != "" {
		attrs = append(attrs, reasonKey.String(string(reason)))
	}
	span.SetAttributes(attrs...)
}

// finish tells how a handler, or a question to a client, has ended. What is a client's
// doing is no failure of the span.
func finish(span trace.Span, ctx context.Context, err error) {
	switch o := sio.OutcomeOf(ctx, err); o {
	case sio.OutcomeOK:
	case sio.OutcomeGone, sio.OutcomeRefused:
		span.SetAttributes(outcomeKey.String(string(o)))
	default:
		record(span, err)
	}
}

// maxMessage bounds what a span has of an error's text, in bytes: that may quote what a
// client has sent, and many spans wait for their exporter.
const maxMessage = 1 << 10

// record makes the span one that has failed.
func record(span trace.Span, err error) {
	if !span.IsRecording() {
		return
	}
	message := err.Error()
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	exception := []attribute.KeyValue{semconv.ExceptionType(fmt.Sprintf("%T", err)), semconv.ExceptionMessage(message)}
	if p, ok := errors.AsType[*sio.PanicError](err); ok {
		exception = append(exception, semconv.ExceptionStacktrace(string(p.Stack)))
		span.SetAttributes(panicked)
	} else {
		span.SetAttributes(semconv.ErrorType(err))
	}
	span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(exception...))
	span.SetStatus(codes.Error, message)
}

// end ends a span, if need be with a panic, which goes on.
func end(span trace.Span, v any) {
	if v != nil {
		record(span, &sio.PanicError{Value: v, Stack: debug.Stack()})
	}
	span.End()
	if v != nil {
		panic(v)
	}
}
