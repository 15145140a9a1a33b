package sio

import (
	"net/http"
	"strings"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/unread"
)

// Ready returns nil if the server takes new connections. Otherwise it returns why not:
// [ErrDraining], [ErrShutdown], or what [Options].Ready has returned.
func (s *Server) Ready() error {
	if err := s.io.Ready(); err != nil {
		return err
	}
	if s.opts.Ready != nil {
		return s.opts.Ready()
	}
	return nil
}

// Live returns nil unless the server is stuck beyond help: goroutines that read for all
// clients, or write to them, have not moved while calls of Live looked on for half a
// minute. Then the error wraps [ErrStuck], the log has the stacks, and the process is to be
// killed. Load, handlers that block, clients that do not answer, an engine that is away, a
// server that drains or was shut down are no such thing.
func (s *Server) Live() error { return s.io.Live() }

// ServeReady tells a load balancer whether to send new clients here: it answers with 200
// if the server is ready, and else with 503 and why not. Route it where only the load
// balancer gets to:
//
//	mux.HandleFunc("GET /ready", srv.ServeReady)
//
// A server that is not ready still serves its clients. Whether a process is to be killed is
// another question, which [Server.ServeLive] answers.
func (s *Server) ServeReady(w http.ResponseWriter, r *http.Request) {
	serveHealth(w, r, "ready", s.Ready())
}

// ServeLive tells an orchestrator whether to kill the process: it answers with 200 if the
// server is alive, and else with 503 and what is stuck. See [Server.Live]. It is to be asked
// every few seconds, as a livenessProbe of Kubernetes is:
//
//	mux.HandleFunc("GET /live", srv.ServeLive)
func (s *Server) ServeLive(w http.ResponseWriter, r *http.Request) {
	serveHealth(w, r, "alive", s.Live())
}

// healthLimit bounds what is said of an error, in bytes.
const healthLimit = 256

func serveHealth(w http.ResponseWriter, r *http.Request, text string, err error) {
	unread.Bound(w, r)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		// What our package calls itself is not the balancer's business.
		text = logline.Text(strings.TrimPrefix(err.Error(), "engineio: "), healthLimit)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(text + "\n"))
}
