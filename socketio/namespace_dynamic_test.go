package socketio_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/socketio"
)

// dynamic adds a parent for the names that begin with prefix; n may be nil.
func (h *host) dynamic(prefix string, n *nsp) *nsp {
	if n == nil {
		n = &nsp{}
	}
	match := func(name string) bool { return strings.HasPrefix(name, prefix) }
	n.init(h, func() *socketio.Namespace { return h.OfFunc(prefix+"*", match, n) })
	return n
}

// brokers makes brokers of dynamic namespaces, and counts them.
type brokers struct {
	t    *testing.T
	mu   sync.Mutex // protects the following
	open map[string]int
	made int
}

type countedBroker struct {
	*socketio.Local
	of *brokers
}

func (b *brokers) make(l *socketio.Local) socketio.Broker {
	name := l.Namespace().Name()
	if !strings.HasPrefix(name, "/t-") && !strings.HasPrefix(name, "/u-") { // one that stays
		return l
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[name] != 0 {
		b.t.Errorf("two brokers of %s at once", name)
	}
	b.open[name]++
	b.made++
	return countedBroker{l, b}
}

func (c countedBroker) Close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	name := c.Namespace().Name()
	if c.of.open[name]--; c.of.open[name] == 0 {
		delete(c.of.open, name)
	}
	return errors.New("the log hears of it")
}

func (c countedBroker) Broadcast(b *socketio.Broadcast) error {
	c.of.mu.Lock()
	if c.of.open[c.Namespace().Name()] != 1 {
		c.of.t.Errorf("a broadcast through the closed broker of %s", c.Namespace().Name())
	}
	c.of.mu.Unlock()
	return c.Local.Broadcast(b)
}

// count returns how many brokers there are, and were made.
func (b *brokers) count() (open, made int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open), b.made
}

// wants checks how many brokers there are, and dynamic namespaces.
func (b *brokers) wants(h *host, open, made int) {
	b.t.Helper()
	synctest.Wait()
	if o, m := b.count(); o != open || m != made || h.Dynamics() != open {
		b.t.Fatalf("%d brokers of %d made, %d namespaces; want %d of %d", o, m, h.Dynamics(), open, made)
	}
}

func dynamicBubble(t *testing.T, name string, opts socketio.Options, f func(t *testing.T, h *host, b *brokers)) {
	b := &brokers{t: t, open: make(map[string]int)}
	opts.Broker = b.make
	bubble(t, name, &opts, func(t *testing.T, h *host) {
		b.t = t
		f(t, h, b)
		synctest.Wait()
	})
	if open, _ := b.count(); open != 0 {
		t.Errorf("%d brokers are left", open)
	}
}

