package main

import (
	"runtime"
	"syscall"
	"time"
)

// What is measured of an operation.
const (
	cpu       = "cpu"    // ns of CPU time, user and system, all threads
	allocs    = "allocs" // allocations
	allocated = "bytes"  // bytes allocated
	live      = "live"   // bytes kept, heap and stacks
)

var quantities = []string{cpu, allocs, allocated, live}

// A sample is what one operation took, on average, in one process.
type sample struct {
	Op       string
	Quantity string
	Value    float64
}

// A meter measures the process that it is in.
type meter struct{ samples []sample }

func (m *meter) add(op, quantity string, v float64) {
	m.samples = append(m.samples, sample{op, quantity, v})
}

// A tally adds up what some stretches of a program take.
type tally struct {
	cpu                      time.Duration
	mallocs, bytes           uint64
	startCPU                 time.Duration
	startMallocs, startBytes uint64
}

// start begins a stretch. What the tally itself costs is outside.
func (t *tally) start() {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	t.startMallocs, t.startBytes = s.Mallocs, s.TotalAlloc
	t.startCPU = cpuTime()
}

func (t *tally) stop() {
	t.cpu += cpuTime() - t.startCPU
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	t.mallocs += s.Mallocs - t.startMallocs
	t.bytes += s.TotalAlloc - t.startBytes
}

// done records the tally as that of n operations.
func (m *meter) done(op string, t *tally, n int) {
	m.add(op, cpu, float64(t.cpu)/float64(n))
	m.add(op, allocs, float64(t.mallocs)/float64(n))
	m.add(op, allocated, float64(t.bytes)/float64(n))
}

// measure records what f takes, which does n operations.
func (m *meter) measure(op string, n int, f func() error) error {
	runtime.GC()
	var t tally
	t.start()
	err := f()
	t.stop()
	m.done(op, &t, n)
	return err
}

// cpuTime is what the process has used, by all its threads.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A weight is what is held of use.
type weight struct{ heap, stacks float64 }

// weigh collects garbage twice: the second time empties the pools.
func weigh() weight {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return weight{float64(s.HeapAlloc), float64(s.StackInuse)}
}

// gained records what each of n things has added to the heap since before.
func (m *meter) gained(thing string, before weight, n int) weight {
	now := weigh()
	m.add(thing, live, (now.heap-before.heap)/float64(n))
	return now
}
