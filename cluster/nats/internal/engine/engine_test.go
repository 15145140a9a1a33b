package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start connects an engine to a server, with connection options.
func start(t testing.TB, url string, options ...nats.Option) (*Engine, *natstest.Recorder) {
	t.Helper()
	r := natstest.NewRecorder()
	return startWith(t, url, r, 0, options...), r
}

func startWith(t testing.TB, url string, r *natstest.Recorder, queueBytes int, options ...nats.Option) *Engine {
	t.Helper()
	nc, err := Connect(url, t.Name(), options...)
	if err != nil {
		t.Fatal(err)
	}
	e := New(nc, "sio", queueBytes, nc.Close)
	if err := e.Start(t.Context(), r); err != nil {
		nc.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// settle waits until the server has seen what the engine has been told before.
func settle(t testing.TB, e *Engine) {
	t.Helper()
	e.apply()
	if err := e.flush(time.Minute); err != nil {
		t.Fatal(err)
	}
}

func TestOrder(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, _ := start(t, s.URL())
	b, heard := start(t, s.URL())
	b.Subscribe("sio.all", "sio.room")
	settle(t, b)
	const n = 20_000
	for i := range n {
		a.Publish([]string{"sio.all", "sio.room"}[i%2], fmt.Append(nil, i), false)
	}
	heard.Wait(t, "all messages", func() bool { return len(heard.Got) == n })
	for i, got := range heard.Got {
		if want := fmt.Sprint([]string{"sio.all", "sio.room"}[i%2], " ", i); got != want {
			t.Fatalf("message %d is %q, want %q", i, got, want)
		}
	}
}

// What follows from what was published finds who published it subscribed.
func TestSubscribeBeforePublish(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, heard := start(t, s.URL())
	b, asked := start(t, s.URL())
	b.Subscribe("sio.ask")
	settle(t, b)
	for i := range 500 {
		answer := fmt.Sprint("sio.answer.", i)
		a.Subscribe(answer)
		a.Publish("sio.ask", []byte(answer), false)
		asked.WaitFor(t, "sio.ask "+answer)
		b.Publish(answer, []byte("yes"), false)
		heard.WaitFor(t, answer+" yes")
		a.Unsubscribe(answer)
	}
}

func TestUnsubscribe(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, _ := start(t, s.URL())
	b, heard := start(t, s.URL())
	for range 100 {
		b.Subscribe("sio.a", "sio.b")
		b.Unsubscribe("sio.a")
	}
	settle(t, b)
	a.Publish("sio.a", []byte("1"), false)
	a.Publish("sio.b", []byte("2"), false)
	heard.WaitFor(t, "sio.b 2")
	if len(heard.Got) != 1 {
		t.Errorf("got %v", heard.Got)
	}
}

// A server that hears nothing is sent nothing.
func TestInterest(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, _ := start(t, s.URL())
	b, heard := start(t, s.URL())
	b.Subscribe("sio.mine")
	settle(t, b)
	for range 1000 {
		a.Publish("sio.theirs", make([]byte, 100), false)
	}
	a.Publish("sio.mine", []byte("1"), false)
	heard.WaitFor(t, "sio.mine 1")
	if stats := b.nc.Stats(); stats.InMsgs != 1 {
		t.Errorf("the connection got %d messages, want 1", stats.InMsgs)
	}
}

// Nothing that is published after Back is missed. What was on its way to the server when that
// was killed has either been received or is counted. What it had confirmed, and not passed on
// yet, nobody can count: that takes a kill within some microseconds, and happens once at most.
func TestServerRestarts(t *testing.T) {
	for right, short := 0, 0; right < 2; {
		published, received, lost := restart(t)
		t.Logf("%d published, %d received, %d counted as lost", published, received, lost)
		if received+lost >= published {
			right++
		} else if short++; short > 1 {
			t.Fatalf("%d published, but %d received and %d lost", published, received, lost)
		}
	}
}

func restart(t *testing.T) (published, received, lost int) {
	s := natstest.StartServer(t, "")
	a, sent := start(t, s.URL())
	b, heard := start(t, s.URL())
	b.Subscribe("sio.all")
	settle(t, b)
	const n = 10_000
	for i := range n {
		if a.Publish("sio.all", fmt.Append(nil, i), false); i == n/2 {
			heard.Wait(t, "message", func() bool { return len(heard.Got) > 0 })
			s.Kill()
		}
	}
	sent.WaitState(t, 1, "away")
	heard.WaitState(t, 1, "away")
	b.Subscribe("sio.new")
	s.Start()
	sent.WaitState(t, 2, "back")
	heard.WaitState(t, 2, "back")
	a.Publish("sio.all", []byte("after"), false)
	a.Publish("sio.new", []byte("after"), false)
	heard.WaitFor(t, "sio.all after")
	heard.WaitFor(t, "sio.new after")
	return n, len(heard.Got) - 2, sent.LostSum
}

// What is published while the connection is lost is sent in order when it is back, but for
// what is volatile.
func TestQueueWaits(t *testing.T) {
	s := natstest.StartServer(t, "")
	p := brokertest.NewProxy(t, s.Addr())
	a, sent := start(t, "nats://"+p.Addr())
	b, heard := start(t, s.URL())
	b.Subscribe("sio.all")
	settle(t, b)
	p.Cut()
	sent.WaitState(t, 1, "away")
	const n = 1000
	for i := range n {
		a.Publish("sio.all", fmt.Append(nil, i), i%2 == 1)
	}
	p.Heal()
	heard.Wait(t, "all messages", func() bool { return len(heard.Got) == n/2 })
	for i, got := range heard.Got {
		if want := fmt.Sprint("sio.all ", 2*i); got != want {
			t.Fatalf("message %d is %q, want %q", i, got, want)
		}
	}
	if sent.LostSum != n/2 || !errors.Is(sent.Errs[0], errVolatile) {
		t.Errorf("%d lost: %v", sent.LostSum, sent.Errs)
	}
}

// Rooms that fill and empty while nothing can be sent take no more room for it.
func TestChangesAreBounded(t *testing.T) {
	e := New(nil, "sio", 0, nil)
	defer e.Close()
	for range 1000 {
		e.Subscribe("sio.a", "sio.b")
		e.Unsubscribe("sio.a", "sio.b")
	}
	e.Subscribe("sio.b")
	if len(e.changes) != 2 || e.changes["sio.a"] || !e.changes["sio.b"] {
		t.Errorf("%v are to be applied", e.changes)
	}
}

// When a connection is lost and made many times, nats.go leaves some of it out, perhaps the
// last.
func TestStateThatIsNotTold(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, r := start(t, s.URL())
	a.Subscribe("sio.all")
	settle(t, a)
	a.status <- nats.DISCONNECTED // and no more, though there is a connection
	r.WaitState(t, 2, "back")
	b, _ := start(t, s.URL())
	a.Publish("sio.other", []byte("1"), false)
	b.Publish("sio.all", []byte("1"), false)
	r.WaitFor(t, "sio.all 1")
}

// When a server restarts, what is queued waits until others, too, are back to hear it.
func TestQueueWaitsForOthers(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, sent := start(t, s.URL(), nats.ReconnectJitter(maxHold, maxHold), // for as long others are waited for
		nats.CustomReconnectDelay(func(int) time.Duration { return time.Millisecond }))
	b, heard := start(t, s.URL(), nats.ReconnectWait(200*time.Millisecond), nats.ReconnectJitter(0, 0))
	b.Subscribe("sio.all")
	settle(t, b)
	s.Kill()
	sent.WaitState(t, 1, "away")
	heard.WaitState(t, 1, "away")
	a.Publish("sio.all", []byte("queued"), false)
	s.Start()
	heard.WaitFor(t, "sio.all queued")
}

// While the server hangs nothing blocks, and it is noticed.
func TestServerHangs(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, sent := start(t, s.URL(), nats.PingInterval(500*time.Millisecond), nats.FlusherTimeout(time.Second))
	a.Subscribe("sio.all")
	settle(t, a)
	s.Signal(syscall.SIGSTOP)
	const large = 256 << 10
	for i := range 200 { // three times what the queue takes
		begin := time.Now()
		a.Publish("sio.other", make([]byte, large), false)
		a.Subscribe(fmt.Sprint("sio.room.", i))
		if d := time.Since(begin); d > time.Second/2 {
			t.Fatalf("blocked for %v", d)
		}
	}
	sent.WaitState(t, 1, "away")
	s.Signal(syscall.SIGCONT)
	sent.WaitState(t, 2, "back")
	sent.Wait(t, "loss", func() bool { return sent.LostSum > 0 })
	b, _ := start(t, s.URL())
	b.Publish("sio.room.199", []byte("1"), false)
	sent.WaitFor(t, "sio.room.199 1")
}

func TestQueueIsBounded(t *testing.T) {
	s := natstest.StartServer(t, "")
	r := natstest.NewRecorder()
	a := startWith(t, s.URL(), r, 10_000)
	s.Kill()
	r.WaitState(t, 1, "away")
	for range 100 {
		a.Publish("sio.all", make([]byte, 1000), false)
	}
	r.Wait(t, "loss", func() bool { return r.LostSum >= 90 && slices.ContainsFunc(r.Errs, isErr(errFull)) })
	s.Start()
	r.WaitState(t, 2, "back")
	if r.LostSum > 93 {
		t.Errorf("%d of 100 are lost, though the queue takes 8", r.LostSum)
	}
}

func isErr(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func TestTooLarge(t *testing.T) {
	s := natstest.StartServer(t, "max_payload: 1000")
	a, sent := start(t, s.URL())
	b, heard := start(t, s.URL())
	b.Subscribe("sio.all")
	settle(t, b)
	a.Publish("sio.all", make([]byte, 1001), false)
	a.Publish("sio.all", []byte("small"), false)
	heard.WaitFor(t, "sio.all small")
	sent.Wait(t, "loss", func() bool { return sent.LostSum == 1 && errors.Is(sent.Errs[0], nats.ErrMaxPayload) })
	if text := sent.Errs[0].Error(); !strings.Contains(text, "1001") || !strings.Contains(text, "1000") {
		t.Errorf("%q does not tell the sizes", text)
	}
	if len(sent.States) > 0 {
		t.Errorf("the engine has been %v", sent.States)
	}
}

func TestPermissions(t *testing.T) {
	s := natstest.StartServer(t, `authorization {
		users = [{user: u, password: p, permissions: {publish: "sio.may", subscribe: "sio.may"}}]
	}`)
	a, sent := start(t, s.URL(), nats.UserInfo("u", "p"))
	a.Publish("sio.mustnot", []byte("1"), false)
	sent.Wait(t, "loss", func() bool { return sent.LostSum == 1 && errors.Is(sent.Errs[0], nats.ErrPermissionViolation) })
	a.Subscribe("sio.mustnot", "sio.may")
	sent.Wait(t, "second error", func() bool { return len(sent.Errs) == 2 && errors.Is(sent.Errs[1], nats.ErrPermissionViolation) })
	b, _ := start(t, s.URL(), nats.UserInfo("u", "p"))
	b.Publish("sio.may", []byte("1"), false)
	sent.WaitFor(t, "sio.may 1")
	if len(sent.States) > 0 {
		t.Errorf("the engine has been %v", sent.States)
	}
}

// Messages that can't be handled in time are dropped, up to a bound, and counted.
func TestSlowReceiver(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, _ := start(t, s.URL())
	r := natstest.NewRecorder()
	r.Block = make(chan struct{})
	b := startWith(t, s.URL(), r, 0)
	b.Subscribe("sio.all")
	settle(t, b)
	const n, size = 150, 1 << 19 // more than inboxBytes
	for range n {
		a.Publish("sio.all", make([]byte, size), false)
		settle(t, a)
	}
	r.Wait(t, "missed messages", func() bool { return r.MissedSum > 0 && errors.Is(r.Errs[0], errSlow) })
	close(r.Block)
	r.Wait(t, "all messages", func() bool { return len(r.Got)+r.MissedSum == n })
	if len(r.States) > 0 {
		t.Errorf("the engine has been %v", r.States)
	}
}

func TestConnectionOfTheCaller(t *testing.T) {
	s := natstest.StartServer(t, "")
	disconnected, closed := make(chan struct{}, 1), make(chan struct{})
	nc, err := nats.Connect(s.URL(),
		nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1),
		nats.DisconnectHandler(func(*nats.Conn) { disconnected <- struct{}{} }),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	r := natstest.NewRecorder()
	e := New(nc, "sio", 0, nil)
	if err := e.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	e.Subscribe("sio.all")
	settle(t, e)
	s.Kill()
	r.WaitState(t, 1, "away: EOF")
	<-disconnected
	s.Start()
	r.WaitState(t, 2, "back")
	e.Publish("sio.all", []byte("echo"), false) // the connection of the caller has one
	r.WaitFor(t, "sio.all echo")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if n := nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	if err := nc.Flush(); err != nil {
		t.Errorf("the connection is not as before: %v", err)
	}
	nc.Close()
	<-closed
}

func TestConnectionOfTheCallerCloses(t *testing.T) {
	s := natstest.StartServer(t, "")
	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	r := natstest.NewRecorder()
	e := New(nc, "sio", 0, nil)
	if err := e.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	r.WaitState(t, 1, "away: "+nats.ErrConnectionClosed.Error())
	e.Publish("sio.all", []byte("1"), false)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e.Publish("sio.all", []byte("2"), false) // does nothing
	e.Publish("sio.all", []byte("3"), true)
	if r.LostSum != 1 || e.out.len() != 1 {
		t.Errorf("%d are lost, want 1; %d wait", r.LostSum, e.out.len())
	}
}

// Close sends what is queued.
func TestCloseSends(t *testing.T) {
	s := natstest.StartServer(t, "")
	a, _ := start(t, s.URL())
	b, heard := start(t, s.URL())
	b.Subscribe("sio.all")
	settle(t, b)
	const n = 10_000
	for i := range n {
		a.Publish("sio.all", fmt.Append(nil, i), false)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	heard.Wait(t, "all messages", func() bool { return len(heard.Got) == n })
}

// It does, too, while the queue is just found empty.
func TestCloseSendsTheLast(t *testing.T) {
	s := natstest.StartServer(t, "")
	_, heard := start(t, s.URL())
	for range 500 {
		e := startWith(t, s.URL(), heard, 0)
		e.Publish("sio.all", nil, false)
		for e.out.len() > 0 {
			runtime.Gosched()
		}
		e.Publish("sio.all", nil, false)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if heard.LostSum != 0 {
		t.Errorf("%d are lost: %v", heard.LostSum, heard.Errs[0])
	}
}

func TestNobodyThere(t *testing.T) {
	url := fmt.Sprint("nats://127.0.0.1:", natstest.FreePort(t))
	if _, err := Connect(url, t.Name()); err == nil {
		t.Error("connected to nobody")
	}
	nc, err := nats.Connect(url, nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/10)
	defer cancel()
	if err := New(nc, "sio", 0, nil).Start(ctx, natstest.NewRecorder()); err == nil {
		t.Error("started without a server")
	}
}

// With many rooms subscriptions are complete soon after a restart. What one takes is
// logged.
func TestManySubscriptions(t *testing.T) {
	const n = 100_000
	s := natstest.StartServer(t, "")
	a, heard := start(t, s.URL())
	channels := make([]string, n)
	for i := range channels {
		channels[i] = fmt.Sprint("sio.v1.Lw.b.r.", i)
	}
	before := memory()
	a.Subscribe(channels...)
	settle(t, a)
	t.Logf("%d bytes for each of %d subscriptions", (memory()-before)/n, n)
	s.Kill()
	heard.WaitState(t, 1, "away")
	s.Start()
	begin := time.Now()
	heard.WaitState(t, 2, "back")
	t.Logf("complete %v after the server listens", time.Since(begin))
	b, _ := start(t, s.URL())
	for i := 0; i < n; i += n / 100 {
		b.Publish(channels[i], []byte("1"), false)
		heard.WaitFor(t, channels[i]+" 1")
	}
}

func memory() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