func TestDynamicLifetime(t *testing.T) {
	dynamicBubble(t, "from the first socket to the last", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		n := h.dynamic("/t-", nil)
		c, d := h.ws(), h.ws()
		b.wants(h, 0, 0)
		c.join("/t-1")
		b.wants(h, 1, 1)
		d.join("/t-1")
		d.join("/t-2")
		b.wants(h, 2, 2)
		if n.Len() != 3 || n.Name() != "/t-*" {
			t.Errorf("%s has %d sockets, want 3", n.Name(), n.Len())
		}
		c.send("41/t-1,")
		d.send("41/t-2,")
		b.wants(h, 1, 2)
		d.alive("/t-1")
		d.conn.Close()
		b.wants(h, 0, 2)
		c.join("/t-1")
		b.wants(h, 1, 3)
		c.alive("/t-1")
	})

	dynamicBubble(t, "the undecided", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		decide := make(chan *socketio.Refusal)
		h.dynamic("/t-", deciding(decide))
		c, d := h.ws(), h.ws()
		c.send("40/t-1,")
		b.wants(h, 1, 1)
		d.send("40/t-1,")
		synctest.Wait()
		decide <- &socketio.Refusal{Message: "no"}
		b.wants(h, 1, 1) // there is still one who waits
		decide <- nil
		b.wants(h, 1, 1)
		c.conn.Close()
		d.conn.Close()
		b.wants(h, 0, 1)
	})

	dynamicBubble(t, "the connection ends meanwhile", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		decide := make(chan *socketio.Refusal)
		h.dynamic("/t-", deciding(decide))
		c := h.ws()
		c.send("40/t-1,")
		synctest.Wait()
		c.conn.Close()
		b.wants(h, 1, 1)
		decide <- nil
		b.wants(h, 0, 1)
	})

	bubble(t, "the connection ends before", nil, func(t *testing.T, h *host) {
		matched := make(chan bool)
		h.OfFunc("*", func(string) bool { return <-matched }, refuser{})
		c := h.ws()
		c.send("40/t-1,")
		h.sessionEnds("transport error") // the client does not read; the function makes all wait
		matched <- true
		if synctest.Wait(); h.Dynamics() != 0 {
			t.Errorf("%d namespaces, want none", h.Dynamics())
		}
	})

	dynamicBubble(t, "the handlers of those who left", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		release := make(chan bool)
		var n *nsp
		n = h.dynamic("/t-", &nsp{onDisconnect: func(s *socketio.Socket, _ socketio.Reason) {
			<-release
			if err := errors.Join(s.Broadcast().Emit("left"), s.Namespace().All().Emit("left"), n.All().Emit("left")); err != nil {
				t.Error(err)
			}
		}})
		c, d := h.ws(), h.ws()
		c.join("/t-1")
		c.send("41/t-1,")
		b.wants(h, 1, 1)
		d.join("/t-1") // into the same
		b.wants(h, 1, 1)
		close(release)
		d.want(`42/t-1,["left"]`, `42/t-1,["left"]`, `42/t-1,["left"]`)
		d.send("41/t-1,")
		b.wants(h, 0, 1)
	})

	dynamicBubble(t, "handlers that end their goroutine", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		g := &goexits{}
		h.OfFunc("/t-*", func(string) bool { return true }, g)
		for _, at := range []string{"connect", "event", "disconnecting", "disconnect"} {
			g.at = at
			c := h.ws()
			c.send("40/t-1,", `42/t-1,["e"]`, "41/t-1,")
			synctest.Wait()
			c.conn.Close()
			if synctest.Wait(); h.Dynamics() != 0 {
				t.Errorf("%d namespaces are left behind runtime.Goexit at %s", h.Dynamics(), at)
			}
		}
	})

	dynamicBubble(t, "shutdown", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		h.dynamic("/t-", nil)
		c := h.ws()
		for i := range 10 {
			c.join(fmt.Sprintf("/t-%d", i))
		}
		b.wants(h, 10, 10)
		ctx, cancel := h.bound()
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		b.wants(h, 0, 10)
	})
}

// goexits is a handler that ends its goroutine.
type goexits struct{ at string }

func (g *goexits) do(at string) {
	if g.at == at {
		runtime.Goexit()
	}
}

func (g *goexits) Connect(*socketio.Socket) *socketio.Refusal {
	g.do("connect")
	return nil
}
func (g *goexits) Event(*socketio.Socket, *socketio.Event)         { g.do("event") }
func (g *goexits) Disconnecting(*socketio.Socket, socketio.Reason) { g.do("disconnecting") }
func (g *goexits) Disconnect(*socketio.Socket, socketio.Reason)    { g.do("disconnect") }

