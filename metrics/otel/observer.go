package siootel

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// ObserverOptions say what is measured. The zero value of each field stands for its
// default.
type ObserverOptions struct {
	// Provider makes the metrics. Default: that of otel.GetMeterProvider.
	Provider metric.MeterProvider
	// Cluster is the server's part in a cluster, of which metrics are to be made, too.
	// Default: none.
	Cluster *cluster.Cluster
	// Attributes are added to all metrics. They are needed where one process has
	// several servers, to tell these apart: processes are told apart by the resource of
	// the provider. Default: none.
	Attributes []attribute.KeyValue
	// Producer keeps the durations of handlers, instead of the provider. Default: none.
	Producer *Producer
}

// NewObserver returns an observer for [sio.Options].Observers, which makes metrics of what
// a server does. It is for one server. Nil options stand for the defaults. Errors of the
// provider go to otel.Handle. The provider keeps the server, also after Shutdown, for as long as
// it is there itself: a process that makes one server after the other has a provider for each.
//
// What the server counts by itself is looked up whenever the metrics are read, which takes a
// millisecond for some thousand clients.
func NewObserver(opts *ObserverOptions) *sio.Observer {
	var o ObserverOptions
	if opts != nil {
		o = *opts
	}
	if o.Provider == nil {
		o.Provider = otel.GetMeterProvider()
	}
	meter := o.Provider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	m := newMetrics(meter, o.Attributes)
	if o.Producer != nil {
		m.produced = true
		o.Producer.add(m)
	}
	obs := m.observer()
	obs.Created = func(srv *sio.Server) {
		if m.taken.Swap(true) {
			panic("siootel: an observer is for one server")
		}
		observeServer(meter, m.own, func() (bool, sio.Stats) { return srv.Ready() == nil, srv.Stats() })
		if cl := o.Cluster; cl != nil {
			observeCluster(meter, m.own, func() (int, cluster.Stats) { return len(cl.Members()), cl.Stats() })
		}
	}
	return obs
}

// Attributes of metrics.
const (
	namespaceKey = attribute.Key("sio.namespace") // as it was registered
	limitKey     = attribute.Key("sio.limit")
	refusalKey   = attribute.Key("sio.refusal")
	upgradeKey   = attribute.Key("sio.upgrade.outcome")
	recoveryKey  = attribute.Key("sio.recovery.result")
)

// Bounds of buckets, in seconds. The first are those that the conventions ask for.
var (
	handlerBounds = [...]float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	networkBounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
	sessionBounds = []float64{1, 5, 10, 30, 60, 300, 600, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600}
)

const (
	handlerTimeName        = "messaging.process.duration"
	handlerTimeDescription = "How long handlers took, with their middlewares."
)

// metrics are those that are recorded when something happens.
type metrics struct {
	own      attributes
	born     time.Time
	taken    atomic.Bool // by a server
	produced bool        // handlers' durations are a Producer's

	opened, refused, limits       metric.Int64Counter
	joined, left                  metric.Int64Counter
	unknownNamespaces, recoveries metric.Int64Counter
	unhandled                     metric.Int64Counter
	sessionTime, upgradeTime      metric.Float64Histogram
	heartbeatTime, handlerTime    metric.Float64Histogram

	mu    sync.Mutex // of who changes calls
	calls atomic.Pointer[map[call]*labels]
}

// A call is what calls of handlers are told apart by.
type call struct {
	route   sio.Route
	outcome sio.Outcome
	isEvent bool
}

// labels are the attributes of calls, also as instruments take them, and what is kept of
// the calls for a Producer.
type labels struct {
	times  times
	set    attribute.Set
	record []metric.RecordOption
	add    []metric.AddOption
}

func newMetrics(meter metric.Meter, own []attribute.KeyValue) *metrics {
	i := instruments{meter: meter}
	m := &metrics{
		born:              time.Now(),
		own:               slices.Clone(own),
		opened:            i.counter("sio.server.opened_sessions", "{session}", "Sessions that have begun, by the transport that they have begun on."),
		refused:           i.counter("sio.server.refused_requests", "{request}", "Requests that were answered with an error, mostly handshakes."),
		limits:            i.counter("sio.server.limits_reached", "{occurrence}", "How often a limit has acted on a session, by the option that sets it."),
		joined:            i.counter("sio.server.opened_sockets", "{socket}", "Clients that were let into a namespace."),
		left:              i.counter("sio.server.closed_sockets", "{socket}", "Clients that have left a namespace."),
		unknownNamespaces: i.counter("sio.server.refused_namespaces", "{request}", "Clients that have asked for a namespace that there is not."),
		recoveries:        i.counter("sio.server.recoveries", "{client}", "Clients that wanted to come back as who they were, by what came of it."),
		unhandled:         i.counter("sio.server.unhandled_events", "{event}", "Events of clients for which there is no handler."),
		sessionTime:       i.seconds("sio.server.session.duration", "How long sessions have lasted, by the reason of their end.", sessionBounds...),
		upgradeTime:       i.seconds("sio.server.upgrade.duration", "How long attempts to move a session to WebSocket took.", networkBounds...),
		heartbeatTime:     i.seconds("sio.server.heartbeat.duration", "How long clients took to answer a ping.", networkBounds...),
		handlerTime:       i.seconds(handlerTimeName, handlerTimeDescription, handlerBounds[:]...),
	}
	m.calls.Store(&map[call]*labels{})
	return m
}

