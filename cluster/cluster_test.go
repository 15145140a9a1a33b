package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/siotest"
)

// A stranger is somebody else on the hub, who reads and writes what he likes.
type stranger struct {
	*memory.Engine

	mu  sync.Mutex // protects the following
	got []string   // channels and messages
}

func newStranger(t *testing.T, hub *memory.Hub, channels ...string) *stranger {
	s := &stranger{Engine: hub.Engine()}
	if err := s.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Subscribe(channels...)
	return s
}

func (s *stranger) Receive(_, channel string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, channel+" "+string(data))
}
func (s *stranger) Lost(int, error)   {}
func (s *stranger) Missed(int, error) {}
func (s *stranger) Away(error)        {}
func (s *stranger) Back()             {}

// heard returns what came since the last time, when nothing moves any more.
func (s *stranger) heard() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func (s *stranger) says(channel, message string) { s.Publish(channel, []byte(message), false) }

// A server is one of a cluster in memory.
type server struct {
	*sio.Server
	cl     *cluster.Cluster
	engine *memory.Engine
}

func newServer(t *testing.T, hub *memory.Hub, f wire.Format, o *cluster.Options, opts *sio.Options) *server {
	t.Helper()
	s := &server{engine: hub.Engine()}
	var err error
	if s.cl, err = cluster.New(t.Context(), s.engine, f, o); err != nil {
		t.Fatal(err)
	}
	if opts == nil {
		opts = new(sio.Options)
	}
	quiet := zerolog.Nop()
	opts.Broker, opts.Ready, opts.Logger = s.cl.Broker, s.cl.Ready, &quiet
	s.Server = sio.New(opts)
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), s.cl.Close(), s.cl.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// in runs a test in a bubble.
func in(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// TestHostile has messages of strangers that nobody may heed, and others that are heeded
// whatever strange things they have.
func TestHostile(t *testing.T) {
	deep := strings.Repeat("[", 5000)
	for _, f := range []struct {
		name            string
		format          wire.Format
		all, room, asks string
		good            string
		bad             []string
	}{
		{"classic", wire.Classic("", wire.ClassicOptions{}), "socket.io#/#", "socket.io#/#room#", "socket.io-request#/#",
			"\x93\xa1x\x83\xa4type\x02\xa4data\x91\xa4good\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80", []string{
				"\x93\xa1x\x83\xa4type\x02\xa4data\x91\xa7connect\xa3nsp\xa1/\x80",              // a reserved event
				"\x93\xa1x\x83\xa4type\x02\xa4data\x90\xa3nsp\xa1/\x80",                         // no event
				"\x93\xa1x\x83\xa4type\x02\xa4data\x91\xc0\xa3nsp\xa1/\x80",                     // its name is null
				"\x93\xa1x\x83\xa4type\x02\xa4data\x91\xa4good\xa3nsp\xa6/other\x80",            // another namespace
				"\x93\xa1x\x83\xa4type\x02\xa4data\xdd\xff\xff\xff\xff\xa4good\xa3nsp\xa1/\x80", // 4 billion arguments
				`{"type":7,"uid":"x"}`, `{"type":6,"data":["connect"],"uid":"x"}`, `{"type":6,"data":"x","uid":"x"}`,
				`{"type":-1}`, `{"type":1e99}`, `{"type":"2"}`, `{"type":5,"opts":{"rooms":7},"requestId":"r"}`,
			}},
		{"sharded", wire.Sharded("", wire.Dynamic), "socket.io#/#", "socket.io#/#room#", "socket.io#/#",
			`{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"packet":{"type":2,"data":["good"]}}}`, []string{
				`{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[]},"packet":{"type":2,"data":["disconnect"]}}}`,
				`{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[]},"packet":{"type":2,"data":[]}}}`,
				`{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[]},"packet":{"type":2}}}`,
				`{"uid":"x","nsp":"/other","type":3,"data":{"opts":{"rooms":[],"except":[]},"packet":{"type":2,"data":["good"]}}}`,
				`{"uid":"x","nsp":"/","type":9,"data":{"packet":["connect"]}}`, `{"uid":"x","nsp":"/","type":300,"data":{}}`, `{"uid":"x","nsp":"/","type":3}`,
			}},
	} {
		in(t, f.name, func(t *testing.T) {
			hub := memory.NewHub()
			s := newServer(t, hub, f.format, nil, nil)
			s.OnConnect(func(c *sio.Context) error { return c.Join("room") })
			events := 0
			s.OnServerEvent("good", func(context.Context, *sio.Namespace, sio.Args) (any, error) { events++; return nil, nil })
			c := siotest.Connect(t, s.Server, nil)
			x := newStranger(t, hub)
			bad := append(f.bad, "", "{", "[", "\xc1", "null", "7", "{}", "[]", "\x90", "\x80", "{\"type\":", deep, `{"a":`+deep, "\x91\x91", strings.Repeat("\x91", 5000), strings.Repeat("\x00", 1<<20))
			for _, channel := range []string{f.all, f.room, f.asks, "socket.io-servers#", "socket.io-response#/#"} {
				before := s.cl.Stats()
				for _, m := range bad {
					x.says(channel, m)
				}
				synctest.Wait()
				after := s.cl.Stats()
				if got := after.Received - before.Received; got != after.Malformed-before.Malformed {
					t.Errorf("%s: %d messages, of which %d are malformed", channel, got, after.Malformed-before.Malformed)
				}
			}
			if s.cl.Stats().Malformed < uint64(3*len(bad)) {
				t.Errorf("%d messages are malformed", s.cl.Stats().Malformed)
			}
			x.says(f.all, f.good)
			c.Expect("good")
			if events != 0 {
				t.Errorf("%d server-side events", events)
			}
			if got := s.cl.Members(); len(got) != 0 {
				t.Errorf("members %v", got)
			}
		})
	}
}

// TestMembers has who is known to be there.
func TestMembers(t *testing.T) {
	in(t, "heartbeats", func(t *testing.T) {
		hub, f := memory.NewCountlessHub(), wire.Subjects("")
		a := newServer(t, hub, f, &cluster.Options{Name: "a"}, nil)
		names := func() (names []string) {
			synctest.Wait()
			for _, m := range a.cl.Members() {
				names = append(names, m.Name)
			}
			return names
		}
		want := func(want ...string) {
			t.Helper()
			if got := names(); !slices.Equal(got, want) {
				t.Fatalf("members %q, want %q", got, want)
			}
		}
		want()
		b := newServer(t, hub, f, &cluster.Options{Name: "b"}, nil)
		c := newServer(t, hub, f, nil, nil)
		name := names()[1]
		if !strings.Contains(name, ":") {
			t.Errorf("the default name is %q", name)
		}
		want("b", name)
		time.Sleep(time.Hour)
		want("b", name)
		c.cl.Close()
		want("b")
		b.engine.Freeze()
		time.Sleep(7 * time.Second)
		want("b") // it may be slow
		time.Sleep(9 * time.Second)
		want()
		b.engine.Thaw()
		time.Sleep(6 * time.Second)
		want("b")
		a.engine.Cut()
		time.Sleep(time.Minute)
		want("b") // it is a that can't hear
		a.engine.Heal()
		time.Sleep(time.Second)
		want("b")
	})
	in(t, "as many as anybody likes to be", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		a := newServer(t, hub, f, nil, nil)
		x := newStranger(t, hub)
		for i := range 20_000 {
			x.says("socket.io-servers#", fmt.Sprintf(`{"type":2,"uid":"x%d","name":"x"}`, i))
		}
		x.says("socket.io-servers#", fmt.Sprintf(`{"type":2,"uid":%q,"name":"x"}`, strings.Repeat("x", 1000)))
		x.says("socket.io-servers#", fmt.Sprintf(`{"type":2,"uid":%q,"name":"x"}`, a.cl.UID()))
		synctest.Wait()
		if n := len(a.cl.Members()); n > 10_000 || n < 1000 {
			t.Errorf("%d members", n)
		}
		time.Sleep(time.Minute)
		if n := len(a.cl.Members()); n != 0 {
			t.Errorf("%d members at the end", n)
		}
	})
}

