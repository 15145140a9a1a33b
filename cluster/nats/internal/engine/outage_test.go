package engine

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

// A cut connection is noticed at once, and another one made.
func TestConnectionCut(t *testing.T) {
	s := natstest.StartServer(t, "")
	p := brokertest.NewProxy(t, s.Addr())
	a, r := start(t, "nats://"+p.Addr())
	a.Subscribe("sio.all")
	settle(t, a)
	b, _ := start(t, s.URL())
	for i := range 5 {
		p.Cut()
		p.Heal()
		r.WaitState(t, 2*i+2, "back")
		b.Publish("sio.all", fmt.Append(nil, i), false)
		r.WaitFor(t, fmt.Sprint("sio.all ", i))
	}
}

// Close does not wait for a server that hangs for longer than a write may take.
func TestCloseWhileServerHangs(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, sent := start(t, s.URL(), nats.FlusherTimeout(time.Second))
	s.Signal(syscall.SIGSTOP)
	const n = 100
	for range n {
		a.Publish("sio.all", make([]byte, 128<<10), false)
	}
	begin := time.Now()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	d := time.Since(begin)
	t.Logf("closed after %v", d)
	if d > 10*time.Second {
		t.Error("too long")
	}
	if sent.LostSum != n {
		t.Errorf("%d of %d are counted as lost", sent.LostSum, n)
	}
}
