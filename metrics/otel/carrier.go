package siootel

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio"
)

// maxCarrier is how long an argument that carries a context may be: baggage has up to
// 8 KiB, and tracestate half a one.
const maxCarrier = 16 << 10

// What the baggage of a handshake may have. It is read anew for each event, since to keep it parsed
// for each client takes much memory: each member costs a microsecond or two, and more than half a kibibyte.
const (
	maxHandshakeBaggage = 1 << 10
	maxHandshakeMembers = 8
)

// LastArgument returns the context that the last argument of an event carries, or nil if
// it carries none. Such an argument is an object with the fields of W3C Trace Context,
// and of W3C Baggage if there is some:
//
//	{"traceparent":"00-…-…-01","tracestate":"…","baggage":"…"}
//
// In JavaScript that is the carrier of propagation.inject(context.active(), carrier),
// to be emitted behind the other arguments. Handlers that bind these do not notice it;
// [sio.Args.Len] counts it. Other fields of the object are passed over. LastArgument costs
// a second look at the event's JSON; it decodes objects of up to 16 KiB.
func LastArgument(c *sio.Context) propagation.TextMapCarrier { return lastOf(c.Args()) }

func lastOf(args sio.Args) propagation.TextMapCarrier {
	raw := args.Raw(args.Len() - 1)
	if len(raw) < len(`{"traceparent":""}`) || len(raw) > maxCarrier || raw[0] != '{' {
		return nil
	}
	var fields struct {
		Traceparent string `json:"traceparent"`
		Tracestate  string `json:"tracestate"`
		Baggage     string `json:"baggage"`
	}
	if json.Unmarshal(raw, &fields) != nil || fields.Traceparent == "" {
		return nil
	}
	return propagation.MapCarrier{"traceparent": fields.Traceparent, "tracestate": fields.Tracestate, "baggage": fields.Baggage}
}

// headersOf returns the headers that p reads, as http.Header has them.
func headersOf(p propagation.TextMapPropagator) []string {
	var names []string
	for _, f := range p.Fields() {
		names = append(names, http.CanonicalHeaderKey(f))
	}
	return names
}

// extractHandshake reads the context of the request that opened the connection.
func (t *Tracer) extractHandshake(ctx context.Context, c *sio.Context) (context.Context, trace.SpanContext) {
	r := c.Request()
	if r == nil {
		return ctx, trace.SpanContext{}
	}
	for _, name := range t.headers {
		if len(r.Header[name]) == 0 {
			continue
		}
		var carrier propagation.TextMapCarrier = propagation.HeaderCarrier(r.Header)
		size, members := 0, 0
		for _, b := range r.Header["Baggage"] {
			size += len(b)
			members += 1 + strings.Count(b, ",")
		}
		if size > maxHandshakeBaggage || members > maxHandshakeMembers {
			carrier = noBaggage{carrier}
		}
		return t.extract(ctx, carrier)
	}
	return ctx, trace.SpanContext{}
}

// extractSent reads the context that an event carries.
func (t *Tracer) extractSent(ctx context.Context, c *sio.Context, k *kind) (context.Context, trace.SpanContext) {
	if !k.isEvent || t.opts.Carrier == nil {
		return ctx, trace.SpanContext{}
	}
	carrier := t.opts.Carrier(c)
	if carrier == nil {
		return ctx, trace.SpanContext{}
	}
	return t.extract(ctx, carrier)
}

// extract returns ctx with what a client has sent, and the span that it names. If clients
// are strangers, ctx stays as it is.
func (t *Tracer) extract(ctx context.Context, carrier propagation.TextMapCarrier) (context.Context, trace.SpanContext) {
	blank := ctx
	if trace.SpanContextFromContext(ctx).IsValid() {
		blank = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	}
	if t.opts.Untrusted {
		carrier = noBaggage{carrier}
	}
	sent := t.opts.Propagator.Extract(blank, carrier)
	sc := trace.SpanContextFromContext(sent)
	if !sc.IsValid() || t.opts.Untrusted {
		return ctx, sc
	}
	return sent, sc
}

// A noBaggage carries none. That of strangers is of no use, and to parse a long one, which may be
// for each event, takes a tenth of a millisecond and more.
type noBaggage struct{ propagation.TextMapCarrier }

func (c noBaggage) Get(key string) string {
	if key == "baggage" {
		return ""
	}
	return c.TextMapCarrier.Get(key)
}
