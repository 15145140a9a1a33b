// Command tls measures what TLS costs that the server itself ends: memory of a client that is
// idle, and CPU time of a connect, of one that resumes its TLS session, and of an echo with an
// ack, over TLS and without, of sio and of the reference. Clients are in a process of their
// own; what they take is not counted. It writes tls.md, or with -tags portable, where each
// connection has a goroutine, tls-portable.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/choice"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
)

func main() {
	if actRole() {
		return
	}
	program.Main("tls", run)
}

// A target is a server that is measured.
type target struct {
	name  string
	dir   string
	build []string // in dir; nil: nothing
	run   []string
	env   []string
}

func targets() ([]target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []target{
		{name: "sio", run: []string{self}, env: []string{roleVar + "=server"}},
		{name: "socket.io", dir: "servers/reference", build: []string{"npm", "ci", "--no-audit", "--no-fund"},
			run: []string{"node", "--expose-gc", "../../tls/reference.mjs"}},
	}, nil
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 3, "repetitions, of which the medians count")
	only := flag.String("targets", "", "comma-separated `servers`, instead of all")
	out := flag.String("out", "", "`folder` for "+resultName+"; none is written by default")
	p := plan{clients: 1000, talkers: 50, rest: 3 * time.Second, echo: 3 * time.Second}
	flag.IntVar(&p.clients, "clients", p.clients, "`number` of clients that are idle")
	flag.Parse()

	all, err := targets()
	if err != nil {
		return err
	}
	if all, err = choice.Of("targets", *only, all, func(t target) string { return t.name }); err != nil {
		return err
	}
	for _, t := range all {
		if t.build == nil {
			continue
		}
		if err := process.Build(ctx, t.name, t.dir, [][]string{t.build}, os.Stderr); err != nil {
			return err
		}
	}
	results := make(map[string][]*measured)
	for range *rounds {
		for _, t := range all {
			for _, secure := range []bool{true, false} {
				m, err := measure(ctx, t, secure, p)
				if err != nil {
					return fmt.Errorf("%s: %w", t.title(secure), err)
				}
				fmt.Fprintf(os.Stderr, "%s: %+v\n", t.title(secure), *m)
				results[t.title(secure)] = append(results[t.title(secure)], m)
			}
		}
	}
	text := markdown(all, results, p, *rounds)
	fmt.Print(text)
	return record.Write(*out, resultName, text)
}

func (t target) title(secure bool) string {
	if secure {
		return t.name + ", TLS"
	}
	return t.name + ", without"
}

func markdown(all []target, results map[string][]*measured, p plan, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s; medians of %d rounds.\n\n", title, record.Circumstances("tls"), rounds)
	fmt.Fprintf(&b, "WebSocket with CONNECT; TLS 1.3, ECDSA on P-256, AES-128-GCM. Memory is resident and not of files, of each of %d clients that have said nothing for %v; CPU time is the server's, an echo of a small object with an ack to %d clients.\n\n",
		p.clients, p.rest, p.talkers)
	b.WriteString("| | memory of each, as it lies | garbage collected | of it live heap | stacks | connect | connect, TLS resumed | echo |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, t := range all {
		for _, secure := range []bool{true, false} {
			of := func(f func(*measured) float64) float64 {
				var s []float64
				for _, m := range results[t.title(secure)] {
					s = append(s, f(m))
				}
				return record.Sorted(s).Median()
			}
			fmt.Fprintf(&b, "| %s | %.1f KiB | **%.1f KiB** | %.1f KiB | %.1f KiB | %.0f µs | %.0f µs | %.1f µs |\n", t.title(secure),
				of(func(m *measured) float64 { return m.Lies })/1024, of(func(m *measured) float64 { return m.Collected })/1024,
				of(func(m *measured) float64 { return m.Heap })/1024, of(func(m *measured) float64 { return m.Stack })/1024,
				of(func(m *measured) float64 { return m.Connect }), of(func(m *measured) float64 { return m.Again }), of(func(m *measured) float64 { return m.Echo }))
		}
	}
	return b.String()
}
