package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// What a flood may do to the guests. Below the floor, it is the kernel and Go's
// scheduler that are measured.
const (
	mostRatio = 2
	floor     = 2e-3 // seconds beyond what the sink does
)

var transports = [2]string{"WebSocket", "polling"}

func (r *result) ratio(i int) float64 { return r.server.p99[i] / r.sink.p99[i] }

// problem says what is too bad, if anything is.
func (r *result) problem() string { return r.beyond(mostRatio, floor) }

// beyond is problem with bounds for the waiting times: a ratio, and seconds more.
func (r *result) beyond(ratio, more float64) string {
	var all []string
	if n := r.server.lost + r.sink.lost; n > 0 {
		all = append(all, fmt.Sprintf("%d guests lost (%s)", n, r.server.err+r.sink.err))
	}
	for i, transport := range transports {
		if !r.flood.kind.work && r.ratio(i) > ratio && r.server.p99[i]-r.sink.p99[i] > more {
			all = append(all, fmt.Sprintf("%s waits %.1f ms rather than %.1f", transport, r.server.p99[i]*1e3, r.sink.p99[i]*1e3))
		}
	}
	if most := r.memory(); r.grown > most {
		all = append(all, fmt.Sprintf("%d MiB more, %d were enough", r.grown>>20, most>>20))
	}
	return strings.Join(all, "; ")
}

// memory is the bound of growth, in bytes.
func (r *result) memory() int64 {
	if r.flood.kind.memory > 0 {
		return r.flood.kind.memory << 20
	}
	return enough << 20
}

func (r *result) String() string {
	return fmt.Sprintf("%s: %.2f/%.2f ms, %.2f/%.2f ms, %.2f cores, %d MiB, %s", r.flood,
		r.server.p99[0]*1e3, r.sink.p99[0]*1e3, r.server.p99[1]*1e3, r.sink.p99[1]*1e3, r.server.cpu, r.grown>>20, r.verdict())
}

func (r *result) verdict() string {
	p := r.problem()
	if p == "" {
		p = "ok"
	}
	if r.tries > 1 {
		p = fmt.Sprintf("%s (try %d)", p, r.tries)
	}
	return p
}

// report is a table of all.
func report(all []*result, r *runner, took time.Duration) string {
	var b strings.Builder
	failed := 0
	for _, res := range all {
		if res.problem() != "" {
			failed++
		}
	}
	recovery := "off"
	if r.recovery {
		recovery = "on"
	}
	fmt.Fprintf(&b, `# Floods

%d honest clients over WebSocket and %d by polling have something echoed every %v, while
strangers flood the server, or a process that only reads the same bytes: %d turns of %v each,
medians. The server reads by %s, recovery is %s. Measured in %v on %d cores, Go %s.

A flood passes if no honest client is lost, if the 99th percentile of what they wait is at most
%d times what it is beside the sink (or %.0f ms more, which is noise on a machine that all
processes share), and if memory stays within its bound. Beyond what is possible, somebody has to wait, and
the times are only told. **%d of %d pass.**

| flood | connections | MB/s, server / sink | WebSocket p50 | p99 | × | polling p50 | p99 | × | lost | cores | MiB more | closed /s | |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
`, guestsEach, guestsEach, interval, r.pairs, r.turn, reading, recovery, took.Round(time.Second), runtime.NumCPU(),
		strings.TrimPrefix(runtime.Version(), "go"), mostRatio, floor*1e3, len(all)-failed, len(all))
	for _, res := range all {
		rate := func(n int64) float64 { return float64(n) / (res.seconds + warm.Seconds()) }
		fmt.Fprintf(&b, "| %s | %d | %.1f / %.1f |", res.flood.kind.name, res.flood.size().conns, rate(res.server.done.Bytes)/1e6, rate(res.sink.done.Bytes)/1e6)
		for i := range transports {
			fmt.Fprintf(&b, " %.2f / %.2f | %.2f / %.2f | %.1f |", res.server.p50[i]*1e3, res.sink.p50[i]*1e3,
				res.server.p99[i]*1e3, res.sink.p99[i]*1e3, res.ratio(i))
		}
		fmt.Fprintf(&b, " %d | %.2f | %d | %.0f | %s |\n", res.server.lost+res.sink.lost, res.server.cpu, res.grown>>20, rate(res.server.done.Closed), res.verdict())
	}
	b.WriteString("\nTimes are in ms, beside the flooded server / beside the sink.\n")
	return b.String()
}
