// Command sio is the bench's contract on sio.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/bench/servers/internal/host"
	sioprometheus "github.com/siokit/sio/metrics/prometheus"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

func main() {
	useEcho := flag.Bool("echo", false, "mount in Echo rather than on net/http")
	forget := flag.Bool("forget", false, "keep nothing of the handshake request")
	metrics := flag.Bool("metrics", false, "have metrics, at /metrics")
	admin := flag.String("admin", "", "`mode` of an Admin UI, production or development; none by default")
	packed := flag.Bool("msgpack", false, "speak MessagePack")
	deflate := flag.Bool("deflate", false, "compress messages for clients that offer it")
	flag.Parse()

	opts := &sio.Options{ForgetRequest: *forget}
	if *packed {
		opts.Parser = msgpack.Parser{}
	}
	if *deflate {
		opts.Compression = new(sio.Compression)
	}
	if *metrics {
		reg := prometheus.NewRegistry()
		opts.Observers = []*sio.Observer{sioprometheus.New(reg, nil)}
		http.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	}
	srv := sio.New(opts)
	register(srv)
	switch *admin {
	case "":
	case "production":
		adminui.Mount(srv, &adminui.Options{Unprotected: true})
	case "development":
		adminui.Mount(srv, &adminui.Options{Unprotected: true, Mode: adminui.Development})
	default:
		log.Fatal("-admin: there is no mode " + *admin)
	}
	if *useEcho {
		e := echo.New()
		e.Any("/socket.io/*", sioecho.Handler(srv))
		e.Any("/*", echo.WrapHandler(http.DefaultServeMux))
		host.Serve(e)
	}
	http.Handle("/socket.io/", srv)
	host.Serve(http.DefaultServeMux)
}

type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

func register(srv *sio.Server) {
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })

	// As in the peers, what comes is decoded and encoded anew, not passed on raw.
	sio.On(srv, "echo", func(c *sio.Context, m message) error {
		if c.WantsAck() {
			return c.Ack(m)
		}
		return c.Emit("echo", m)
	})
	sio.OnWithAck(srv, "binary", func(_ *sio.Context, data []byte) ([]byte, error) { return data, nil })

	sio.OnWithAck(srv, "text", func(_ *sio.Context, text string) (string, error) { return text, nil })

	srv.On("blast", func(c *sio.Context) error {
		var count int
		var payload string
		if err := c.Bind(&count, &payload); err != nil {
			return err
		}
		room := srv.To("room")
		for range count {
			if err := room.Emit("msg", payload); err != nil {
				return err
			}
		}
		return c.Ack()
	})
}
