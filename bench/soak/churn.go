package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/siokit/sio/bench/internal/load"
)

// A leftover is what a server holds when all who came have left.
type leftover struct {
	visits, failed int
	first          error // why they failed
	before, after  state
	took           time.Duration
}

const (
	// acquainted is how many come before the server is looked at first, where all
	// that has a bound is to be full then: three in eight do the handshake by polling,
	// of which a server remembers 10,000, and tables keep the size of the largest crowd.
	acquainted = 40_000
	// gonePatience is for clients that left without a word, and their recovery.
	gonePatience = 30 * time.Second
	// look is how long nothing may change until nothing will.
	look = 500 * time.Millisecond
	// spare is how many goroutines and descriptors the runtime and net/http may
	// just be using.
	spare = 8
	// spareHeap is for pools, and for a crowd that is a little larger than those before.
	// Six bytes of each of a hundred thousand would be more.
	spareHeap = 5 << 17
)

// churn lets n clients come and go, behind others that are not counted.
func churn(ctx context.Context, before, n int) (l leftover, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server, addr, err := start(ctx, "server", hastyVar+"=1")
	if err != nil {
		return l, err
	}
	defer server.stop()
	at, err := addresses(addr)
	if err != nil {
		return l, err
	}
	target := load.Server{Addr: at[0], PID: server.pid()}
	begin := time.Now()
	l.visits = n
	if l.failed, l.first = load.Visits(ctx, target, before); l.failed > 0 {
		return l, nil
	}
	if l.before, err = deserted(server); err != nil {
		return l, err
	}
	l.failed, l.first = load.Visits(ctx, target, n)
	l.after, err = deserted(server)
	l.took = time.Since(begin)
	return l, err
}

// deserted waits until nobody is connected, and what they had has gone.
func deserted(server *role) (s state, err error) {
	for deadline := time.Now().Add(gonePatience); time.Now().Before(deadline); time.Sleep(look) {
		before := s
		line, err := server.tell("state")
		if err != nil {
			return s, err
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			return s, err
		}
		if s.Connections == 0 && s.Goroutines == before.Goroutines && s.Descriptors == before.Descriptors && s.Heap >= before.Heap {
			return s, nil
		}
	}
	return s, nil // it tells
}

func (l leftover) String() string {
	return fmt.Sprintf("%d came and left in %v, %d of them in vain: from %+v to %+v", l.visits, l.took.Round(time.Second), l.failed, l.before, l.after)
}

func (l leftover) problem() error {
	var errs []error
	if l.failed > 0 {
		errs = append(errs, fmt.Errorf("%d were not served: %w", l.failed, l.first))
	}
	if l.after.Connections > 0 {
		errs = append(errs, fmt.Errorf("%d are still there", l.after.Connections))
	}
	if n := l.after.Goroutines - l.before.Goroutines; n > spare {
		errs = append(errs, fmt.Errorf("%d goroutines more", n))
	}
	if n := l.after.Descriptors - l.before.Descriptors; n > spare {
		errs = append(errs, fmt.Errorf("%d descriptors more", n))
	}
	if n := l.after.Heap - l.before.Heap; n > spareHeap {
		errs = append(errs, fmt.Errorf("%d bytes of heap more", n))
	}
	return errors.Join(errs...)
}
