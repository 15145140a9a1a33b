package adminui_test

import (
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/siotest"
)

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true, ServerID: "one"})
		srv.Of("/tenant-{id}")
		a := siotest.Connect(t, srv)
		siotest.Connect(t, srv, &siotest.Options{Polling: true})
		a.Of("/tenant-7", nil)
		a.Of("/tenant-8", nil)
		p := open(t, srv, nil)
		features(t, p)
		s := bind[stats](t, p.Expect("server_stats"))
		if s.ServerID != "one" || s.Hostname == "" || s.PID == 0 || s.Uptime < 0 || s.ClientsCount != 3 || s.PollingClientsCount != 1 {
			t.Errorf("%+v", s)
		}
		counts := make(map[string]int)
		for _, n := range s.Namespaces {
			counts[n.Name] = n.SocketsCount
		}
		if want := (map[string]int{"/": 2, "/admin": 1, "/tenant-{id}": 2}); len(counts) != 3 || counts["/"] != 2 || counts["/admin"] != 1 || counts["/tenant-{id}"] != 2 {
			t.Errorf("namespaces %v, want %v", counts, want)
		}
		a.Emit("event")
		a.Close()
		sum := make(map[string]int)
		for sum["rawDisconnection transport close"] == 0 || sum["packetsIn "] == 0 {
			for _, e := range bind[stats](t, p.until("server_stats", nil)).AggregatedEvents {
				sum[e.Type+" "+e.SubType] += e.Count
			}
		}
		for _, what := range []string{"packetsIn ", "packetsOut ", "bytesIn ", "bytesOut "} {
			if sum[what] == 0 {
				t.Errorf("no %s in %v", what, sum)
			}
		}
		if sum["rawConnection "] != 0 {
			t.Errorf("%v of connections from before the page", sum)
		}
	})
}
