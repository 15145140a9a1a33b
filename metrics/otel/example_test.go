package siootel_test

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/siokit/sio"
	siootel "github.com/siokit/sio/metrics/otel"
)

// Spans of HTTP requests, of the events of the connections that they open, and of what is
// sent to others.
func ExampleTracer() {
	provider := sdktrace.NewTracerProvider() // with an exporter
	defer provider.Shutdown(context.Background())
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))

	tracer := siootel.NewTracer(&siootel.TracerOptions{Carrier: siootel.LastArgument})
	srv := sio.New(nil)
	srv.Use(tracer.Middleware())
	srv.On("message", func(c *sio.Context) error {
		var room, text string
		if err := c.Bind(&room, &text); err != nil {
			return err
		}
		return tracer.Emitter(c.Context(), c.To(room)).Emit("message", text)
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", otelhttp.NewHandler(srv, "socket.io", otelhttp.WithFilter(srv.IsHandshake)))
}
