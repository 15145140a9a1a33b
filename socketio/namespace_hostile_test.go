package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/internal/logtest"
	"github.com/siokit/sio/socketio"
)

func TestDynamicCaps(t *testing.T) {
	const refusal = `{"message":"too many namespaces"}`
	dynamicBubble(t, "of all", socketio.Options{MaxDynamicNamespaces: 2}, func(t *testing.T, h *host, b *brokers) {
		h.dynamic("/t-", nil)
		h.of("/", nil)
		c, d := h.ws(), h.ws()
		c.join("/t-1")
		c.join("/t-2")
		d.send("40/t-3,")
		d.want("44/t-3," + refusal)
		d.join("/t-2")
		d.join("/")
		if err := h.Dynamic("/t-4").All().Emit("e"); err != nil { // the application may
			t.Error(err)
		}
		b.wants(h, 2, 3)
		c.send("41/t-1,")
		synctest.Wait()
		d.join("/t-3")
	})

	dynamicBubble(t, "of one client", socketio.Options{MaxClientNamespaces: 2}, func(t *testing.T, h *host, b *brokers) {
		h.dynamic("/t-", nil)
		for i := range 5 {
			h.of(fmt.Sprintf("/exact-%d", i), nil)
		}
		c, d := h.ws(), h.ws()
		for i := range 5 {
			c.join(fmt.Sprintf("/exact-%d", i)) // these do not count
		}
		c.join("/t-1")
		c.join("/t-2")
		c.send("40/t-3,")
		c.want("44/t-3," + refusal)
		d.join("/t-2")
		c.send("40/t-4,")
		c.want("44/t-4," + refusal)
		b.wants(h, 2, 2)
		c.send("41/t-1,")
		c.join("/t-4")
	})
}

// TestDynamicPanic has a function panic, and what makes brokers.
func TestDynamicPanic(t *testing.T) {
	for _, at := range []string{"match", "broker"} {
		log := &logtest.Buffer{}
		logger := zerolog.New(log)
		bubble(t, at, &socketio.Options{Logger: &logger, Broker: func(l *socketio.Local) socketio.Broker {
			if l.Namespace().Name() == "/broker?token=secret" {
				panic("no broker for " + l.Namespace().Name())
			}
			return l
		}}, func(t *testing.T, h *host) {
			n := &nsp{}
			n.init(h, func() *socketio.Namespace {
				return h.OfFunc("*", func(name string) bool {
					if name == "/match?token=secret" {
						panic("no match for " + name)
					}
					return true
				}, n)
			})
			c := h.ws()
			name := "/" + at + "?token=secret"
			c.send("40" + name + ",")
			c.want("44" + name + `,{"message":"Invalid namespace"}`)
			c.join("/fine")
			c.alive("/fine")
			if h.Dynamics() != 1 {
				t.Errorf("%d namespaces, want 1", h.Dynamics())
			}
		})
		if all := log.String(); !strings.Contains(all, `"panic":"string"`) || strings.Contains(all, "secret") {
			t.Errorf("the log is\n%s", all)
		}
	}
}

// TestDynamicNames has names as clients should never send them.
func TestDynamicNames(t *testing.T) {
	bubble(t, "names", nil, func(t *testing.T, h *host) {
		h.dynamic("/", &nsp{quiet: true})
		c := h.ws()
		for _, name := range []string{"/__proto__", "/constructor", "//", "/a/b", "/t-{id}", "/x?x=1", "/?", "/\u202e", "/é", "/ ", "/\"\\", "/" + strings.Repeat("x", 255)} {
			c.join(name)
			c.alive(name)
			if err := h.Dynamic(name).All().Emit("e"); err != nil {
				t.Fatal(err)
			}
			c.want(`42` + name + `,["e"]`)
			c.send("41" + name + ",")
		}
		c.send("40/" + strings.Repeat("x", 256) + ",")
		c.closed()
	})
}

// TestDynamicFlood has a client try ten thousand names, and be refused. What the
// server keeps is what one attempt costs, and of the names as many as a client
// may use at a time.
func TestDynamicFlood(t *testing.T) {
	const names = 10_000
	h := newHost(t, &socketio.Options{MaxClientNamespaces: 50})
	root := h.of("/", nil)
	h.OfFunc("*", func(string) bool { return true }, refuser{})
	c := h.ws()
	c.join("/")
	s := root.socket()
	pad := strings.Repeat("x", 200)
	flood := func(from, to int) {
		for i := from; i < to; i += 100 {
			var try []string
			for k := range 100 {
				try = append(try, fmt.Sprintf("40/%s-%d,", pad, i+k))
			}
			c.send(try...)
			for range try { // in no order
				if p := c.read(); !strings.HasSuffix(p, `,{"message":"no"}`) && !strings.HasSuffix(p, `,{"message":"too many namespaces"}`) {
					t.Fatalf("packet %q", p)
				}
			}
		}
		c.alive("/")
	}
	settle := func() {
		for end := time.Now().Add(patience); h.Dynamics() > 0 && time.Now().Before(end); { // the refused leave behind their answers
			time.Sleep(time.Millisecond)
		}
	}
	flood(0, names/10)
	settle()
	before := alloctest.Heap()
	flood(names/10, names)
	settle()
	if grown := alloctest.Heap() - before; grown > 100_000 {
		t.Errorf("%d names cost %d bytes for good", names, grown)
	}
	if n := s.LeftNames(); n != 50 {
		t.Errorf("%d names of namespaces that were left, want 50", n)
	}
	ctx, cancel := h.bound()
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if h.Dynamics() != 0 {
		t.Errorf("%d namespaces are left", h.Dynamics())
	}
}