// TestInterest has which channels are subscribed to, and how long.
func TestInterest(t *testing.T) {
	for _, tt := range []struct {
		recovery *sio.Recovery
		linger   time.Duration
	}{{nil, time.Second}, {&sio.Recovery{Window: time.Minute}, 61 * time.Second}} {
		in(t, fmt.Sprint(tt.linger), func(t *testing.T) {
			hub := memory.NewHub()
			s := newServer(t, hub, wire.Classic("", wire.ClassicOptions{}), nil, &sio.Options{Recovery: tt.recovery})
			count := func(channel string) int {
				synctest.Wait()
				n, err := s.engine.Count(t.Context(), channel)
				if err != nil {
					t.Error(err)
				}
				return n
			}
			want := func(channel string, n int) {
				t.Helper()
				if got := count(channel); got != n {
					t.Errorf("%d subscriptions of %s, want %d", got, channel, n)
				}
			}
			s.Of("/dynamic-{id}").OnConnect(func(c *sio.Context) error { return c.Join("room") })
			c := siotest.Connect(t, s.Server, nil)
			id := "socket.io#/#" + c.ID() + "#"
			want(id, 1)
			want("socket.io#/#", 1)
			want("socket.io-request#/#", 1)
			socket := s.Socket(c.ID())
			if err := socket.Join("room"); err != nil {
				t.Fatal(err)
			}
			want("socket.io#/#room#", 1)
			socket.Leave("room")
			time.Sleep(tt.linger / 2)
			want("socket.io#/#room#", 1)
			if err := socket.Join("room"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(tt.linger)
			want("socket.io#/#room#", 1)
			socket.Leave("room")
			time.Sleep(tt.linger + time.Second)
			want("socket.io#/#room#", 0)
			c.Close()
			time.Sleep(2*tt.linger + time.Minute)
			want(id, 0)

			d := siotest.Connect(t, s.Server, &siotest.Options{Namespace: "/dynamic-1"})
			want("socket.io-request#/dynamic-1#", 1)
			want("socket.io#/dynamic-1#room#", 1)
			d.Close()
			time.Sleep(2*tt.linger + time.Minute)
			want("socket.io-request#/dynamic-1#", 0)
			want("socket.io#/dynamic-1#room#", 0)
		})
	}
}

// TestLosses has what is told when the engine is away.
func TestLosses(t *testing.T) {
	in(t, "outage", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		losses := make(chan cluster.Loss, 10)
		var log strings.Builder
		logger := zerolog.New(&log)
		a := newServer(t, hub, f, &cluster.Options{Name: "a", OnLoss: func(l cluster.Loss) { losses <- l }, Logger: &logger}, nil)
		b := newServer(t, hub, f, &cluster.Options{Name: "b"}, nil)
		client := siotest.Connect(t, b.Server, nil)
		synctest.Wait()
		ready := func(want string) {
			t.Helper()
			res := httptest.NewRecorder()
			if a.ServeReady(res, httptest.NewRequest(http.MethodGet, "/ready", nil)); res.Body.String() != want+"\n" {
				t.Errorf("%d %s, want %s", res.Code, res.Body, want)
			}
		}
		ready("ready")
		a.engine.Cut()
		synctest.Wait()
		if s := a.cl.Stats(); !s.Away || s.Outages != 1 {
			t.Errorf("%+v", s)
		}
		start := time.Now()
		n, err := a.Count(t.Context())
		var partial *cluster.PartialError
		if n != 0 || !errors.As(err, &partial) || !errors.Is(err, cluster.ErrAway) || !slices.Equal(partial.Servers, []string{"b"}) {
			t.Errorf("%d %v", n, err)
		}
		if time.Since(start) > 0 {
			t.Errorf("it took %v", time.Since(start))
		}
		local := siotest.Connect(t, a.Server, nil)
		go func() { local.Expect("q").Ack("here") }()
		answers, err := a.EmitWithAck(t.Context(), "q")
		if len(answers) != 1 || answers[0].Err != nil || !errors.As(err, &partial) || !errors.Is(err, cluster.ErrAway) {
			t.Errorf("%v %v", answers, err)
		}
		if err := errors.Join(a.Volatile().Emit("volatile"), a.Emit("waits")); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		ready("cluster: the engine is away")
		a.engine.Heal()
		client.Expect("waits")
		synctest.Wait()
		ready("ready")
		var all cluster.Loss
		for len(losses) > 0 {
			l := <-losses
			all.Sent += l.Sent
			all.Outage += l.Outage
			if l.Err == nil {
				t.Error("no reason")
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for len(losses) > 0 {
			l := <-losses
			all.Sent += l.Sent
			all.Outage += l.Outage
		}
		if all.Sent != 1 || all.Outage != 10*time.Second || a.cl.Stats().Lost != 1 || a.cl.Stats().Away {
			t.Errorf("%+v, %+v", all, a.cl.Stats())
		}
		if n := strings.Count(log.String(), "away"); n != 1 || !strings.Contains(log.String(), "is back") {
			t.Errorf("log:\n%s", &log)
		}
	})
	in(t, "who does not answer", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		a := newServer(t, hub, f, nil, nil)
		b := newServer(t, hub, f, &cluster.Options{Name: "b"}, nil)
		newServer(t, hub, f, &cluster.Options{Name: "c"}, nil)
		synctest.Wait()
		b.engine.Freeze()
		newStranger(t, hub, "socket.io#/#") // who never answers, and has no name
		start := time.Now()
		_, err := a.Sockets(t.Context())
		const want = "cluster: 2 other servers did not answer (b): context deadline exceeded"
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		b.engine.Thaw()
	})
	in(t, "one that blocks when it is told", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Sharded("", wire.Dynamic)
		told, goOn := make(chan cluster.Loss, 10), make(chan struct{})
		a := newServer(t, hub, f, &cluster.Options{OnLoss: func(l cluster.Loss) { told <- l; <-goOn }}, nil)
		for range 3 {
			a.engine.Cut()
			if err := a.Volatile().Emit("volatile"); err != nil {
				t.Error(err)
			}
			a.engine.Heal()
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		if len(told) != 1 {
			t.Fatalf("told %d times", len(told))
		}
		sent := (<-told).Sent
		close(goOn)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for len(told) > 0 {
			sent += (<-told).Sent
		}
		if sent != 3 {
			t.Errorf("%d lost, want 3", sent)
		}
	})
}

// TestOptions has what New refuses.
func TestOptions(t *testing.T) {
	hub := memory.NewHub()
	for _, o := range []cluster.Options{{RequestsTimeout: -1}, {Heartbeat: -1}} {
		if c, err := cluster.New(t.Context(), hub.Engine(), wire.Sharded("", 0), &o); err == nil || c != nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	in(t, "two servers", func(t *testing.T) {
		s := newServer(t, hub, wire.Sharded("", 0), nil, nil)
		defer func() {
			if v := fmt.Sprint(recover()); !strings.Contains(v, "one Server") {
				t.Errorf("panic: %s", v)
			}
		}()
		sio.New(&sio.Options{Broker: s.cl.Broker})
	})
}

// TestManySockets has an answer that is too large for one message.
func TestManySockets(t *testing.T) {
	for name, f := range map[string]wire.Format{"classic": wire.Classic("", wire.ClassicOptions{}), "sharded": wire.Sharded("", wire.Dynamic), "subjects": wire.Subjects("")} {
		in(t, name, func(t *testing.T) {
			hub := memory.NewHub()
			a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
			const n = 40
			b.OnConnect(func(c *sio.Context) error {
				c.Socket().SetValue("text", strings.Repeat("x", 10_000))
				c.Socket().SetValue("bytes", make([]byte, 10_000))
				return nil
			})
			for range n {
				siotest.Connect(t, b.Server)
			}
			synctest.Wait()
			heard := slices.DeleteFunc(f.Channels("/", a.cl.UID()), func(c string) bool { return c == f.Counted("/") })
			x := newStranger(t, hub, heard...)
			sockets, err := a.Sockets(t.Context())
			ids := make(map[string]bool)
			for _, s := range sockets {
				ids[s.ID] = true
				if v, _ := s.Data["bytes"].([]byte); len(v) != 10_000 || len(s.Data) != 2 {
					t.Fatalf("values %.100v", s.Data)
				}
			}
			if len(ids) != n || len(sockets) != n || err != nil {
				t.Errorf("%d sockets of %d ids, %v", len(sockets), len(ids), err)
			}
			parts, most := 0, 0
			for _, m := range x.heard() {
				if len(m) > 10_000 {
					parts, most = parts+1, max(most, len(m))
				}
			}
			if parts < 2 || most > 2<<20 { // JSON of binary data takes up to four bytes for each
				t.Errorf("%d parts, the largest of %d bytes", parts, most)
			}
		})
	}
}

// TestOutgoing has what a server hears that listens to what goes out: of its own events the
// arguments as they were given, of those of others what can be told of them.
func TestOutgoing(t *testing.T) {
	in(t, "outgoing", func(t *testing.T) {
		hub, f := memory.NewHub(), wire.Classic("", wire.ClassicOptions{})
		a, b := newServer(t, hub, f, nil, nil), newServer(t, hub, f, nil, nil)
		type message struct{ Text string }
		var heard []any
		for _, s := range []*server{a, b} {
			siotest.Connect(t, s.Server)
			s.OnAnyOutgoing(func(_ *sio.Socket, event string, args []any) { heard = append(heard, event, args[0]) })
		}
		synctest.Wait()
		if err := a.Emit("event", message{"x"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if want := `[event {x} event map[Text:x]]`; fmt.Sprint(heard) != want || heard[1] != (message{"x"}) {
			t.Errorf("%v, want %s", heard, want)
		}
	})
}
