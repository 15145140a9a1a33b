package main

import (
	"strings"

	"github.com/siokit/sio/bench/internal/record"
)

// A measure is a row of the table.
type measure struct {
	key   string // of run.Values
	title string
	unit  record.Unit

	compared bool // with the reference, the floor, and the best
}

// better says whether more is.
func (m measure) better(a, b float64) bool {
	if m.unit == record.PerCPU {
		return a > b
	}
	return a < b
}

// rivals says that sio is to be the best in a row: what is a part of another is none.
func (m measure) rivals() bool {
	return (m.compared || m.key == "memory.base") && !strings.HasSuffix(m.key, ".heap") && !strings.HasSuffix(m.key, ".stack")
}

func measures() []measure {
	return []measure{
		{"connect.1k", "WebSocket connects, the first 1,000", record.PerCPU, true},
		{"connect.10k", "WebSocket connects, 1,000 to 10,000", record.PerCPU, true},
		{"connect.beside", "WebSocket connects, 500 at a time", record.PerCPU, true},
		{"connect.10k.reached", "connected, of 10,000", record.Count, false},
		{"memory.base", "resident, nobody connected", record.Bytes, false},
		{"memory.1k.lies", "resident per idle client, 1,000, as it lies", record.Bytes, true},
		{"memory.1k.held", "resident per idle client, 1,000, garbage collected", record.Bytes, true},
		{"memory.1k.heap", "of it live heap", record.Bytes, true},
		{"memory.1k.stack", "of it stacks", record.Bytes, true},
		{"memory.10k.lies", "resident per idle client, 10,000, as it lies after the load on 1,000", record.Bytes, true},
		{"memory.10k.held", "resident per idle client, 10,000, garbage collected", record.Bytes, true},
		{"memory.10k.heap", "of it live heap", record.Bytes, true},
		{"memory.10k.stack", "of it stacks", record.Bytes, true},
		{"echo.50", "echo with ack, 50 clients, round trips", record.PerCPU, true},
		{"text.50", "echo of 16 bytes with ack, 50 clients, round trips", record.PerCPU, true},
		{"echo.1k", "echo with ack, 1,000 clients, round trips", record.PerCPU, true},
		{"echo.10k", "echo with ack, 10,000 clients, round trips", record.PerCPU, true},
		{"event.1k", "echo by event, 1,000 clients, round trips", record.PerCPU, true},
		{"binary.1k", "echo of 1 KiB binary with ack, 1,000 clients, round trips", record.PerCPU, true},
		{"large.50", "echo of 64,000 bytes with ack, 50 clients, round trips", record.PerCPU, true},
		{"broadcast.1k", "broadcast to 1,000, single, deliveries", record.PerCPU, true},
		{"burst.1k", "broadcast to 1,000, bursts of ten, deliveries", record.PerCPU, true},
		{"large.all", "broadcast of 64,000 bytes to 1,000, deliveries", record.PerCPU, true},
		{"broadcast.10k", "broadcast to 10,000, single, deliveries", record.PerCPU, true},
		{"burst.10k", "broadcast to 10,000, bursts of ten, deliveries", record.PerCPU, true},
		{"latency.50.p50", "echo at 2,000/s, 50 clients, p50", record.Seconds, true},
		{"latency.50.p99", "echo at 2,000/s, 50 clients, p99", record.Seconds, true},
		{"latency.1k.p50", "echo at 2,000/s, 1,000 clients, p50", record.Seconds, true},
		{"latency.1k.p99", "echo at 2,000/s, 1,000 clients, p99", record.Seconds, true},
		{"latency.10k.p50", "echo at 2,000/s, 10,000 clients, p50", record.Seconds, true},
		{"latency.10k.p99", "echo at 2,000/s, 10,000 clients, p99", record.Seconds, true},
		{"memory.left", "resident more than at first, after all 10,000 have left", record.Bytes, false},
		{"polling.50", "long-polling, 50 clients, a message each way", record.PerCPU, true},
		{"listen.100", "broadcast to 100 by long-polling, deliveries", record.PerCPU, true},
		{"memory.polling", "resident per idle client by long-polling, a poll pending, 1,000, garbage collected", record.Bytes, true},
		{"churn", "connect by polling, upgrade, one echo, leave", record.PerCPU, true},
		{"churn.failed", "of these failed", record.Count, false},
		{"arrivals", "connect by WebSocket, one echo, leave", record.PerCPU, true},
		{"msgpack.echo", "MessagePack: echo with ack, 1,000 clients, round trips", record.PerCPU, true},
		{"msgpack.binary", "MessagePack: echo of 1 KiB binary with ack, 1,000 clients, round trips", record.PerCPU, true},
		{"msgpack.broadcast", "MessagePack: broadcast to 1,000, single, deliveries", record.PerCPU, true},
		{"deflate.echo", "compressed: echo of 4 KiB with ack, 50 clients, round trips", record.PerCPU, true},
		{"deflate.broadcast", "compressed: broadcast of 4 KiB to 1,000, deliveries", record.PerCPU, true},
		{"stall.without.p99", "paced broadcast of 60 KiB to 100, p99", record.Seconds, true},
		{"stall.with.p99", "the same with one more client that does not read, p99", record.Seconds, true},
		{"stall.without.grown", "resident at most more meanwhile, without it", record.Bytes, false},
		{"stall.with.grown", "resident at most more meanwhile, with it", record.Bytes, false},
		{"stall.with.held", "resident more 12 s after it came, garbage collected", record.Bytes, false},
		{"stall.kept", "received by the stalled client in the end", record.Bytes, false},
		{"stall.closed", "the stalled client was closed", record.Count, false},
	}
}

func measureOf(key string) (measure, bool) {
	for _, m := range measures() {
		if m.key == key {
			return m, true
		}
	}
	return measure{}, false
}
