package sioprometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/testclient"
)

// patience bounds every wait. A test that passes never waits that long.
const patience = 30 * time.Second

// A host is a server with metrics, at /metrics.
type host struct {
	*sio.Server
	t   *testing.T
	reg *prometheus.Registry
	web *httptest.Server
}

func newHost(t *testing.T, opts sio.Options) *host {
	t.Helper()
	h := &host{t: t, reg: prometheus.NewRegistry()}
	h.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c, err := cluster.New(t.Context(), memory.NewHub().Engine(), wire.Sharded("", wire.Dynamic), nil)
	if err != nil {
		t.Fatal(err)
	}
	nop := zerolog.Nop()
	opts.Logger, opts.Cluster = &nop, c
	opts.Observers = []*sio.Observer{New(h.reg, &Options{Cluster: c})}
	h.Server = sio.New(&opts)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", h)
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.reg, promhttp.HandlerOpts{Registry: h.reg}))
	h.web = httptest.NewServer(mux)
	t.Cleanup(func() {
		h.shut()
		h.web.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *host) shut() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		h.t.Errorf("Shutdown: %v", err)
	}
}

func (h *host) dial(o testclient.Options, nsps ...string) *testclient.Client {
	h.t.Helper()
	c, err := testclient.Dial(h.web.URL+"/socket.io/", o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	for _, nsp := range nsps {
		if _, err := c.Connect(nsp, nil); err != nil {
			h.t.Fatal(err)
		}
	}
	return c
}

var webSocket = testclient.Options{WebSocket: true}

// series are the values of all series, by what they are called: name{label="value"}. Of a
// histogram it is the count.
type series map[string]float64

func (h *host) gather() series {
	h.t.Helper()
	families, err := h.reg.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	all := make(series)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			all[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// sum adds up all series of a name whose labels have a text in them.
func (s series) sum(name, with string) (sum float64) {
	for key, v := range s {
		base, labels, _ := strings.Cut(key, "{")
		if base == name && strings.Contains(labels, with) {
			sum += v
		}
	}
	return sum
}

// wants waits until series have values: some happen just after what a client sees.
func (h *host) wants(want series) {
	h.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		var wrong []string
		got := h.gather()
		for name, v := range want {
			if got[name] != v {
				wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", name, got[name], v))
			}
		}
		if wrong == nil {
			return
		}
		if time.Now().After(end) {
			h.t.Fatal(strings.Join(wrong, "\n"))
		}
	}
}
