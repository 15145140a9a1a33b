package sioprometheus

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/testclient"
)

// TestNamesAndUnits has the names and texts checked by Prometheus' own rules.
func TestNamesAndUnits(t *testing.T) {
	h := newHost(t, sio.Options{})
	h.dial(webSocket, "/")
	problems, err := testutil.GatherAndLint(h.reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sio_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// app registers what clients of the tests ask for.
func app(srv *sio.Server) {
	srv.On("echo", func(c *sio.Context) error { return c.Ack(c.Args()) })
	srv.On("all", func(c *sio.Context) error { return c.Broadcast().Emit("told") })
	srv.On("join", func(c *sio.Context) error { return c.Join("a", "b") })
	srv.On("panic", func(*sio.Context) error { panic("x") })
	srv.On("fail", func(*sio.Context) error { return errors.New("x") })
	tenants := srv.Of("/tenant-{id}")
	tenants.OnConnect(func(c *sio.Context) error {
		if c.Param("id") == "closed" {
			return &sio.Error{Message: "closed"}
		}
		return nil
	})
}

// TestGaugesDoNotDrift has clients come, do what they like, and leave or be cut off in the
// middle of it. When all have gone, nothing is there any more, and the counters agree.
func TestGaugesDoNotDrift(t *testing.T) {
	h := newHost(t, sio.Options{
		MaxPacketRate: 200, EventQueue: 8, QueueBytes: 64 << 10, MaxRooms: 1, MaxPayload: 100_000, MaxClientNamespaces: 2,
		Recovery: &sio.Recovery{},
	})
	app(h.Server)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 25 {
				h.visit(r)
			}
		})
	}
	wg.Wait()
	if st := h.gather(); st.sum("sio_sessions_opened_total", "") < 100 || st.sum("sio_handler_errors_total", `"panicked"`) == 0 || st.sum("sio_requests_refused_total", "") == 0 {
		t.Errorf("not much has happened: %v", st)
	}
	h.shut()
	h.web.Close() // it waits for requests that are still being answered
	st := h.gather()
	for name, v := range st {
		gone := []string{
			"sio_ready", "sio_sessions{", "sio_sessions_closing", "sio_sessions_paused", "sio_sessions_slow", "sio_send_queue_packets",
			"sio_send_queue_bytes", "sio_held_bytes", "sio_handler_queue_events", "sio_handler_queue_bytes", "sio_sockets{", "sio_rooms",
			"sio_recovery_clients", "sio_recovery_bytes", `sio_namespaces{nsp="/tenant-{id}"`,
		}
		if slices.ContainsFunc(gone, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) && v != 0 {
			t.Errorf("nobody is there any more, and %s is %v", name, v)
		}
	}
	for _, eq := range [][2]string{
		{"sio_sessions_opened_total", "sio_sessions_closed_total"},
		{"sio_sockets_connected_total", "sio_sockets_disconnected_total"},
	} {
		if opened, closed := st.sum(eq[0], ""), st.sum(eq[1], ""); opened != closed {
			t.Errorf("%s is %v, and %s %v", eq[0], opened, eq[1], closed)
		}
	}
	// Each event that was received has been handled, or there was nobody to handle it, or its client had been
	// thrown out.
	handled := st.sum("sio_handler_duration_seconds", `nsp="/"`) + st.sum("sio_handler_errors_total", `"unhandled"`)
	if received := st.sum("sio_received_events_total", `nsp="/"`); handled > received {
		t.Errorf("%v events of / were handled, and %v received", handled, received)
	}
	if refused, errs := st.sum("sio_handler_errors_total", `event="connect"`), st.sum("sio_handler_duration_seconds", `event="connect"`); refused == 0 || refused >= errs {
		t.Errorf("%v of %v connects were refused", refused, errs)
	}
}

