package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/record"
)

// A report is what million.md tells.
type report struct {
	plan  plan
	files int
	sizes []*measured
	rate  *measured // nil if it was not measured
}

func newReport(p plan, files int) *report { return &report{plan: p, files: files} }

func (r *report) markdown() string {
	var b strings.Builder
	m := record.ThisMachine()
	fmt.Fprintf(&b, "# A million clients\n\n%s; %s, %d processors, %s of memory, Linux %s; %s; `go run ./million%s` in `bench/`.\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), m.CPU, m.CPUs, m.Memory, m.Kernel, m.Go, strings.Join(append([]string{""}, os.Args[1:]...), " "))
	fmt.Fprintf(&b, "Clients over WebSocket, each in one namespace and one room, that have nothing to say but pongs, every %v. "+
		"A process may have %d files open here, so a server has up to %d clients, and there are as many servers as it takes, on the same processors as the clients. "+
		"Memory is resident and not of files, of all servers, more than with nobody connected; CPU time is that of the servers.\n\n", r.plan.ping, r.files, r.plan.each)
	b.WriteString("| clients | servers | connected in | CPU time of a connect | memory of each, as it lies | garbage collected | of it live heap | stacks | the kernel's, both ends |" +
		" heartbeats, cores | a heartbeat | cores for a million | broadcast to all | CPU time of a delivery | memory after all have left |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, m := range r.sizes {
		n := float64(m.clients)
		fmt.Fprintf(&b, "| %d | %d | %.1f s | %.0f µs | %.0f B | **%.0f B** | %.0f B | %.0f B | %.0f B | %.3f | %.1f µs | **%.2f** | %.2f s | %.1f µs | %.1f MiB a server |\n",
			m.clients, m.servers, m.connect, 1e6*m.connectCPU/n, m.lies/n, m.collected/n, m.heap/n, m.stack/n, m.kernel/n,
			m.idleCPU/m.watched, m.beat(), m.beat()*million/1e6/m.ping.Seconds(), m.broadcast, 1e6*m.broadcastCPU/n, m.left/float64(m.servers)/(1<<20))
	}
	if m := r.rate; m != nil {
		fmt.Fprintf(&b, "\nThe servers of the table have little to do at a time, and wake up for nearly each ping and each pong. One server that a million had would have much: %d clients of one server, pinged every %v, which are %.0f heartbeats a second, as of a million every 25 s, took **%.2f cores**, %.1f µs for each.\n",
			m.clients, m.ping.Round(time.Millisecond), float64(m.pings)/m.watched, m.idleCPU/m.watched, m.beat())
	}
	r.onPaper(&b)
	return b.String()
}

// beat is the CPU time of a heartbeat in µs. It goes by those that were answered: the first
// came while clients connected.
func (m *measured) beat() float64 { return 1e6 * m.idleCPU / float64(max(1, m.pings)) }

// onPaper computes the rest of the way.
func (r *report) onPaper(b *strings.Builder) {
	if len(r.sizes) == 0 {
		return
	}
	slope := func(of func(*measured) float64) float64 {
		xs, ys := make([]float64, len(r.sizes)), make([]float64, len(r.sizes))
		for i, m := range r.sizes {
			xs[i], ys[i] = float64(m.clients), of(m)
		}
		return slopeOf(xs, ys)
	}
	lies := slope(func(m *measured) float64 { return m.lies })
	collected := slope(func(m *measured) float64 { return m.collected })
	kernel := slope(func(m *measured) float64 { return m.kernel })
	connect := slope(func(m *measured) float64 { return m.connectCPU })
	deliver := slope(func(m *measured) float64 { return m.broadcastCPU })
	beats := slope(func(m *measured) float64 { return m.idleCPU / m.watched * m.ping.Seconds() })
	last := r.sizes[len(r.sizes)-1]
	const gib = 1 << 30
	fmt.Fprintf(b, "\nBy the line that fits best, a further client takes %.0f B (%.0f B collected) and %.0f B of the kernel's for both ends, half of it for the server's; %.0f µs of CPU time to connect, %.1f µs for a heartbeat and %.1f µs for its part of a broadcast. "+
		"For a million these are %.1f GiB (%.1f GiB) beside %.0f MiB for each server, %.1f GiB of the kernel's for the server's end, **%.2f cores** for heartbeats every %v, %.0f s of CPU time to connect and %.1f s for a broadcast.\n",
		lies, collected, kernel, 1e6*connect, 1e6*beats, 1e6*deliver,
		lies*million/gib, collected*million/gib, last.base/(1<<20), kernel/2*million/gib, beats*million/r.plan.ping.Seconds(), r.plan.ping, connect*million, deliver*million)
}

// slopeOf is the slope of the line that fits best, through nothing at nothing if there is but
// one point.
func slopeOf(xs, ys []float64) float64 {
	if len(xs) == 1 {
		return ys[0] / xs[0]
	}
	var mx, my, xy, xx float64
	for i := range xs {
		mx += xs[i] / float64(len(xs))
		my += ys[i] / float64(len(ys))
	}
	for i := range xs {
		xy += (xs[i] - mx) * (ys[i] - my)
		xx += (xs[i] - mx) * (xs[i] - mx)
	}
	return xy / xx
}
