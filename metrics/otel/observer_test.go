package siootel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/testclient"
	siootel "github.com/siokit/sio/metrics/otel"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio"
)

// A meter reads the metrics of one or more servers.
type meter struct {
	reader   *sdkmetric.ManualReader
	provider *sdkmetric.MeterProvider
}

func newMeter(t testing.TB, opts ...sdkmetric.ManualReaderOption) *meter {
	m := &meter{reader: sdkmetric.NewManualReader(opts...)}
	m.provider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader))
	t.Cleanup(func() { m.provider.Shutdown(context.Background()) })
	return m
}

func (m *meter) observer(o siootel.ObserverOptions) []*sio.Observer {
	o.Provider = m.provider
	return []*sio.Observer{siootel.NewObserver(&o)}
}

// read returns each metric by its name, and each value as "name{attribute=value,…}": of
// histograms that is how many values were recorded.
func (m *meter) read(t *testing.T) (metrics map[string]metricdata.Metrics, values map[string]float64) {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := m.reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	metrics, values = make(map[string]metricdata.Metrics), make(map[string]float64)
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			metrics[m.Name] = m
			add := func(set attribute.Set, v float64) {
				var labels []string
				for _, kv := range set.ToSlice() {
					labels = append(labels, fmt.Sprintf("%s=%s", kv.Key, kv.Value.Emit()))
				}
				values[m.Name+"{"+strings.Join(labels, ",")+"}"] = v
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Count))
				}
			default:
				t.Errorf("%s is a %T", m.Name, data)
			}
		}
	}
	return metrics, values
}

// wants waits until values are as wanted: some are recorded just after what the test sees.
func (m *meter) wants(t *testing.T, want map[string]float64) {
	t.Helper()
	m.until(t, func(got map[string]float64) (wrong []string) {
		for name, v := range want {
			if got[name] != v {
				wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", name, got[name], v))
			}
		}
		return wrong
	})
}

// until waits until nothing is wrong with the values.
func (m *meter) until(t *testing.T, check func(values map[string]float64) (wrong []string)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		_, values := m.read(t)
		wrong := check(values)
		if wrong == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s\nof %v", strings.Join(wrong, "\n"), values)
		}
	}
}

// What a server does is in its metrics, under names of the application's alone.
func TestMetrics(t *testing.T) {
	t.Run("provider", func(t *testing.T) { testMetrics(t, newMeter(t), nil) })
	t.Run("Producer", func(t *testing.T) {
		p := siootel.NewProducer()
		testMetrics(t, newMeter(t, sdkmetric.WithProducer(p)), p)
	})
}