// visit is a client's. Nothing of it has to succeed.
func (h *host) visit(r *rand.Rand) {
	url := h.web.URL + "/socket.io/"
	switch r.IntN(6) {
	case 0: // it is refused
		for _, query := range []string{"?EIO=3&transport=polling", "?EIO=4&transport=pigeon", "?EIO=4&transport=polling&sid=nobody"} {
			if res, err := http.Get(url + query); err == nil {
				res.Body.Close()
			}
		}
		return
	case 1: // it opens a session, and is not heard of again
		if res, err := http.Get(url + "?EIO=4&transport=polling"); err == nil {
			res.Body.Close()
		}
		return
	}
	c, err := testclient.Dial(url, testclient.Options{WebSocket: r.IntN(2) == 0, Patience: patience})
	if err != nil {
		h.t.Error(err)
		return
	}
	defer c.Close()
	for _, nsp := range []string{"/", fmt.Sprint("/tenant-", r.IntN(5)), "/tenant-closed", "/nowhere", "/tenant-x", "/tenant-y"} {
		if r.IntN(3) > 0 {
			_ = c.Send("0" + nsp + ",")
		}
	}
	for range r.IntN(10) {
		switch r.IntN(8) {
		case 0:
			_ = c.Upgrade()
		case 1:
			_ = c.Send("nonsense")
		case 2:
			for range 100 { // too many
				_ = c.Emit("/", "echo", 1)
			}
		case 3:
			_ = c.Ask("/", "echo", strings.Repeat("x", r.IntN(200_000))) // perhaps too long
		case 4:
			_ = c.Send("1")
		default:
			_ = c.Ask("/", []string{"echo", "all", "join", "panic", "fail", "unknown"}[r.IntN(6)])
		}
	}
	if r.IntN(2) == 0 {
		_, _ = c.Next()
	}
}

// TestLabelsAreBounded has a client choose names, as many as it likes.
func TestLabelsAreBounded(t *testing.T) {
	h := newHost(t, sio.Options{MaxPacketRate: -1})
	app(h.Server)
	h.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/dyn") }).On("x", func(*sio.Context) error { return nil })
	visit := func(i int) {
		c := h.dial(webSocket, "/")
		name := fmt.Sprint("name", i, "é\u2028\x00\xff")
		for _, nsp := range []string{"/tenant-" + fmt.Sprint(i), "/dyn" + fmt.Sprint(i)} {
			if _, err := c.Connect(nsp, nil); err != nil {
				t.Fatal(err)
			}
			_ = c.Emit(nsp, name)
		}
		_ = c.Emit("/", name)
		_ = c.Send("0/" + fmt.Sprint(i) + ",")
		_ = c.Ask("/", "echo")
		for { // in the meantime all else has been handled, or is refused
			p, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(p, "31") {
				break
			}
		}
		res, err := http.Get(fmt.Sprintf("%s/socket.io/?EIO=%d&transport=t%d&sid=s%d", h.web.URL, i, i, i))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		c.Close()
	}
	visit(0)
	visit(1)
	settled := func() []string {
		h.t.Helper()
		for end := time.Now().Add(patience); h.gather().sum("sio_sessions", "") > 0 || h.gather().sum("sio_handler_queue_events", "") > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("sessions do not end")
			}
		}
		return slices.Sorted(maps.Keys(h.gather()))
	}
	before := settled()
	for i := range 50 {
		visit(2 + i)
	}
	if after := settled(); !slices.Equal(before, after) {
		t.Errorf("there are more series:\n%q\nthan before\n%q", after, before)
	}
	for _, name := range before {
		if strings.Contains(name, "name1") || strings.Contains(name, "tenant-1") || strings.Contains(name, "dyn1") {
			t.Errorf("%s has been chosen by a client", name)
		}
	}
}

// TestReasonsAreBounded has an application end sessions with reasons of its own.
func TestReasonsAreBounded(t *testing.T) {
	h := newHost(t, sio.Options{})
	h.On("end", func(c *sio.Context) error {
		var reason string
		err := c.Bind(&reason)
		c.Socket().Session().Abort(sio.Reason(reason))
		return err
	})
	for _, reason := range []string{"one", "two", string(engineio.ReasonSlowConsumer)} {
		if err := h.dial(webSocket, "/").Emit("/", "end", reason); err != nil {
			t.Fatal(err)
		}
	}
	h.wants(series{
		`sio_sessions_closed_total{reason="other"}`:                      2,
		`sio_sessions_closed_total{reason="slow consumer"}`:              1,
		`sio_sockets_disconnected_total{nsp="/",reason="other"}`:         2,
		`sio_sockets_disconnected_total{nsp="/",reason="slow consumer"}`: 1,
	})
	for name := range h.gather() {
		if strings.Contains(name, `"one"`) {
			t.Errorf("%s has been chosen by the application", name)
		}
	}
}

