package sioprometheus

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// Options say what is measured. The zero value of each field stands for its default.
type Options struct {
	// Cluster is the server's part in a cluster, whose figures are to be there as well.
	// Default: none.
	Cluster *cluster.Cluster
	// HandlerBuckets are the upper bounds of the buckets of sio_handler_duration_seconds, in
	// seconds, in increasing order. Each makes one more series for each event that has a handler.
	// Default: 11, from 0.1 ms to 10 s.
	HandlerBuckets []float64
}

var (
	handlerBuckets = []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10}
	networkBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
)

// otherEvents is the name of events without a handler of their own. None that has one is
// called so.
const otherEvents = "*"

// New returns an observer for [sio.Options].Observers, which has registered its metrics with
// reg. It is for one server. To have several in one registry, give each a
// [prometheus.WrapRegistererWith] of its own labels. Nil options are the defaults. New panics
// if metrics of these names are registered already, or if HandlerBuckets do not increase.
//
// The registry keeps the server, also after Shutdown, for as long as it is there itself: a
// process that makes one server after the other has a registry for each.
func New(reg prometheus.Registerer, opts *Options) *sio.Observer {
	m := newMetrics(opts)
	reg.MustRegister(m)
	return m.observer()
}

// metrics collects all. What happens seldom is counted here; the rest is in the server's Stats.
type metrics struct {
	srv     atomic.Pointer[sio.Server]
	cluster *cluster.Cluster

	opened, closed          *prometheus.CounterVec
	refused                 *prometheus.CounterVec
	upgrades                *prometheus.CounterVec
	upgradeTime, pingTime   prometheus.Histogram
	limits                  *prometheus.CounterVec
	connected, disconnected *prometheus.CounterVec
	unknownNamespaces       prometheus.Counter
	recoveries              *prometheus.CounterVec
	handlerTime             *prometheus.HistogramVec
	handlerErrors           *prometheus.CounterVec

	mu       sync.Mutex                                        // of who changes the following
	handlers atomic.Pointer[map[sio.Route]prometheus.Observer] // of handlerTime: one look-up for each event
}

func newMetrics(opts *Options) *metrics {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.HandlerBuckets == nil {
		o.HandlerBuckets = handlerBuckets
	}
	for i, b := range o.HandlerBuckets {
		if i > 0 && !(o.HandlerBuckets[i-1] < b) { // the library looks when the first handler has run
			panic(fmt.Sprintf("sioprometheus: HandlerBuckets do not increase: %v", o.HandlerBuckets))
		}
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		cluster: o.Cluster,

		opened:       counter("sio_sessions_opened_total", "Engine.IO sessions that have begun, by the transport that they began on.", "transport"),
		closed:       counter("sio_sessions_closed_total", "Engine.IO sessions that have ended, by reason.", "reason"),
		refused:      counter("sio_requests_refused_total", "Requests that were answered with an error, mostly handshakes, by reason.", "reason"),
		upgrades:     counter("sio_upgrades_total", "Attempts to move a session from polling to WebSocket, by outcome.", "outcome"),
		limits:       counter("sio_limits_reached_total", "How often a limit has acted on a session, by the option that sets it.", "limit"),
		connected:    counter("sio_sockets_connected_total", "Clients that were let into a namespace.", "nsp"),
		disconnected: counter("sio_sockets_disconnected_total", "Clients that have left a namespace, by reason.", "nsp", "reason"),
		unknownNamespaces: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sio_namespaces_refused_total", Help: "Clients that asked for a namespace that there is not.",
		}),
		recoveries:    counter("sio_recoveries_total", "Clients that wanted to come back as who they were, by what came of it.", "nsp", "result"),
		handlerErrors: counter("sio_handler_errors_total", "Handlers that did not end well, and events that had none, by outcome.", "nsp", "event", "outcome"),
		upgradeTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sio_upgrade_duration_seconds", Help: "How long sessions took to move to WebSocket.", Buckets: networkBuckets,
		}),
		pingTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sio_heartbeat_duration_seconds", Help: "How long clients took to answer a ping.", Buckets: networkBuckets,
		}),
		handlerTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sio_handler_duration_seconds", Help: "How long handlers took, with their middlewares.", Buckets: o.HandlerBuckets,
		}, []string{"nsp", "event"}),
	}
	m.handlers.Store(&map[sio.Route]prometheus.Observer{})
	for _, transport := range []string{sio.TransportPolling, sio.TransportWebSocket} {
		m.opened.WithLabelValues(transport) // zero is seen before the first
	}
	for _, outcome := range []engineio.UpgradeOutcome{engineio.UpgradeDone, engineio.UpgradeTimeout, engineio.UpgradeFailed, engineio.UpgradeRefused, engineio.UpgradeOutlived} {
		m.upgrades.WithLabelValues(string(outcome))
	}
	return m
}

