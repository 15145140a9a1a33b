package sioprometheus

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// collectorFunc is a collector of figures that a test has made.
type collectorFunc func(to chan<- prometheus.Metric)

func (f collectorFunc) Describe(chan<- *prometheus.Desc)    {}
func (f collectorFunc) Collect(to chan<- prometheus.Metric) { f(to) }

// TestFigures has each figure of a server and its cluster differ, and looks where it comes out.
func TestFigures(t *testing.T) {
	server := sio.Stats{
		Engine: engineio.Stats{
			Polling:   engineio.TransportStats{Sessions: 1, In: engineio.Flow{Packets: 2, Bytes: 3}, Out: engineio.Flow{Packets: 4, Bytes: 5}},
			WebSocket: engineio.TransportStats{Sessions: 6, In: engineio.Flow{Packets: 7, Bytes: 8}, Out: engineio.Flow{Packets: 9, Bytes: 10}},
			Closing:   11, Paused: 12, Slow: 13, QueuedPackets: 14, QueuedBytes: 15, OutgoingBytes: 16, IncomingBytes: 17, Dropped: 18,
		},
		Namespaces: []socketio.NamespaceStats{{
			Name: "/n", Namespaces: 19, Sockets: 20, Rooms: 21, Away: 22, KeptBytes: 23,
			In: socketio.Flow{Events: 24, Acks: 25}, Out: socketio.Flow{Events: 26, Acks: 27},
		}},
		Waiting: 28, WaitingBytes: 29,
	}
	part := cluster.Stats{
		Published: 1, Received: 2, Malformed: 3, Overload: 4, Missed: 5, Lost: 6, Outages: 7, Relayed: 8, Answered: 9, Unrelayed: 10,
		Lag: 11 * time.Second, Silence: 12 * time.Second,
	}
	for _, tt := range []struct {
		name    string
		collect collectorFunc
		want    series
	}{
		{"server", func(to chan<- prometheus.Metric) { collectServer(to, true, server) }, series{
			`sio_ready`:                                         1,
			`sio_sessions{transport="polling"}`:                 1,
			`sio_received_packets_total{transport="polling"}`:   2,
			`sio_received_bytes_total{transport="polling"}`:     3,
			`sio_sent_packets_total{transport="polling"}`:       4,
			`sio_sent_bytes_total{transport="polling"}`:         5,
			`sio_sessions{transport="websocket"}`:               6,
			`sio_received_packets_total{transport="websocket"}`: 7,
			`sio_received_bytes_total{transport="websocket"}`:   8,
			`sio_sent_packets_total{transport="websocket"}`:     9,
			`sio_sent_bytes_total{transport="websocket"}`:       10,
			`sio_sessions_closing`:                              11,
			`sio_sessions_paused`:                               12,
			`sio_sessions_slow`:                                 13,
			`sio_send_queue_packets`:                            14,
			`sio_send_queue_bytes`:                              15,
			`sio_held_bytes{direction="out"}`:                   16,
			`sio_held_bytes{direction="in"}`:                    17,
			`sio_dropped_packets_total`:                         18,
			`sio_namespaces{nsp="/n"}`:                          19,
			`sio_sockets{nsp="/n"}`:                             20,
			`sio_rooms{nsp="/n"}`:                               21,
			`sio_recovery_clients{nsp="/n"}`:                    22,
			`sio_recovery_bytes{nsp="/n"}`:                      23,
			`sio_received_events_total{nsp="/n"}`:               24,
			`sio_received_acks_total{nsp="/n"}`:                 25,
			`sio_sent_events_total{nsp="/n"}`:                   26,
			`sio_sent_acks_total{nsp="/n"}`:                     27,
			`sio_handler_queue_events`:                          28,
			`sio_handler_queue_bytes`:                           29,
		}},
		{"cluster", func(to chan<- prometheus.Metric) { collectCluster(to, 13, part) }, series{
			`sio_cluster_up`:                              1,
			`sio_cluster_published_messages_total`:        1,
			`sio_cluster_received_messages_total`:         2,
			`sio_cluster_malformed_messages_total`:        3,
			`sio_cluster_overload_messages_total`:         4,
			`sio_cluster_missed_messages_total`:           5,
			`sio_cluster_lost_messages_total`:             6,
			`sio_cluster_outages_total`:                   7,
			`sio_cluster_requests_total{direction="out"}`: 8,
			`sio_cluster_requests_total{direction="in"}`:  9,
			`sio_cluster_requests_failed_total`:           10,
			`sio_cluster_lag_seconds`:                     11,
			`sio_cluster_silence_seconds`:                 12,
			`sio_cluster_members`:                         13,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &host{t: t, reg: prometheus.NewRegistry()}
			h.reg.MustRegister(tt.collect)
			got := h.gather()
			for name, v := range got {
				if want, ok := tt.want[name]; !ok || v != want {
					t.Errorf("%s is %v, want %v", name, v, want)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("%d series, want %d", len(got), len(tt.want))
			}
		})
	}
	out := &host{t: t, reg: prometheus.NewRegistry()}
	out.reg.MustRegister(collectorFunc(func(to chan<- prometheus.Metric) {
		collectServer(to, false, sio.Stats{})
		collectCluster(to, 0, cluster.Stats{Away: true})
	}))
	got := out.gather()
	for _, name := range []string{"sio_ready", "sio_cluster_up"} {
		if v, ok := got[name]; !ok || v != 0 {
			t.Errorf("a server that is not ready, without its engine: %s is %v", name, v)
		}
	}
}
