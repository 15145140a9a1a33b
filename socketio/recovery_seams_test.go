package socketio_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// Clients of Engine.IO 3 can't be recovered, and get everything as ever.
func TestRecoveryBesideV3(t *testing.T) {
	o := recovering(socketio.Recovery{})
	o.Engine.AllowEIO3 = true
	for _, others := range []bool{false, true} {
		bubble(t, fmt.Sprint("others ", others), o, func(t *testing.T, h *host) {
			n := h.of("/", nil)
			var g *guest
			if others {
				g = h.guest("/")
				n.socket()
			}
			h.eio = "3"
			c := h.ws()
			c.want("40")
			s := n.socket()
			done(t, s.Join("room"))
			synctest.Wait() // it has been let in
			done(t, n.All().Emit("all"), n.All().To("room").Emit("room"), n.All().To(s.ID()).Emit("id"), s.Emit("direct"), s.Volatile().Emit("v"))
			c.want(`42["all"]`, `42["room"]`, `42["id"]`, `42["direct"]`, `42["v"]`)
			if others {
				g.hears("all")
			}
		})
	}
}

// Long after an event was sent it has arrived, or the client is given up: but not
// where nobody asks whether it is there, or somebody does not notice. It is not
// recovered then.
func TestRecoveryWithoutProof(t *testing.T) {
	const long = 10 * time.Minute
	opts := func() *socketio.Options { return recovering(socketio.Recovery{Window: 2 * time.Minute}) }
	comes := func(t *testing.T, g *guest) {
		t.Helper()
		if g.come() {
			t.Error("recovered")
		}
	}

	o := opts()
	o.EventQueue = 4
	bubble(t, "a connection that is not read", o, func(t *testing.T, h *host) {
		goOn := make(chan struct{})
		n := h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) { <-goOn }})
		g, s := begin(h, n)
		for range 5 {
			g.send(`42["work"]`)
			synctest.Wait() // the first is being handled, and four wait
		}
		closed := g.unread()
		done(t, s.Emit("missed"))
		time.Sleep(long)
		close(goOn)
		closed()
		n.breaks()
		done(t, n.All().Emit("later"))
		comes(t, g)
	})

	o = opts()
	o.Engine.LenientHeartbeat = true
	bubble(t, "any bytes are a sign of life", o, func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, s := begin(h, n)
		closed := g.unread()
		done(t, s.Emit("missed"))
		for range int(long / (10 * time.Second)) {
			time.Sleep(10 * time.Second)
			if err := g.trySend(`42["x"]`); err != nil {
				t.Fatal(err)
			}
			n.wants("event x")
		}
		closed()
		n.breaks()
		done(t, n.All().Emit("later"))
		comes(t, g)
	})

	bubble(t, "a handler that goes on when its client has left", opts(), func(t *testing.T, h *host) {
		goOn := make(chan struct{})
		n := h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) { <-goOn }})
		g, _ := begin(h, n)
		g.send(`42["work"]`)
		synctest.Wait()
		_ = g.conn.Close()
		synctest.Wait()
		done(t, n.All().To("room").Emit("missed"))
		time.Sleep(4 * time.Minute)
		close(goOn)
		n.breaks()
		comes(t, g)
	})
}

// Clients that are away do not keep others out of dynamic namespaces, and what
// they may have missed is bounded for all of these together.
func TestRecoveryInDynamicNamespaces(t *testing.T) {
	o := recovering(socketio.Recovery{MaxBytes: 100_000})
	o.MaxDynamicNamespaces = 40
	bubble(t, "", o, func(t *testing.T, h *host) {
		h.dynamic("/t-", &nsp{quiet: true, onConnect: func(s *socketio.Socket) *socketio.Refusal {
			for range 10 {
				_ = s.Namespace().All().Except(s.ID()).Emit("e", strings.Repeat("x", 9000))
			}
			return nil
		}})
		join := func(c *client, nsp string) {
			t.Helper()
			c.send("40" + nsp + ",")
			for {
				p := c.read()
				if strings.HasPrefix(p, "44") {
					t.Fatalf("%s: %s", nsp, p)
				}
				if strings.HasPrefix(p, "40") {
					return
				}
			}
		}
		for i := range 2 {
			c := h.ws()
			for j := range 20 {
				join(c, fmt.Sprintf("/t-%d-%d", i, j))
			}
			_ = c.conn.Close()
			synctest.Wait()
		}
		if n := h.Dynamics(); n != 40 {
			t.Fatalf("%d namespaces", n)
		}
		time.Sleep(40 * time.Second) // until all have looked
		if kept := h.KeptByDynamic(); kept < 500_000 || kept > 16*100_000 {
			t.Errorf("%d bytes are kept", kept)
		}
		c := h.ws()
		join(c, "/t-other")
		_ = c.conn.Close()
		synctest.Wait()
		time.Sleep(5 * time.Minute)
		if n, kept := h.Dynamics(), h.KeptByDynamic(); n != 0 || kept != 0 {
			t.Errorf("%d namespaces with %d bytes are left", n, kept)
		}
	})
}

// What is addressed to the id of a client waits for it, too, if the goroutine of its
// handler takes it out of the namespace before who closes it does.
func TestRecoveryOfWhoIsOvertaken(t *testing.T) {
	bubble(t, "by its handler", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, s := begin(h, n)
		s.Part()
		done(t, n.All().To(s.ID()).Emit("while it leaves"))
		g.conn.Close()
		synctest.Wait()
		if !g.come() {
			t.Error("the client is not recovered")
		}
		g.hears("while it leaves")
	})
}

// Who breaks off while what it has missed is looked for is not the client: under the
// race detector, its old id and the client's are not confused.
func TestRecoveryBrokenOffWhileItIsLookedFor(t *testing.T) {
	store := hooked(new(recovery.MemoryStore))
	h := newHost(t, recovering(socketio.Recovery{Store: store.make}))
	n := h.of("/", nil)
	g, _ := begin(h, n)
	g.cut(n)
	timetest.Receive(t, h.ended, patience, "the end of the guest's session")
	done(t, n.All().Emit("missed"))
	c := h.ws()
	store.reads = func(seq uint64) {
		if seq != 2 { // the one that was missed
			return
		}
		store.reads = nil
		c.conn.Close()
		time.Sleep(20 * time.Millisecond) // anything else would put the two in an order
	}
	c.send("40" + g.payload())
	timetest.Receive(t, h.ended, patience, "the end of the session")
	if !g.come() {
		t.Error("the client is not recovered")
	}
	g.hears("missed")
}
