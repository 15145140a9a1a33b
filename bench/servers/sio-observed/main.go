// Command sio-observed is the bench's contract on sio, with metrics or an Admin UI, or
// without, to compare them with.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/bench/servers/internal/contract"
	"github.com/siokit/sio/bench/servers/internal/host"
	sioprometheus "github.com/siokit/sio/metrics/prometheus"
)

func main() {
	forget := flag.Bool("forget", false, "keep nothing of the handshake request")
	metrics := flag.Bool("metrics", false, "have metrics, at /metrics")
	admin := flag.String("admin", "", "`mode` of an Admin UI, production or development; none by default")
	flag.Parse()

	opts := &sio.Options{ForgetRequest: *forget}
	if *metrics {
		reg := prometheus.NewRegistry()
		opts.Observers = []*sio.Observer{sioprometheus.New(reg, nil)}
		http.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	}
	srv := sio.New(opts)
	contract.Register(srv)
	switch *admin {
	case "":
	case "production":
		adminui.Mount(srv, &adminui.Options{Unprotected: true})
	case "development":
		adminui.Mount(srv, &adminui.Options{Unprotected: true, Mode: adminui.Development})
	default:
		log.Fatal("-admin: there is no mode " + *admin)
	}
	http.Handle("/socket.io/", srv)
	host.Serve(http.DefaultServeMux)
}