// counted are the collectors of what is counted here.
func (m *metrics) counted() []prometheus.Collector {
	return []prometheus.Collector{
		m.opened, m.closed, m.refused, m.upgrades, m.upgradeTime, m.pingTime, m.limits,
		m.connected, m.disconnected, m.unknownNamespaces, m.recoveries, m.handlerTime, m.handlerErrors,
	}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.counted() {
		c.Describe(to)
	}
	for _, d := range serverDescs {
		to <- d
	}
	if m.cluster != nil {
		for _, d := range clusterDescs {
			to <- d
		}
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.counted() {
		c.Collect(to)
	}
	if srv := m.srv.Load(); srv != nil {
		collectServer(to, srv.Ready() == nil, srv.Stats())
	}
	if m.cluster != nil {
		collectCluster(to, len(m.cluster.Members()), m.cluster.Stats())
	}
}

func (m *metrics) observer() *sio.Observer {
	o := &sio.Observer{
		Created: func(srv *sio.Server) {
			if !m.srv.CompareAndSwap(nil, srv) {
				panic("sioprometheus: an observer is for one server")
			}
		},
		Handled: m.handled,
	}
	o.SessionOpened = func(_ *engineio.Session, transport string) { m.opened.WithLabelValues(transport).Inc() }
	o.SessionClosed = func(_ *engineio.Session, reason sio.Reason) { m.closed.WithLabelValues(bounded(reason)).Inc() }
	o.RequestRefused = func(_ *http.Request, why engineio.RefusedReason) { m.refused.WithLabelValues(string(why)).Inc() }
	o.UpgradeEnded = func(_ *engineio.Session, outcome engineio.UpgradeOutcome, took time.Duration) {
		m.upgrades.WithLabelValues(string(outcome)).Inc()
		if outcome == engineio.UpgradeDone {
			m.upgradeTime.Observe(took.Seconds())
		}
	}
	o.PingAnswered = func(_ *engineio.Session, took time.Duration) { m.pingTime.Observe(took.Seconds()) }
	o.LimitReached = func(_ *engineio.Session, limit engineio.Limit) { m.limits.WithLabelValues(string(limit)).Inc() }
	o.SocketConnected = func(s *sio.Socket) { m.connected.WithLabelValues(namespaceOf(s)).Inc() }
	o.SocketDisconnected = func(s *sio.Socket, reason sio.Reason) {
		m.disconnected.WithLabelValues(namespaceOf(s), bounded(reason)).Inc()
	}
	o.NamespaceRefused = func(*engineio.Session, string) { m.unknownNamespaces.Inc() }
	o.RecoveryEnded = func(s *sio.Socket, result socketio.RecoveryResult) {
		m.recoveries.WithLabelValues(namespaceOf(s), string(result)).Inc()
	}
	return o
}

func namespaceOf(s *sio.Socket) string { return s.Namespace().RegisteredName() }

// reasons are those of sio. An application may end sessions with others.
var reasons = []sio.Reason{
	engineio.ReasonTransportError, engineio.ReasonTransportClose, engineio.ReasonForcedClose, engineio.ReasonPingTimeout,
	engineio.ReasonParseError, engineio.ReasonShutdown, engineio.ReasonSlowConsumer,
	socketio.ReasonClientDisconnect, socketio.ReasonServerDisconnect,
}

func bounded(reason sio.Reason) string {
	if slices.Contains(reasons, reason) {
		return string(reason)
	}
	return "other"
}

// handled implements [sio.Observer.Handled]. It runs for each event.
func (m *metrics) handled(c *sio.Context, h sio.Handled) {
	h.Route.Event = label(c, h.Route.Event)
	if h.Outcome != sio.OutcomeOK {
		m.handlerErrors.WithLabelValues(h.Route.Namespace, h.Route.Event, string(h.Outcome)).Inc()
	}
	if h.Outcome == sio.OutcomeNoOne {
		return
	}
	o := (*m.handlers.Load())[h.Route]
	if o == nil {
		o = m.handler(h.Route)
	}
	o.Observe(h.Took.Seconds())
}

// label returns what a handler's event is called. Applications may have events that are called
// as OnConnected and OnUpgrade are: what these handle has no arguments.
func label(c *sio.Context, event string) string {
	switch event {
	case "":
		return otherEvents
	case "connected":
		if c.Bind(nil) != nil {
			return "*connected"
		}
	case "upgrade":
		if c.Bind(nil) != nil {
			return "*upgrade"
		}
	}
	return event
}

// handler makes the histogram of a handler that has run for the first time.
func (m *metrics) handler(r sio.Route) prometheus.Observer {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := maps.Clone(*m.handlers.Load())
	all[r] = m.handlerTime.WithLabelValues(r.Namespace, r.Event)
	m.handlers.Store(&all)
	return all[r]
}
