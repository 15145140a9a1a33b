package siootel

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// instruments makes instruments, and keeps what is looked up when metrics are read.
type instruments struct {
	meter    metric.Meter
	lookedUp []metric.Observable
}

// What is recorded when it happens.

func (i *instruments) counter(name, unit, description string) metric.Int64Counter {
	c, err := i.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	report(err)
	return c
}

func (i *instruments) seconds(name, description string, bounds ...float64) metric.Float64Histogram {
	h, err := i.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
	report(err)
	return h
}

// What is looked up: counts that only grow, amounts that may be added up, and others.

func (i *instruments) count(name, unit, description string) metric.Int64ObservableCounter {
	c, err := i.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	report(err)
	i.lookedUp = append(i.lookedUp, c)
	return c
}

func (i *instruments) amount(name, unit, description string) metric.Int64ObservableUpDownCounter {
	a, err := i.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	report(err)
	i.lookedUp = append(i.lookedUp, a)
	return a
}

func (i *instruments) gauge(name, unit, description string) metric.Float64ObservableGauge {
	g, err := i.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	report(err)
	i.lookedUp = append(i.lookedUp, g)
	return g
}

// onRead has f called when metrics are read.
func (i *instruments) onRead(f func(metric.Observer)) {
	_, err := i.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		f(o)
		return nil
	}, i.lookedUp...)
	report(err)
}

func report(err error) {
	if err != nil {
		otel.Handle(err)
	}
}
