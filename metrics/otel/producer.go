package siootel

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/siokit/sio"
)

// A Producer keeps messaging.process.duration by itself, for servers that handle many events:
// to record a value with OpenTelemetry's own histograms takes most of a microsecond, and with
// a Producer a tenth of that. It is given to the readers of the metrics, and to observers:
//
//	handlers := siootel.NewProducer()
//	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(handlers))
//	…
//	siootel.NewObserver(&siootel.ObserverOptions{Producer: handlers})
//
// Views of the provider do not change it. It has no exemplars, least and greatest values, and
// is cumulative, whatever temporality the exporter prefers. It keeps the figures of its observers. Its methods may be called from any goroutine.
type Producer struct {
	mu      sync.Mutex
	sources []*metrics
}

// NewProducer returns a Producer.
func NewProducer() *Producer { return new(Producer) }

func (p *Producer) add(m *metrics) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources = append(p.sources, m)
}

// Produce implements the Producer of go.opentelemetry.io/otel/sdk/metric.
func (p *Producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	p.mu.Lock()
	sources := slices.Clone(p.sources)
	p.mu.Unlock()
	var points []metricdata.HistogramDataPoint[float64]
	for _, m := range sources {
		for k, l := range *m.calls.Load() {
			if k.outcome != sio.OutcomeNoOne {
				points = append(points, l.times.point(l.set, m.born))
			}
		}
	}
	if points == nil {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{
		Scope: instrumentation.Scope{Name: scope, SchemaURL: semconv.SchemaURL},
		Metrics: []metricdata.Metrics{{
			Name: handlerTimeName, Description: handlerTimeDescription, Unit: "s",
			Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
		}},
	}}, nil
}

// times is a histogram.
type times struct {
	sum     atomic.Int64 // nanoseconds
	buckets [len(handlerBounds) + 1]atomic.Uint64
}

func (t *times) add(took time.Duration) {
	i, seconds := 0, took.Seconds()
	for i < len(handlerBounds) && seconds > handlerBounds[i] {
		i++
	}
	t.buckets[i].Add(1)
	t.sum.Add(int64(took))
}

func (t *times) point(set attribute.Set, since time.Time) metricdata.HistogramDataPoint[float64] {
	p := metricdata.HistogramDataPoint[float64]{
		Attributes: set, StartTime: since, Time: time.Now(),
		Bounds: handlerBounds[:], BucketCounts: make([]uint64, len(t.buckets)),
		Sum: time.Duration(t.sum.Load()).Seconds(),
	}
	for i := range t.buckets {
		p.BucketCounts[i] = t.buckets[i].Load()
		p.Count += p.BucketCounts[i]
	}
	return p
}
