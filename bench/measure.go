package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
)

// The sizes of the crowd.
const (
	few       = 50
	some      = 1_000
	crowd     = 10_000
	beside    = 500 // who connect, and hang up
	listening = 100 // by long-polling, of whom each gets every message
)

// The sizes of longer messages.
const (
	page  = 4 << 10 // which is compressed where that is asked for
	large = 64_000  // which every server takes
)

// A plan is how long things take.
type plan struct {
	window  load.Window
	latency load.Window
	stall   load.Window
	settle  time.Duration // before memory is looked at
	connect time.Duration // limit for all the crowd
	only    []string      // of kinds(); empty for all
}

const (
	echoRate     = 2_000 // messages a second, which all servers stand
	blastRate    = 50
	blastSize    = 60 << 10 // with blastRate, more than the kernel holds before the window ends
	blastClients = 100
)

func fullPlan() plan {
	return plan{
		window:  load.Window{Warm: 200 * time.Millisecond, Measured: time.Second},
		latency: load.Window{Warm: 200 * time.Millisecond, Measured: 1200 * time.Millisecond},
		stall:   load.Window{Warm: 200 * time.Millisecond, Measured: 3 * time.Second},
		settle:  500 * time.Millisecond,
		connect: 15 * time.Second,
	}
}

func quickPlan() plan {
	p := fullPlan()
	p.window = load.Window{Warm: 100 * time.Millisecond, Measured: 500 * time.Millisecond}
	p.latency = p.window
	p.settle = 200 * time.Millisecond
	return p
}

// A run is all measurements of one server process.
type run struct {
	Target  string                  `json:"target"`
	Round   int                     `json:"round"`
	Values  map[string]float64      `json:"values"`            // by the key of a measure
	Samples map[string]*load.Sample `json:"samples"`           // likewise
	Between load.Sample             `json:"between"`           // what went wrong between measurements
	Error   string                  `json:"error,omitempty"`   // why it ended early
	Seconds float64                 `json:"seconds,omitempty"` // that it took

	plan      plan
	target    target
	server    *process.Server
	crowd     *load.Crowd
	listeners *load.Listeners // of the part that has some
	out       bool            // of turns, since it failed
	log       io.Writer
	base      float64        // resident bytes before any connection
	empty     process.Memory // likewise
}

// measureTarget runs everything on a fresh process. What is wrong with the server is
// in the run; an error is of ctx.
func measureTarget(ctx context.Context, t target, round int, p plan, log io.Writer) (*run, error) {
	r := &run{
		Target:  t.Name,
		Round:   round,
		Values:  make(map[string]float64),
		Samples: make(map[string]*load.Sample),
		plan:    p,
		target:  t,
		log:     log,
	}
	begin := time.Now()
	err := r.all(ctx)
	r.Seconds = time.Since(begin).Seconds()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		r.Error = err.Error()
		fmt.Fprintf(log, "!!! %s: %v\n", t.Name, err)
	}
	return r, nil
}