func TestDynamicHandle(t *testing.T) {
	dynamicBubble(t, "handles", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		n := h.dynamic("/t-", nil)
		for _, name := range []string{"/", "/other", "", "/t-,", "/t-\xff", "/t-" + strings.Repeat("x", 256)} {
			if h.Dynamic(name) != nil {
				t.Errorf("a handle of %.20q", name)
			}
		}
		one := h.Dynamic("/t-1")
		if one.Name() != "/t-1" || one.Handler() != socketio.Handler(n) {
			t.Errorf("the handle of /t-1 is one of %s", one.Name())
		}
		kept := one.All().To("room")
		emit := func(what string) {
			t.Helper()
			if err := errors.Join(one.All().Emit(what), kept.Emit(what+" in room")); err != nil {
				t.Fatal(err)
			}
		}
		made := 0
		for range 3 {
			emit("nobody")
			made += 2
			b.wants(h, 0, made) // created on use, and dropped
			if one.Len() != 0 || one.Socket("x") != nil {
				t.Fatalf("%d sockets in a namespace that is not there", one.Len())
			}
			c := h.ws()
			id := c.join("/t-1")
			made++
			s := n.socket()
			if one.Len() != 1 || one.Socket(id) != s || n.Socket(id) != s || s.Namespace().Socket(id) != s || s.Namespace().Len() != 1 {
				t.Error("the socket can't be found")
			}
			if err := one.All().Join("room"); err != nil {
				t.Fatal(err)
			}
			emit("hello")
			c.want(`42/t-1,["hello"]`, `42/t-1,["hello in room"]`)
			b.wants(h, 1, made)
			if err := one.All().Leave("room"); err != nil {
				t.Fatal(err)
			}
			emit("bye")
			c.want(`42/t-1,["bye"]`)
			if err := one.All().Disconnect(); err != nil {
				t.Fatal(err)
			}
			c.want("41/t-1,")
			b.wants(h, 0, made)
			if err := s.Broadcast().Emit("from beyond"); err != nil { // of a socket that is kept
				t.Fatal(err)
			}
			made++
			c.conn.Close()
			n.wants("connect")
			n.leaves("server namespace disconnect")
		}
		if err := one.All().Emit("bad", func() {}); err == nil {
			t.Error("what can't be encoded was emitted")
		}
	})

	dynamicBubble(t, "parent", socketio.Options{}, func(t *testing.T, h *host, b *brokers) {
		n, other := h.dynamic("/t-", nil), h.dynamic("/u-", nil)
		c, d := h.ws(), h.ws()
		c.join("/t-1")
		n.socket().Join("room")
		c.join("/u-1")
		other.socket().Join("room")
		d.join("/t-1")
		id := d.join("/t-2")
		all := n.All()
		for _, err := range []error{all.Emit("all"), all.To("room").Emit("room"), all.Except(id, "room").Emit("few"), all.To("no room").Emit("none")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		c.want(`42/t-1,["all"]`, `42/t-1,["room"]`)
		c.alive("/u-1")
		var got []string
		for range 3 {
			got = append(got, d.read())
		}
		slices.Sort(got) // there is no order among namespaces
		if want := []string{`42/t-1,["all"]`, `42/t-1,["few"]`, `42/t-2,["all"]`}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := errors.Join(all.Join("new"), all.To("room").Leave("new")); err != nil {
			t.Fatal(err)
		}
		if err := all.To("new").Emit("new"); err != nil {
			t.Fatal(err)
		}
		got = []string{d.read(), d.read()}
		if slices.Sort(got); got[0] != `42/t-1,["new"]` || got[1] != `42/t-2,["new"]` {
			t.Errorf("got %q", got)
		}
		c.alive("/t-1")
		if err := all.Emit("bad", math.NaN()); err == nil {
			t.Error("what can't be encoded was emitted")
		}
		if err := all.Disconnect(); err != nil {
			t.Fatal(err)
		}
		c.want("41/t-1,")
		c.alive("/u-1")
		b.wants(h, 1, 3)
		if n.Len() != 0 || n.Socket(id) != nil {
			t.Errorf("%d sockets are left", n.Len())
		}
		if err := all.Emit("nobody"); err != nil {
			t.Error(err)
		}
		b.wants(h, 1, 3)
	})
}

func TestDynamicOrder(t *testing.T) {
	bubble(t, "exact first, then in order", nil, func(t *testing.T, h *host) {
		calls := 0
		first := &nsp{}
		first.init(h, func() *socketio.Namespace {
			return h.OfFunc("first", func(name string) bool { calls++; return strings.HasPrefix(name, "/t-1") }, first)
		})
		second := h.dynamic("/t-", nil)
		exact := h.of("/t-11", nil)
		c := h.ws()
		c.join("/t-11")
		exact.wants("connect")
		if calls != 0 {
			t.Error("a function was asked for an exact name")
		}
		c.join("/t-1")
		first.wants("connect")
		c.join("/t-2")
		second.wants("connect")
		if calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
		d := h.ws()
		d.join("/t-1")
		d.join("/t-2")
		if calls != 2 {
			t.Error("a function was asked for a name that is there")
		}
		d.send("40/x,")
		d.want(`44/x,{"message":"Invalid namespace"}`)
	})

	bubble(t, "an exact one that comes late", nil, func(t *testing.T, h *host) {
		dynamic := h.dynamic("/t-", nil)
		c, d := h.ws(), h.ws()
		c.join("/t-1")
		dynamic.wants("connect")
		exact := h.of("/t-1", nil)
		d.join("/t-1")
		exact.wants("connect")
		c.alive("/t-1") // where it was
		dynamic.wants("event alive")
		c.send("41/t-1,")
		dynamic.leaves("client namespace disconnect")
		c.join("/t-1")
		exact.wants("connect")
	})
}