func testMetrics(t *testing.T, m *meter, p *siootel.Producer) {
	srv := sio.New(&sio.Options{Logger: &silent, MaxRooms: 1, Observers: m.observer(siootel.ObserverOptions{Producer: p})})
	tenant := srv.Of("/tenant-{id}")
	tenant.OnConnect(func(c *sio.Context) error {
		if c.Param("id") == "0" {
			return &sio.Error{Message: "closed"}
		}
		return nil
	})
	tenant.OnAny(func(c *sio.Context) error { return c.Ack() })
	srv.On("ok", func(c *sio.Context) error { return c.Ack() })
	srv.On("rooms", func(c *sio.Context) error { return c.Join("a", "b") })
	srv.On("fail", func(*sio.Context) error { return errors.New("no database") })
	srv.On("panic", func(*sio.Context) error { panic("oh no") })
	srv.On("upgrade", func(c *sio.Context) error { return c.Ack() }) // an event, whatever it is called
	srv.OnUpgrade(func(*sio.Context) error { return nil })
	srv.On("all", func(c *sio.Context) error { return srv.Emit("news", "x") })
	srv.OnDisconnect(func(*sio.Context) error { return nil })
	ts := httptest.NewServer(srv)
	defer ts.Close()
	url := ts.URL + "/socket.io/"

	a, b := siotest.Connect(t, srv), siotest.Connect(t, srv)
	t1 := a.Of("/tenant-1", nil)
	a.Call("ok")
	a.Call("upgrade")
	a.CallError("rooms")
	a.CallError("fail")
	a.CallError("panic")
	a.Emit("unknown-1")
	a.Emit("unknown-2")
	t1.Call("secret-1")
	t1.Call("secret-2")
	a.Emit("all")
	a.Expect("news")
	b.Expect("news")
	siotest.Refused(t, srv, &siotest.Options{Namespace: "/tenant-0"})
	siotest.Refused(t, srv, &siotest.Options{Namespace: "/nowhere"})
	if _, err := testclient.Dial(url, testclient.Options{WebSocket: true, Header: map[string][]string{"Origin": {"http://stranger"}}}); err == nil {
		t.Error("a stranger's page has connected")
	}
	polling, err := testclient.Dial(url, testclient.Options{Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer polling.Close()
	if _, err := polling.Connect("/", nil); err != nil {
		t.Fatal(err)
	}
	if err := polling.Upgrade(); err != nil {
		t.Fatal(err)
	}
	b.Close()

	process := func(attributes string) string {
		return "messaging.process.duration{" + attributes + ",messaging.operation.name=process,messaging.socket.io.event_name="
	}
	root, end := process("messaging.destination.name=/"), ",messaging.system=socket.io}"
	failed := process("error.type=_OTHER,messaging.destination.name=/")
	panicked := process("error.type=panic,messaging.destination.name=/")
	m.wants(t, map[string]float64{
		"sio.server.ready{}": 1,
		"sio.server.active_sessions{sio.transport=websocket}":                                                                          2, // a, and the one that was upgraded
		"sio.server.active_sessions{sio.transport=polling}":                                                                            0,
		"sio.server.opened_sessions{sio.transport=websocket}":                                                                          4,
		"sio.server.opened_sessions{sio.transport=polling}":                                                                            1,
		"sio.server.session.duration{sio.disconnect.reason=transport close}":                                                           3,
		"sio.server.refused_requests{sio.refusal=origin}":                                                                              1,
		"sio.server.upgrade.duration{sio.upgrade.outcome=done}":                                                                        1,
		"sio.server.limits_reached{sio.limit=MaxRooms}":                                                                                1,
		"sio.server.refused_namespaces{}":                                                                                              1,
		"sio.server.active_sockets{sio.namespace=/}":                                                                                   2,
		"sio.server.active_sockets{sio.namespace=/tenant-{id}}":                                                                        1,
		"sio.server.active_namespaces{sio.namespace=/tenant-{id}}":                                                                     1,
		"sio.server.opened_sockets{sio.namespace=/}":                                                                                   3,
		"sio.server.opened_sockets{sio.namespace=/tenant-{id}}":                                                                        1,
		"sio.server.closed_sockets{sio.disconnect.reason=transport close,sio.namespace=/}":                                             1,
		"sio.server.unhandled_events{sio.namespace=/}":                                                                                 2,
		"sio.server.acks{network.io.direction=transmit,sio.namespace=/}":                                                               5,
		"sio.server.acks{network.io.direction=transmit,sio.namespace=/tenant-{id}}":                                                    2,
		"messaging.client.consumed.messages{messaging.destination.name=/,messaging.operation.name=process,messaging.system=socket.io}": 8,
		"messaging.client.consumed.messages{messaging.destination.template=/tenant-{id},messaging.operation.name=process,messaging.system=socket.io}": 2,
		"messaging.client.sent.messages{messaging.destination.name=/,messaging.operation.name=emit,messaging.system=socket.io}":                       2,
		root + "ok" + end:      1,
		root + "upgrade" + end: 1,
		root + "all" + end:     1,
		root + "rooms,messaging.system=socket.io,sio.outcome=refused}": 1,
		failed + "fail" + end:    1,
		panicked + "panic" + end: 1,
	})
}

// What a Producer makes is what the provider would.
func TestProducer(t *testing.T) {
	p := siootel.NewProducer()
	if made, err := p.Produce(t.Context()); made != nil || err != nil {
		t.Errorf("%v, %v of no server", made, err)
	}
	theirs, own := newMeter(t), newMeter(t, sdkmetric.WithProducer(p))
	c := kept(t, nil)
	for _, o := range append(theirs.observer(siootel.ObserverOptions{}), own.observer(siootel.ObserverOptions{Producer: p})...) {
		for _, took := range []time.Duration{0, time.Microsecond, 5 * time.Millisecond, 5*time.Millisecond + 1, time.Second, 10 * time.Second, time.Hour} {
			for _, outcome := range []sio.Outcome{sio.OutcomeOK, sio.OutcomePanicked, sio.OutcomeNoOne} {
				o.Handled(c, sio.Handled{Route: c.Route(), Outcome: outcome, Took: took})
			}
		}
	}
	want, _ := theirs.read(t)
	got, _ := own.read(t)
	for name, w := range want {
		g := got[name]
		for _, data := range []metricdata.Aggregation{w.Data, g.Data} {
			h, _ := data.(metricdata.Histogram[float64])
			for i := range h.DataPoints {
				p := &h.DataPoints[i]
				p.Min, p.Max, p.Sum = metricdata.Extrema[float64]{}, metricdata.Extrema[float64]{}, math.Round(1e9*p.Sum)
			}
		}
		metricdatatest.AssertEqual(t, w, g, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	}
	if len(got) != len(want) {
		t.Errorf("%d metrics, want %d", len(got), len(want))
	}
}

// Other servers of a process have metrics of their own by an attribute, and so has a
// server's part in a cluster.
func TestClusterMetrics(t *testing.T) {
	m := newMeter(t)
	hub := memory.NewHub()
	var servers []*sio.Server
	for _, name := range []string{"a", "b"} {
		cl, err := cluster.New(t.Context(), hub.Engine(), wire.Classic("", wire.ClassicOptions{}), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		srv := sio.New(&sio.Options{Logger: &silent, Cluster: cl, Observers: m.observer(siootel.ObserverOptions{Cluster: cl, Attributes: []attribute.KeyValue{attribute.String("server", name)}})})
		siotest.Cleanup(t, srv)
		servers = append(servers, srv)
	}
	a, b := siotest.Connect(t, servers[0]), siotest.Connect(t, servers[1])
	if err := servers[0].Emit("news"); err != nil {
		t.Fatal(err)
	}
	a.Expect("news")
	b.Expect("news")
	want := make(map[string]float64)
	for _, name := range []string{"a", "b"} {
		of := "{server=" + name + "}"
		want["sio.cluster.available"+of], want["sio.cluster.members"+of] = 1, 1
		want["sio.server.active_sessions{server="+name+",sio.transport=websocket}"] = 1
		want["messaging.client.sent.messages{messaging.destination.name=/,messaging.operation.name=emit,messaging.system=socket.io,server="+name+"}"] = 1
	}
	m.wants(t, want)
	if _, values := m.read(t); values["sio.cluster.published_messages{server=a}"] == 0 || values["sio.cluster.received_messages{server=b}"] == 0 {
		t.Errorf("no messages from server to server: %v", values)
	}
}

// A client that comes back is in the metrics from when it was lost.
func TestRecoveryMetrics(t *testing.T) {
	m := newMeter(t)
	srv := sio.New(&sio.Options{Logger: &silent, PingInterval: 20 * time.Millisecond, Recovery: &sio.Recovery{}, Observers: m.observer(siootel.ObserverOptions{})})
	siotest.Cleanup(t, srv)
	c := siotest.Connect(t, srv)
	m.until(t, func(values map[string]float64) []string {
		if values["sio.server.heartbeat.duration{}"] == 0 {
			return []string{"no ping was answered"}
		}
		return nil
	})
	c.Close()
	m.wants(t, map[string]float64{
		"sio.server.recovery.clients{sio.namespace=/}": 1,
		"sio.server.active_sockets{sio.namespace=/}":   0,
	})
	siotest.Connect(t, srv, &siotest.Options{Auth: map[string]string{"pid": "nobody", "offset": "x"}})
	m.wants(t, map[string]float64{"sio.server.recoveries{sio.namespace=/,sio.recovery.result=unknown}": 1})
}

// An application's own reason for the end of a session is no label.
func TestReasonsAreBounded(t *testing.T) {
	m := newMeter(t)
	srv := sio.New(&sio.Options{Logger: &silent, Observers: m.observer(siootel.ObserverOptions{})})
	siotest.Cleanup(t, srv)
	srv.On("end", func(c *sio.Context) error {
		var reason string
		err := c.Bind(&reason)
		c.Socket().Session().Abort(sio.Reason(reason))
		return err
	})
	for _, reason := range []string{"one", "two", string(engineio.ReasonSlowConsumer)} {
		siotest.Connect(t, srv).Emit("end", reason)
	}
	m.wants(t, map[string]float64{
		"sio.server.closed_sockets{sio.disconnect.reason=other,sio.namespace=/}":         2,
		"sio.server.closed_sockets{sio.disconnect.reason=slow consumer,sio.namespace=/}": 1,
		"sio.server.session.duration{sio.disconnect.reason=other}":                       2,
	})
}

// A draining server takes nobody.
func TestReadyMetric(t *testing.T) {
	m := newMeter(t)
	srv := sio.New(&sio.Options{Logger: &silent, Observers: m.observer(siootel.ObserverOptions{})})
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, values := m.read(t); values["sio.server.ready{}"] != 0 {
		t.Error("a server that is shut down is ready")
	}
}

func TestObserverIsForOneServer(t *testing.T) {
	m := newMeter(t)
	o := m.observer(siootel.ObserverOptions{})
	sio.New(&sio.Options{Logger: &silent, Observers: o})
	defer func() {
		if v := recover(); v != "siootel: an observer is for one server" {
			t.Errorf("panic %v", v)
		}
	}()
	sio.New(&sio.Options{Logger: &silent, Observers: o})
}

// The guide lists all metrics, with their units and attributes, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	m := newMeter(t)
	cl, err := cluster.New(t.Context(), memory.NewHub().Engine(), wire.Classic("", wire.ClassicOptions{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	o := m.observer(siootel.ObserverOptions{Cluster: cl})
	srv := sio.New(&sio.Options{Logger: &silent, Recovery: &sio.Recovery{}, Observers: o})
	// Each is there when it has a value, so that all happens once.
	kept := kept(t, nil)
	s := kept.Socket()
	o[0].SessionOpened(s.Session(), "websocket")
	o[0].SessionClosed(s.Session(), engineio.ReasonForcedClose)
	o[0].RequestRefused(nil, engineio.RefusedOrigin)
	o[0].UpgradeEnded(s.Session(), engineio.UpgradeDone, 0)
	o[0].PingAnswered(s.Session(), 0)
	o[0].LimitReached(s.Session(), engineio.LimitRooms)
	o[0].SocketConnected(s)
	o[0].SocketDisconnected(s, engineio.ReasonForcedClose)
	o[0].NamespaceRefused(s.Session(), "/x")
	o[0].RecoveryEnded(s, socketio.RecoveryDone)
	o[0].Handled(kept, sio.Handled{Route: sio.Route{Namespace: "/", Event: "e"}, Outcome: sio.OutcomeFailed})
	o[0].Handled(kept, sio.Handled{Route: sio.Route{Namespace: "/t-{id}", Event: "e"}, Outcome: sio.OutcomeRefused})
	o[0].Handled(kept, sio.Handled{Route: sio.Route{Namespace: "/"}, Outcome: sio.OutcomeNoOne})
	srv.Of("/t-{id}")
	metrics, values := m.read(t)
	attributes := make(map[string]map[string]bool)
	for name := range values {
		metric, set, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		if attributes[metric] == nil {
			attributes[metric] = make(map[string]bool)
		}
		for kv := range strings.SplitSeq(set, ",") {
			if key, _, found := strings.Cut(kv, "="); found {
				attributes[metric][key] = true
			}
		}
	}
	guide, err := os.ReadFile("../../docs/opentelemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `((?:sio|messaging)\\.[\\w.]+)` \\| `([^`]*)` \\|([^|]*)\\|").FindAllStringSubmatch(string(guide), -1) {
		name, unit := row[1], row[2]
		listed[name] = true
		metric, ok := metrics[name]
		if !ok {
			t.Errorf("there is no metric %s", name)
			continue
		}
		if metric.Unit != unit || metric.Description == "" {
			t.Errorf("%s is in %q (%s), the guide says %q", name, metric.Unit, metric.Description, unit)
		}
		said := make(map[string]bool)
		for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[3], -1) {
			said[key[1]] = true
		}
		if !maps.Equal(said, attributes[name]) {
			t.Errorf("%s has the attributes %v, the guide says %v", name, attributes[name], said)
		}
	}
	for name := range metrics {
		if !listed[name] {
			t.Errorf("the guide does not have %s", name)
		}
	}
}
