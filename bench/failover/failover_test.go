package main

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if actRole() {
		return
	}
	os.Exit(m.Run())
}

// TestKills has servers killed and ended for some seconds: the clients of all of them come
// back, and have missed nothing.
func TestKills(t *testing.T) {
	for _, test := range []struct {
		name string
		plan func(*plan)
	}{
		{"kill -9, by Redis, requests by TCP, behind HAProxy", func(p *plan) { p.balancer, p.relay, p.graceful = "haproxy", "tcp", 0 }},
		{"rolling restart, by Redis, requests by the engine, behind nginx", func(p *plan) { p.balancer, p.graceful = "nginx", 1 }},
		{"both, by Redis, to any server", func(*plan) {}},
		{"kill -9, by NATS, behind HAProxy", func(p *plan) { p.engine, p.files, p.balancer, p.graceful = "nats", true, "haproxy", 0 }},
		{"rolling restart, by NATS, to any server", func(p *plan) { p.engine, p.graceful = "nats", 1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := shortPlan()
			p.dir, p.log, p.verbose = "..", testWriter{t}, true
			p.seed = uint64(time.Now().UnixNano()) % 1_000_000
			p.kills, p.each, p.clients = 6, 3, 45
			test.plan(&p)
			res, err := run(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			for how, who := range []string{"killed", "graceful"} {
				if res.anew[how] > 0 {
					t.Errorf("%d clients of %s servers have begun anew", res.anew[how], who)
				}
			}
		})
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}
