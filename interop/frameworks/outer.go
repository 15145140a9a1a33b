package main

import (
	"context"
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// outer are middlewares of net/http, to be put around an application of any
// framework.
var outer = map[string]func(http.Handler) http.Handler{
	"gzhttp": func(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) },
	"otel": func(next http.Handler) http.Handler {
		return otelhttp.NewHandler(next, "app", otelhttp.WithTracerProvider(sdktrace.NewTracerProvider()))
	},
	"prometheus":      measured,
	"max-bytes":       func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, 100) },
	"timeout-handler": func(next http.Handler) http.Handler { return http.TimeoutHandler(next, limit, "too late") },
	"context-timeout": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	},
	// A writer that has no deadlines: the server's WriteTimeout can't be lifted.
	"bare": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	},
}

func measured(next http.Handler) http.Handler {
	labels := []string{"code", "method"}
	return promhttp.InstrumentHandlerInFlight(prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"}),
		promhttp.InstrumentHandlerDuration(prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration"}, labels),
			promhttp.InstrumentHandlerCounter(prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests"}, labels), next)))
}
