package sioprometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/siokit/sio"
	sioprometheus "github.com/siokit/sio/metrics/prometheus"
)

func Example() {
	reg := prometheus.NewRegistry()
	srv := sio.New(&sio.Options{
		Observers: []*sio.Observer{sioprometheus.New(reg, nil)},
	})
	srv.On("order", func(c *sio.Context) error { return c.Ack("ok") })

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))

	// What Prometheus gets:
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "sio_sessions{") || strings.HasPrefix(line, "sio_ready") {
			fmt.Print(line)
		}
	}
	// Output:
	// sio_ready 1
	// sio_sessions{transport="polling"} 0
	// sio_sessions{transport="websocket"} 0
}
