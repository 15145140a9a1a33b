package siootel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	siootel "github.com/siokit/sio/metrics/otel"
)

// One trace goes from a program that opens a connection, over real sockets and through
// otelhttp, to the connect handler, to an event and what its handler asks the client, to the
// client's own span of that, and to an event that the client sends back with its context.
func TestTraceFromRequestToAck(t *testing.T) {
	for _, webSocket := range []bool{false, true} {
		t.Run(fmt.Sprintf("webSocket=%t", webSocket), func(t *testing.T) {
			log := newSpanLog(t)
			tracer := log.tracer(siootel.TracerOptions{Carrier: siootel.LastArgument, Inject: true})
			srv := newServer()
			srv.Use(tracer.Middleware())
			srv.OnConnect(func(*sio.Context) error { return nil })
			sio.OnWithAck(srv, "order", func(c *sio.Context, what string) (string, error) {
				return sio.Call[string](c.Context(), tracer.Asker(c), "confirm", what)
			})
			sio.OnWithAck(srv, "paid", func(c *sio.Context, sum int) (int, error) { return sum, nil })
			h := &counted{Handler: otelhttp.NewHandler(srv, "", otelhttp.WithTracerProvider(log.provider), otelhttp.WithPropagators(w3c), otelhttp.WithFilter(srv.IsHandshake),
				otelhttp.WithSpanNameFormatter(func(string, *http.Request) string { return "request" }))}
			ts := httptest.NewServer(h)
			defer ts.Close()

			client := log.provider.Tracer("client")
			ctx, page := client.Start(t.Context(), "page")
			header := make(http.Header)
			w3c.Inject(ctx, propagation.HeaderCarrier(header))
			c, err := testclient.Dial(ts.URL+"/socket.io/", testclient.Options{WebSocket: webSocket, Header: header, Patience: patience})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			next := func(args ...any) (id string) {
				t.Helper()
				text, err := c.Next()
				must(err)
				p := testclient.Parse(text)
				if err := json.Unmarshal([]byte(p.Data), &args); err != nil || len(args) == 0 {
					t.Fatalf("%s: %v", text, err)
				}
				return p.ID
			}
			_, err = c.Connect("/", nil)
			must(err)
			must(c.Ask("/", "order", "tea"))
			from := make(propagation.MapCarrier)
			var event, what, answer string
			id := next(&event, &what, &from) // "confirm"
			_, asked := client.Start(w3c.Extract(t.Context(), from), "asked")
			must(c.Answer("/", id, what+"!"))
			next(&answer)
			asked.End()
			must(c.Ask("/", "paid", 5, carrier(asked.SpanContext())))
			var sum int
			next(&sum)
			if answer != "tea!" || sum != 5 {
				t.Errorf("answers %q and %d", answer, sum)
			}
			page.End()
			c.Close()

			shut(t, srv)
			h.serving.Wait()
			s := log.after(t)
			request := s.one("request") // polls are none
			wantChild(t, request, page.SpanContext())
			wantChild(t, s.one("connect /"), request.SpanContext)
			wantChild(t, s.one("process / order"), request.SpanContext)
			wantChild(t, s.one("emitWithAck confirm"), s.one("process / order").SpanContext)
			wantChild(t, s.one("asked"), s.one("emitWithAck confirm").SpanContext)
			paid := s.one("process / paid")
			wantChild(t, paid, asked.SpanContext())
			wantLinks(t, paid, asked.SpanContext(), request.SpanContext)
		})
	}
}