func (m *metrics) observer() *sio.Observer {
	ctx, alone := context.Background(), m.own.and()
	o := &sio.Observer{Handled: m.handled}
	o.SessionOpened = func(_ *engineio.Session, transport string) {
		m.opened.Add(ctx, 1, m.own.and(transportKey.String(transport)))
	}
	o.SessionClosed = func(s *engineio.Session, reason sio.Reason) {
		m.sessionTime.Record(ctx, time.Since(s.Opened()).Seconds(), m.own.and(bounded(reason)))
	}
	o.RequestRefused = func(_ *http.Request, why engineio.RefusedReason) {
		m.refused.Add(ctx, 1, m.own.and(refusalKey.String(string(why))))
	}
	o.UpgradeEnded = func(_ *engineio.Session, outcome engineio.UpgradeOutcome, took time.Duration) {
		m.upgradeTime.Record(ctx, took.Seconds(), m.own.and(upgradeKey.String(string(outcome))))
	}
	o.PingAnswered = func(_ *engineio.Session, took time.Duration) {
		m.heartbeatTime.Record(ctx, took.Seconds(), alone)
	}
	o.LimitReached = func(_ *engineio.Session, limit engineio.Limit) {
		m.limits.Add(ctx, 1, m.own.and(limitKey.String(string(limit))))
	}
	o.SocketConnected = func(s *sio.Socket) {
		m.joined.Add(ctx, 1, m.own.and(registered(s)))
	}
	o.SocketDisconnected = func(s *sio.Socket, reason sio.Reason) {
		m.left.Add(ctx, 1, m.own.and(registered(s), bounded(reason)))
	}
	o.NamespaceRefused = func(*engineio.Session, string) {
		m.unknownNamespaces.Add(ctx, 1, alone)
	}
	o.RecoveryEnded = func(s *sio.Socket, result socketio.RecoveryResult) {
		m.recoveries.Add(ctx, 1, m.own.and(registered(s), recoveryKey.String(string(result))))
	}
	return o
}

// handled implements [sio.Observer.Handled]. It runs for each event.
func (m *metrics) handled(c *sio.Context, h sio.Handled) {
	k := call{h.Route, h.Outcome, isEvent(c, h.Route)}
	l := (*m.calls.Load())[k]
	if l == nil {
		l = m.label(k)
	}
	switch {
	case h.Outcome == sio.OutcomeNoOne:
		m.unhandled.Add(context.Background(), 1, l.add...)
	case m.produced:
		l.times.add(h.Took)
	default: // without c's context: to look for a span in it takes as long again
		m.handlerTime.Record(context.Background(), h.Took.Seconds(), l.record...)
	}
}

// label makes the attributes of calls when there is the first of them.
func (m *metrics) label(k call) *labels {
	l := &labels{set: m.own.set(k.attributes()...)}
	option := metric.WithAttributeSet(l.set)
	l.record, l.add = []metric.RecordOption{option}, []metric.AddOption{option}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := *m.calls.Load()
	if first := all[k]; first != nil {
		return first
	}
	all = maps.Clone(all)
	all[k] = l
	m.calls.Store(&all)
	return l
}

// attributes returns those that a span of the call has, too; there is none of one without a
// handler.
func (k call) attributes() []attribute.KeyValue {
	if k.outcome == sio.OutcomeNoOne {
		return []attribute.KeyValue{namespaceKey.String(k.route.Namespace)}
	}
	operation := "process"
	if !k.isEvent {
		operation = k.route.Event
	}
	kvs := []attribute.KeyValue{system, semconv.MessagingOperationName(operation), destination(k.route.Namespace)}
	if k.isEvent && k.route.Event != "" {
		kvs = append(kvs, eventKey.String(k.route.Event))
	}
	switch k.outcome {
	case sio.OutcomeOK:
	case sio.OutcomePanicked:
		kvs = append(kvs, panicked)
	case sio.OutcomeFailed:
		kvs = append(kvs, semconv.ErrorTypeOther)
	default:
		kvs = append(kvs, outcomeKey.String(string(k.outcome)))
	}
	return kvs
}

// attributes are those of all metrics of a server.
type attributes []attribute.KeyValue

// set returns them and others.
func (a attributes) set(others ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(append(slices.Clip(a), others...)...)
}

// and returns them and others, as instruments take them.
func (a attributes) and(others ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(a.set(others...))
}

func registered(s *sio.Socket) attribute.KeyValue {
	return namespaceKey.String(s.Namespace().RegisteredName())
}

// bounded returns the attribute for a reason. Applications may end sessions with others than
// those of sio.
func bounded(reason sio.Reason) attribute.KeyValue {
	switch reason {
	case engineio.ReasonTransportError, engineio.ReasonTransportClose, engineio.ReasonForcedClose,
		engineio.ReasonPingTimeout, engineio.ReasonParseError, engineio.ReasonShutdown, engineio.ReasonSlowConsumer,
		socketio.ReasonClientDisconnect, socketio.ReasonServerDisconnect:
		return reasonKey.String(string(reason))
	}
	return reasonKey.String("other")
}
