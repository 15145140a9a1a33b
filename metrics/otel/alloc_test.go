//go:build !race

package siootel_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/alloctest"
	siootel "github.com/siokit/sio/metrics/otel"
)

// A span that is not sampled costs an event what the SDK allocates, and a Context.
func TestUnsampledAllocations(t *testing.T) {
	log := newSpanLog(t, sdktrace.WithSampler(sdktrace.NeverSample()))
	h := log.tracer(siootel.TracerOptions{}).Middleware()(func(*sio.Context) error { return nil })
	c := kept(t, nil)
	alloctest.Hold(t, 100, map[string]float64{"event": 4}, func(yield func(string, func()) bool) {
		yield("event", func() { h(c) })
	})
}

// What an observer does for each event allocates nothing.
func TestHandledAllocations(t *testing.T) {
	for _, p := range []*siootel.Producer{nil, siootel.NewProducer()} {
		o := newMeter(t).observer(siootel.ObserverOptions{Producer: p})[0]
		c := kept(t, nil)
		alloctest.Hold(t, 100, map[string]float64{"ok": 0, "refused": 0, "unhandled": 0}, func(yield func(string, func()) bool) {
			for _, outcome := range []sio.Outcome{sio.OutcomeOK, sio.OutcomeRefused, sio.OutcomeNoOne} {
				h := sio.Handled{Route: c.Route(), Outcome: outcome, Took: 1234}
				if !yield(string(outcome), func() { o.Handled(c, h) }) {
					return
				}
			}
		})
	}
}
