package siootel

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/siokit/sio/socketio/parser"
)

// Whatever a client sends, there is a valid context or none.
func FuzzLastArgument(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `["e"]`, `["e",{}]`, `["e",1,{"traceparent":"00-01000000000000000000000000000000-0100000000000000-01","tracestate":"a=b","baggage":"c=d"}]`,
		`["e",{"traceparent":"00-00000000000000000000000000000000-0000000000000000-01"}]`, `["e",{"traceparent":5,"x":`, `["e",{"traceparent":"00","traceparent":["x"]}]`,
	} {
		f.Add([]byte(seed))
	}
	w3c := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		carrier := lastOf(parser.NewArgs(nil, raw, nil, 1))
		if carrier == nil {
			return
		}
		if carrier.Get("traceparent") == "" {
			t.Error("a carrier without a context")
		}
		sc := trace.SpanContextFromContext(w3c.Extract(t.Context(), carrier))
		if sc.IsValid() && !sc.IsRemote() {
			t.Errorf("a context that is this process's own: %v", sc)
		}
	})
}
