// Package sioprometheus gives a server metrics for Prometheus, by the client_golang library.
//
//	reg := prometheus.NewRegistry()
//	srv := sio.New(&sio.Options{
//		Observers: []*sio.Observer{sioprometheus.New(reg, nil)},
//	})
//	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
//
// Labels have the names that the application has registered, and words of sio's own. Whatever
// clients send, there are no more series: all dynamic namespaces of a pattern are one, and all
// events without a handler of their own have the name "*".
//
// The metrics are listed in docs/observability.md. The folder of this package has a dashboard
// for Grafana and rules for alerts made of them. Some figures are gathered at each scrape,
// which takes a millisecond for some thousand clients.
package sioprometheus