// A refuser keeps nothing of those whom it refuses.
type refuser struct{}

func (refuser) Connect(s *socketio.Socket) *socketio.Refusal {
	_ = s.Join("a", "b", "c")
	return &socketio.Refusal{Message: "no"}
}
func (refuser) Event(*socketio.Socket, *socketio.Event)         {}
func (refuser) Disconnecting(*socketio.Socket, socketio.Reason) {}
func (refuser) Disconnect(*socketio.Socket, socketio.Reason)    {}

// TestDynamicLeft has events come for namespaces that the server has just ended.
func TestDynamicLeft(t *testing.T) {
	bubble(t, "the latest are known", &socketio.Options{MaxClientNamespaces: 2}, func(t *testing.T, h *host) {
		h.dynamic("/t-", nil)
		for _, name := range []string{"/", "/a", "/b", "/c"} {
			h.of(name, nil)
		}
		c := h.ws()
		for _, name := range []string{"/", "/a", "/b", "/c"} {
			c.join(name)
		}
		for _, n := range h.nsps[2:] {
			n.socket().Disconnect()
			c.want("41" + prefix(n.Name()))
		}
		for i := range 4 {
			name := fmt.Sprintf("/t-%d", i)
			c.join(name)
			if err := h.Dynamic(name).All().Disconnect(); err != nil {
				t.Fatal(err)
			}
			c.want("41" + name + ",")
		}
		c.send(`42/t-2,["x"]`, `42/t-3,["x"]`, `42/a,["x"]`, `42/b,["x"]`, `42/c,["x"]`)
		c.alive("/")
		c.send(`42/t-1,["x"]`)
		c.closed()
	})
}

// TestDynamicRace has clients come and go while everybody emits. Whoever has been
// let in hears what is emitted to its namespace.
func TestDynamicRace(t *testing.T) {
	const workers, rounds, names = 12, 40, 3
	b := &brokers{t: t, open: make(map[string]int)}
	h := newHost(t, &socketio.Options{Broker: b.make})
	n := h.dynamic("/t-", &nsp{quiet: true, onDisconnect: func(s *socketio.Socket, _ socketio.Reason) {
		if err := s.Broadcast().Emit("left"); err != nil {
			t.Error(err)
		}
	}})
	var wg, emitters sync.WaitGroup
	stop := make(chan bool)
	for i := range names {
		emitters.Go(func() { // until the clients have ended
			all := h.Dynamic(fmt.Sprintf("/t-%d", i)).All()
			for k := 0; ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := errors.Join(all.Volatile().Emit("noise"), n.All().To("nobody").Emit("noise")); err != nil {
					t.Error(err)
				}
				if n.Len() < 0 {
					t.Error("Len")
				}
			}
		})
	}
	for w := range workers {
		wg.Go(func() {
			for r := range rounds {
				name := fmt.Sprintf("/t-%d", (w+r)%names)
				if err := comeAndGo(h, name, r); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	emitters.Wait()
	ctx, cancel := h.bound()
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if open, made := b.count(); open != 0 || h.Dynamics() != 0 {
		t.Errorf("%d brokers of %d are left, %d namespaces", open, made, h.Dynamics())
	}
}

// comeAndGo has a client join, hear what is emitted to its id, and leave in one of
// several ways.
func comeAndGo(h *host, name string, round int) error {
	c, err := h.tryWS()
	if err != nil {
		return err
	}
	defer c.conn.Close()
	if round%5 == 4 { // the connection ends while it comes
		return c.trySend("40"+name+",", "41"+name+",", "40"+name+",")
	}
	if err := c.trySend("40" + name + ","); err != nil {
		return err
	}
	wait := func(prefix string) (string, error) {
		for {
			p, _, err := c.tryRead()
			if err != nil {
				return "", fmt.Errorf("waiting for %s: %w", prefix, err)
			}
			if rest, ok := strings.CutPrefix(p, prefix); ok {
				return rest, nil
			}
		}
	}
	answer, err := wait("40" + name + `,{"sid":"`)
	if err != nil {
		return err
	}
	id := strings.TrimSuffix(answer, `"}`)
	one := h.Dynamic(name)
	if s := one.Socket(id); s == nil {
		return errors.New("the socket is not there")
	}
	if err := one.All().To(id).Emit("you"); err != nil {
		return err
	}
	if _, err := wait("42" + name + `,["you"]`); err != nil {
		return err
	}
	if round%2 == 0 {
		return c.trySend("41" + name + ",")
	}
	if err := one.All().To(id).Disconnect(); err != nil {
		return err
	}
	_, err = wait("41" + name)
	return err
}

// TestManyDynamic has ten thousand namespaces at one time.
func TestManyDynamic(t *testing.T) {
	const names, clients = 10_000, 10
	h := newHost(t, &socketio.Options{MaxClientNamespaces: names / clients})
	heard := 0
	n := h.dynamic("/t-", &nsp{quiet: true})
	var all []*client
	for i := range clients {
		c := h.ws()
		all = append(all, c)
		for k := range names / clients {
			c.join(fmt.Sprintf("/t-%d", i+k*clients))
		}
	}
	if h.Dynamics() != names || n.Len() != names {
		t.Fatalf("%d namespaces, %d sockets; want %d", h.Dynamics(), n.Len(), names)
	}
	if err := n.All().Emit("e"); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for range names / clients {
			if p := c.read(); strings.HasSuffix(p, `,["e"]`) {
				heard++
			}
		}
		c.leave()
	}
	if heard != names {
		t.Errorf("%d heard it, want %d", heard, names)
	}
	for range clients {
		h.sessionEnds("transport close")
	}
}
