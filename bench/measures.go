package main

import (
	"fmt"
	"strconv"
)

// A measure is a row of the table.
type measure struct {
	key   string // of run.Values
	title string
	unit  unit

	compared bool // with the reference and the floor
}

type unit int

const (
	perCPU  unit = iota // per CPU second of the server: the more, the better
	bytes               // the fewer, the better
	seconds             // likewise
	count
)

func measures() []measure {
	return []measure{
		{"connect.1k", "WebSocket connects, the first 1,000", perCPU, true},
		{"connect.10k", "WebSocket connects, 1,000 to 10,000", perCPU, true},
		{"connect.10k.reached", "connected, of 10,000", count, false},
		{"memory.base", "resident, nobody connected", bytes, false},
		{"memory.1k.lies", "resident per idle client, 1,000, as it lies", bytes, true},
		{"memory.1k.held", "resident per idle client, 1,000, garbage collected", bytes, true},
		{"memory.1k.heap", "of it live heap", bytes, true},
		{"memory.1k.stack", "of it stacks", bytes, true},
		{"memory.10k.lies", "resident per idle client, 10,000, as it lies after the load on 1,000", bytes, true},
		{"memory.10k.held", "resident per idle client, 10,000, garbage collected", bytes, true},
		{"memory.10k.heap", "of it live heap", bytes, true},
		{"memory.10k.stack", "of it stacks", bytes, true},
		{"echo.50", "echo with ack, 50 clients, round trips", perCPU, true},
		{"echo.1k", "echo with ack, 1,000 clients, round trips", perCPU, true},
		{"echo.10k", "echo with ack, 10,000 clients, round trips", perCPU, true},
		{"event.1k", "echo by event, 1,000 clients, round trips", perCPU, true},
		{"binary.1k", "echo of 1 KiB binary with ack, 1,000 clients, round trips", perCPU, true},
		{"broadcast.1k", "broadcast to 1,000, single, deliveries", perCPU, true},
		{"burst.1k", "broadcast to 1,000, bursts of ten, deliveries", perCPU, true},
		{"broadcast.10k", "broadcast to 10,000, single, deliveries", perCPU, true},
		{"burst.10k", "broadcast to 10,000, bursts of ten, deliveries", perCPU, true},
		{"latency.50.p50", "echo at 2,000/s, 50 clients, p50", seconds, true},
		{"latency.50.p99", "echo at 2,000/s, 50 clients, p99", seconds, true},
		{"latency.1k.p50", "echo at 2,000/s, 1,000 clients, p50", seconds, true},
		{"latency.1k.p99", "echo at 2,000/s, 1,000 clients, p99", seconds, true},
		{"latency.10k.p50", "echo at 2,000/s, 10,000 clients, p50", seconds, true},
		{"latency.10k.p99", "echo at 2,000/s, 10,000 clients, p99", seconds, true},
		{"memory.left", "resident more than at first, after all 10,000 have left", bytes, false},
		{"polling.50", "long-polling, 50 clients, a message each way", perCPU, true},
		{"churn", "connect by polling, upgrade, one echo, leave", perCPU, true},
		{"churn.failed", "of these failed", count, false},
		{"stall.without.p99", "paced broadcast of 60 KiB to 100, p99", seconds, true},
		{"stall.with.p99", "the same with one more client that does not read, p99", seconds, true},
		{"stall.without.grown", "resident at most more meanwhile, without it", bytes, false},
		{"stall.with.grown", "resident at most more meanwhile, with it", bytes, false},
		{"stall.with.held", "resident more afterwards, garbage collected", bytes, false},
		{"stall.kept", "received by the stalled client in the end", bytes, false},
		{"stall.closed", "the stalled client was closed", count, false},
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

func (m measure) format(v float64) string {
	switch m.unit {
	case perCPU:
		return thousands(v)
	case bytes:
		switch {
		case v >= 1<<20 || v <= -1<<20:
			return fmt.Sprintf("%.1f MiB", v/(1<<20))
		default:
			return fmt.Sprintf("%.2f KiB", v/(1<<10))
		}
	case seconds:
		switch {
		case v >= 1:
			return fmt.Sprintf("%.2f s", v)
		default:
			return fmt.Sprintf("%.3g ms", v*1e3)
		}
	default:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
}

func thousands(v float64) string {
	switch {
	case v >= 100e3:
		return fmt.Sprintf("%.0fk", v/1e3)
	case v >= 1e3:
		return fmt.Sprintf("%.1fk", v/1e3)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