func (r *run) all(ctx context.Context) error {
	err := r.alone(ctx, part{}, func() error {
		for _, step := range []func(context.Context) error{r.warmUp, r.some, r.crowded, r.afterwards} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range parts() {
		if !r.wants(p.name) || !r.target.has(p) {
			continue
		}
		if err := r.alone(ctx, p, func() error { return r.part(p) }); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// start starts a process for a part, and makes clients for it.
func (r *run) start(ctx context.Context, p part) (err error) {
	var args []string
	if p.arg != "" {
		args = append(args, p.arg)
	}
	if r.server, err = process.Start(ctx, r.target.command(args...)); err != nil {
		return err
	}
	to := load.Server{Addr: r.server.Addr, PID: r.server.PID(), Dialect: r.target.Dialect}
	if p.prepare != nil {
		p.prepare(&to)
	}
	if r.crowd, err = load.NewCrowd(ctx, to); err != nil {
		r.server.Stop()
	}
	return err
}

// stop ends what start has begun.
func (r *run) stop() {
	if r.listeners != nil {
		r.listeners.Close()
		r.listeners = nil
	}
	r.crowd.Close()
	r.Between.Add(r.crowd.Between())
	r.server.Stop()
}

// alone has something done with a fresh process.
func (r *run) alone(ctx context.Context, p part, do func() error) (err error) {
	if err := r.start(ctx, p); err != nil {
		return err
	}
	defer r.stop()
	defer func() {
		if died := r.server.Alive(); died != nil {
			err = died
		}
	}()
	return do()
}

// part measures one, but for the process.
func (r *run) part(p part) (err error) {
	if p.memory != "" && !r.target.skips(p.memory) {
		return r.listening(p)
	}
	if err := r.gather(p); err != nil {
		return err
	}
	return r.steps(p.steps)
}

// gather has the clients of a part come.
func (r *run) gather(p part) (err error) {
	if p.listeners > 0 {
		r.listeners, err = r.crowd.Listen(p.listeners, r.plan.connect)
		return err
	}
	s, err := r.crowd.Connect(p.clients, r.plan.connect)
	if err == nil && r.crowd.Size() == 0 {
		err = fmt.Errorf("nobody could connect: %s", s.Error)
	}
	return err
}

// listening has clients wait for a poll, and looks at what each holds.
func (r *run) listening(p part) error {
	one, err := r.crowd.Listen(1, r.plan.connect) // what is new to the process is not theirs
	if err != nil {
		return err
	}
	one.Close()
	held := func() (float64, error) {
		if err := r.crowd.Idle(r.plan.settle); err != nil {
			return 0, err
		}
		if _, err := r.server.Collect(); err != nil {
			return 0, err
		}
		return r.server.Resident()
	}
	before, err := held()
	if err != nil {
		return err
	}
	if err := r.gather(p); err != nil {
		return err
	}
	after, err := held()
	r.value(p.memory, (after-before)/float64(p.listeners))
	return err
}

func (r *run) wants(kind string) bool {
	return len(r.plan.only) == 0 || slices.Contains(r.plan.only, kind)
}

// warmUp has one client do everything once, and see what is resident then.
func (r *run) warmUp(context.Context) error {
	if _, err := r.crowd.Connect(1, r.plan.connect); err != nil {
		return err
	}
	short := load.Window{Measured: 20 * time.Millisecond}
	if _, err := r.crowd.Echo(load.WithAck, 1, short); err != nil {
		return err
	}
	if _, err := r.crowd.Broadcast(1, short); err != nil {
		return err
	}
	r.crowd.HangUp()
	if err := r.crowd.Idle(r.plan.settle); err != nil {
		return err
	}
	var err error
	if r.empty, err = r.server.Collect(); err != nil {
		return err
	}
	r.base, err = r.server.Resident()
	r.value("memory.base", r.base)
	return err
}

// some measures with a thousand.
func (r *run) some(context.Context) error {
	if r.target.skips("connect.1k") {
		return nil
	}
	if err := r.connect("connect.1k", some); err != nil {
		return err
	}
	if err := r.memory("1k"); err != nil {
		return err
	}
	return r.steps(byThousand())
}

// crowded measures with ten thousand.
func (r *run) crowded(context.Context) error {
	if !r.wants(crowded) || r.target.skips("connect.10k") {
		return nil
	}
	if err := r.connect("connect.10k", crowd); err != nil {
		return err
	}
	if err := r.memory("10k"); err != nil {
		return err
	}
	return r.steps(byCrowd())
}

// afterwards has all leave, and others come.
func (r *run) afterwards(ctx context.Context) error {
	if r.crowd.Size() > 0 {
		if err := r.leave(); err != nil {
			return err
		}
	}
	if err := r.steps(byVisitors()); err != nil {
		return err
	}
	if s := r.Samples["churn"]; s != nil {
		r.value("churn.failed", float64(s.Failures()))
	}
	// One stalled client halts the floor for good, as it may.
	if r.wants(stalled) && r.target.Dialect == load.SocketIO && !r.target.skips("stall") {
		return r.stall(ctx)
	}
	return nil
}

// leave ends all connections at once, and looks at what stays.
func (r *run) leave() error {
	r.crowd.HangUp()
	if err := r.crowd.Idle(r.plan.settle); err != nil {
		return err
	}
	if err := r.crowd.Settle(leaving); err != nil {
		return err
	}
	if _, err := r.server.Collect(); err != nil {
		return err
	}
	left, err := r.server.Resident()
	r.value("memory.left", left-r.base)
	return err
}

// leaving is for servers that take their time to notice that ten thousand have left.
const leaving = 5 * time.Second

func (r *run) steps(all []step) error {
	for _, s := range all {
		if !r.wants(s.kind) || r.target.skips(s.key) || !r.target.polls() && polling(s.key) {
			continue
		}
		if err := r.server.Alive(); err != nil {
			return err
		}
		if err := r.crowd.Settle(settleLimit); err != nil {
			return err
		}
		sample, err := s.do(r)
		if err != nil {
			return fmt.Errorf("%s: %w", s.key, err)
		}
		r.sample(s.key, sample)
	}
	return nil
}

// polling says that a step is about clients that come by long-polling.
func polling(key string) bool { return key == "polling.50" || key == "churn" }

// sample records what has been measured.
func (r *run) sample(key string, s *load.Sample) {
	r.Samples[key] = s
	if s.Latency != nil {
		r.Values[key+".p50"] = s.Latency.P50
		r.Values[key+".p99"] = s.Latency.P99
	} else if s.Ops > 0 && s.ServerCPU > 0 {
		r.Values[key] = s.PerCPU()
	}
	r.report(key, s)
}

func (r *run) value(key string, v float64) {
	r.Values[key] = v
	if m, ok := measureOf(key); ok {
		fmt.Fprintf(r.log, "%d %-16s %-18s %10s\n", r.Round, r.Target, key, m.unit.Format(v))
	}
}

// report tells of a sample while more are made.
func (r *run) report(key string, s *load.Sample) {
	var text string
	if s.Latency != nil {
		text = fmt.Sprintf("p50 %.3f ms, p99 %.3f ms", s.Latency.P50*1e3, s.Latency.P99*1e3)
	} else if s.Ops > 0 {
		text = fmt.Sprintf("%10.0f per CPU-s", s.PerCPU())
	}
	if s.Cut {
		text += ", cut off"
	}
	fmt.Fprintf(r.log, "%d %-16s %-18s %s (%d in %.2f s; server used %.2f s, generator %.2f s)\n",
		r.Round, r.Target, key, text, s.Ops, s.Seconds, s.ServerCPU, s.OwnCPU)
	if s.Failures() > 0 {
		fmt.Fprintf(r.log, "!!! %s %s: %d lost, %d wrong, %d connections closed; first: %s\n",
			r.Target, key, s.Lost, s.Wrong, s.Closed, s.Error)
	}
}

// connect has the crowd grow to n.
func (r *run) connect(key string, n int) error {
	s, err := r.crowd.Connect(n, r.plan.connect)
	if err != nil {
		return err
	}
	r.sample(key, s)
	r.Values[key+".reached"] = float64(r.crowd.Size())
	if r.crowd.Size() == 0 {
		return fmt.Errorf("%s: nobody could connect: %s", key, s.Error)
	}
	return nil
}

// memory looks at what each connection holds, as it lies and after a collection.
// The base is the same for both, since nothing has been collected between it and the
// former.
func (r *run) memory(suffix string) error {
	if err := r.crowd.Idle(r.plan.settle); err != nil {
		return err
	}
	n := float64(r.crowd.Size())
	lies, err := r.server.Resident()
	if err != nil {
		return err
	}
	m, err := r.server.Collect()
	if err != nil {
		return err
	}
	held, err := r.server.Resident()
	if err != nil {
		return err
	}
	r.value("memory."+suffix+".lies", (lies-r.base)/n)
	r.value("memory."+suffix+".held", (held-r.base)/n)
	if m.Heap != nil && r.empty.Heap != nil {
		r.value("memory."+suffix+".heap", (*m.Heap-*r.empty.Heap)/n)
	}
	if m.Stack != nil && r.empty.Stack != nil {
		r.value("memory."+suffix+".stack", (*m.Stack-*r.empty.Stack)/n)
	}
	return nil
}