// TestUpgrades has one attempt end, and another one fail, whose time is not that of an upgrade.
func TestUpgrades(t *testing.T) {
	h := newHost(t, sio.Options{})
	if err := h.dial(testclient.Options{}, "/").Upgrade(); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(h.web.URL + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var open struct{ SID string }
	if _, err := io.CopyN(io.Discard, res.Body, 1); err != nil { // the packet's type
		t.Fatal(err)
	}
	if err := json.NewDecoder(res.Body).Decode(&open); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", h.web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", open.SID)
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Error(err)
	}
	conn.Close()
	h.wants(series{
		`sio_upgrades_total{outcome="done"}`:   1,
		`sio_upgrades_total{outcome="failed"}`: 1,
		`sio_upgrade_duration_seconds`:         1,
	})
}

// TestEventsCalledAsHandlers has events that are called as handlers of connections.
func TestEventsCalledAsHandlers(t *testing.T) {
	h := newHost(t, sio.Options{})
	nop := func(*sio.Context) error { return nil }
	ack := func(c *sio.Context) error { return c.Ack() }
	h.On("upgrade", ack)
	h.On("connected", ack)
	h.OnUpgrade(nop)
	h.OnConnected(nop)
	c := h.dial(testclient.Options{}, "/")
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, event := range []string{"upgrade", "connected"} {
			if err := c.Emit("/", event); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.wants(series{
		`sio_handler_duration_seconds{event="upgrade",nsp="/"}`:    2,
		`sio_handler_duration_seconds{event="connected",nsp="/"}`:  2,
		`sio_handler_duration_seconds{event="*upgrade",nsp="/"}`:   1,
		`sio_handler_duration_seconds{event="*connected",nsp="/"}`: 1,
	})
}

// TestHandledAllocatesNothing is about what runs for each event.
func TestHandledAllocatesNothing(t *testing.T) {
	m := newMetrics(nil)
	for _, h := range []sio.Handled{
		{Route: sio.Route{Namespace: "/", Event: "x"}, Outcome: sio.OutcomeOK, Took: time.Millisecond},
		{Route: sio.Route{Namespace: "/"}, Outcome: sio.OutcomeOK, Took: time.Millisecond},
	} {
		if n := testing.AllocsPerRun(100, func() { m.handled(nil, h) }); n != 0 {
			t.Errorf("%v allocations for %+v", n, h)
		}
	}
}

func TestNewPanics(t *testing.T) {
	mustPanic := func(what string, f func()) {
		t.Helper()
		defer func() {
			t.Helper()
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		f()
	}
	reg := prometheus.NewRegistry()
	o := New(reg, nil)
	for _, buckets := range [][]float64{{5, 1}, {1, 1}, {math.NaN(), 1}} {
		mustPanic(fmt.Sprint(buckets), func() { New(prometheus.NewRegistry(), &Options{HandlerBuckets: buckets}) })
	}
	mustPanic("the same registry", func() { New(reg, nil) })
	two := prometheus.NewRegistry()
	for _, name := range []string{"a", "b"} {
		New(prometheus.WrapRegistererWith(prometheus.Labels{"server": name}, two), nil)
	}
	if _, err := two.Gather(); err != nil {
		t.Error(err)
	}
	sio.New(&sio.Options{Observers: []*sio.Observer{o}})
	mustPanic("another server", func() { sio.New(&sio.Options{Observers: []*sio.Observer{o}}) })
}

func BenchmarkHandled(b *testing.B) {
	m := newMetrics(nil)
	h := sio.Handled{Route: sio.Route{Namespace: "/", Event: "x"}, Outcome: sio.OutcomeOK, Took: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.handled(nil, h)
	}
}
