package siootel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// Each figure of a server and its cluster, which all differ, comes out where it should.
func TestFigures(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(scope)
	observeServer(meter, nil, func() (bool, sio.Stats) {
		return true, sio.Stats{
			Engine: engineio.Stats{
				Polling:   engineio.TransportStats{Sessions: 2, In: engineio.Flow{Packets: 3, Bytes: 4}, Out: engineio.Flow{Packets: 5, Bytes: 6}},
				WebSocket: engineio.TransportStats{Sessions: 7, In: engineio.Flow{Packets: 8, Bytes: 9}, Out: engineio.Flow{Packets: 10, Bytes: 11}},
				Closing:   12, Paused: 13, Slow: 14, QueuedPackets: 15, QueuedBytes: 16, OutgoingBytes: 17, IncomingBytes: 18, Dropped: 19,
			},
			Namespaces: []socketio.NamespaceStats{{
				Name: "/n", Namespaces: 20, Sockets: 21, Rooms: 22, Away: 23, KeptBytes: 24,
				In: socketio.Flow{Events: 25, Acks: 26}, Out: socketio.Flow{Events: 27, Acks: 28},
			}},
			Waiting: 29, WaitingBytes: 30,
		}
	})
	observeCluster(meter, nil, func() (int, cluster.Stats) {
		return 31, cluster.Stats{
			Published: 32, Received: 33, Malformed: 34, Overload: 35, Missed: 36, Lost: 37, Outages: 38, Relayed: 39, Answered: 40, Unrelayed: 41,
			Lag: 42 * time.Second, Silence: 43 * time.Second,
		}
	})
	want := map[string]float64{
		"sio.server.ready": 1,
		"sio.server.active_sessions sio.transport=polling":                         2,
		"sio.server.packets network.io.direction=receive sio.transport=polling":    3,
		"sio.server.io network.io.direction=receive sio.transport=polling":         4,
		"sio.server.packets network.io.direction=transmit sio.transport=polling":   5,
		"sio.server.io network.io.direction=transmit sio.transport=polling":        6,
		"sio.server.active_sessions sio.transport=websocket":                       7,
		"sio.server.packets network.io.direction=receive sio.transport=websocket":  8,
		"sio.server.io network.io.direction=receive sio.transport=websocket":       9,
		"sio.server.packets network.io.direction=transmit sio.transport=websocket": 10,
		"sio.server.io network.io.direction=transmit sio.transport=websocket":      11,
		"sio.server.closing_sessions":                                              12,
		"sio.server.paused_sessions":                                               13,
		"sio.server.slow_sessions":                                                 14,
		"sio.server.send_queue.packets":                                            15,
		"sio.server.send_queue.size":                                               16,
		"sio.server.memory.usage network.io.direction=transmit":                    17,
		"sio.server.memory.usage network.io.direction=receive":                     18,
		"sio.server.dropped_packets":                                               19,
		"sio.server.active_namespaces sio.namespace=/n":                            20,
		"sio.server.active_sockets sio.namespace=/n":                               21,
		"sio.server.active_rooms sio.namespace=/n":                                 22,
		"sio.server.recovery.clients sio.namespace=/n":                             23,
		"sio.server.recovery.size sio.namespace=/n":                                24,
		"messaging.client.consumed.messages messaging.destination.name=/n messaging.operation.name=process messaging.system=socket.io": 25,
		"sio.server.acks network.io.direction=receive sio.namespace=/n":                                                                26,
		"messaging.client.sent.messages messaging.destination.name=/n messaging.operation.name=emit messaging.system=socket.io":        27,
		"sio.server.acks network.io.direction=transmit sio.namespace=/n":                                                               28,
		"sio.server.handler_queue.events":                            29,
		"sio.server.handler_queue.size":                              30,
		"sio.cluster.available":                                      1,
		"sio.cluster.members":                                        31,
		"sio.cluster.published_messages":                             32,
		"sio.cluster.received_messages":                              33,
		"sio.cluster.lost_messages sio.cluster.loss=malformed":       34,
		"sio.cluster.lost_messages sio.cluster.loss=overload":        35,
		"sio.cluster.lost_messages sio.cluster.loss=missed":          36,
		"sio.cluster.lost_messages sio.cluster.loss=sent":            37,
		"sio.cluster.outages":                                        38,
		"sio.cluster.relayed_requests network.io.direction=transmit": 39,
		"sio.cluster.relayed_requests network.io.direction=receive":  40,
		"sio.cluster.failed_requests":                                41,
		"sio.cluster.lag":                                            42,
		"sio.cluster.silence":                                        43,
	}
	got := figures(t, reader)
	for name, v := range got {
		if w, ok := want[name]; !ok || v != w {
			t.Errorf("%s is %v, want %v", name, v, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d figures, want %d", len(got), len(want))
	}
}

// figures reads what there is, by name and attributes.
func figures(t *testing.T, reader sdkmetric.Reader) map[string]float64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, m := range rm.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				all[named(m.Name, p)] = float64(p.Value)
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				all[named(m.Name, p)] = p.Value
			}
		default:
			t.Errorf("%s is a %T", m.Name, data)
		}
	}
	return all
}

func named[N int64 | float64](name string, p metricdata.DataPoint[N]) string {
	var b strings.Builder
	b.WriteString(name)
	for _, kv := range p.Attributes.ToSlice() {
		fmt.Fprintf(&b, " %s=%s", kv.Key, kv.Value.Emit())
	}
	return b.String()
}
