package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
)

// askPatience is how long a client may take to show that it is there.
const askPatience = 3 * time.Second

// A client that is there keeps its socket, whoever shows its pid.
func TestRecoveryLeavesTheLiving(t *testing.T) {
	bubble(t, "websocket", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, s := begin(h, n)
		packets := g.answers()
		g.fresh(time.Now(), 0)
		for range 3 { // at most once a second it is asked
			g.fresh(time.Now(), time.Second)
		}
		whole(t, n, s)
		done(t, n.All().To("room").Emit("news"))
		if p := <-packets; !strings.HasPrefix(p, `42["news",`) {
			t.Errorf("packet %s", p)
		}
		g.conn.Close()
		synctest.Wait()
		if !g.come() {
			t.Error("the client itself is not recovered")
		}
		g.hears("news")
	})
	bubble(t, "one that shows an offset that it can't have is not asked", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, s := begin(h, n)
		bad := *g
		bogus := "bogus"
		bad.offset = &bogus
		bad.fresh(time.Now(), 0)
		whole(t, n, s)
		g.quiet(n) // no ping
	})
	polls := func(t *testing.T, h *host, n *nsp) (poller, *socketio.Socket, *guest) {
		p := h.poll()
		p.send("40")
		g := &guest{h: h, nsp: "/"}
		if _, err := fmt.Sscanf(p.get().body, `40{"sid":"%20s","pid":"%20s"}`, &g.sid, &g.pid); err != nil {
			t.Fatal(err)
		}
		n.wants("connect")
		s := n.socket()
		s.SetValue("k", 1)
		done(t, s.Join("room"))
		return p, s, g
	}
	bubble(t, "polling", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		p, s, g := polls(t, h, n)
		go func() { // one ping
			p.get().want(t, 200, "2")
			p.send("3")
		}()
		synctest.Wait()
		g.fresh(time.Now(), 0)
		whole(t, n, s)
	})
	bubble(t, "between two polls", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		p, s, g := polls(t, h, n)
		start := time.Now()
		_, result := g.comes()
		time.Sleep(askPatience - time.Millisecond)
		p.get().want(t, 200, "2")
		p.send("3")
		if <-result {
			t.Error("recovered")
		}
		after(t, start, askPatience-time.Millisecond)
		whole(t, n, s)
	})
	o := recovering(socketio.Recovery{})
	o.EventQueue = 2
	bubble(t, "paused", o, func(t *testing.T, h *host) {
		goOn := make(chan struct{})
		n := h.of("/", nil)
		n.onEvent = func(*socketio.Socket, *socketio.Event) { <-goOn }
		g, s := begin(h, n)
		for range 3 {
			g.send(`42["work"]`)
			synctest.Wait() // the first is being handled, and two wait
		}
		go g.tryRead() // the ping
		g.fresh(time.Now(), askPatience)
		whole(t, n, s)
		close(goOn)
	})
}

// A client whose connection is dead, and nobody knows yet, is back when it has not shown
// otherwise, or as soon as the end is known.
func TestRecoveryOfTheDead(t *testing.T) {
	bubble(t, "silence", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, s := begin(h, n)
		g.unread()
		done(t, n.All().To("room").Emit("missed"))
		start := time.Now()
		if !g.come() {
			t.Fatal("not recovered")
		}
		after(t, start, askPatience)
		g.hears("missed")
		n.wants("connect")
		n.leaves("transport close")
		if s.Connected() {
			t.Error("the old socket is still there")
		}
		whole(t, n, n.socket())
	})
	bubble(t, "the end comes meanwhile", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, _ := begin(h, n)
		closed := g.unread()
		start := time.Now()
		_, result := g.comes()
		time.Sleep(time.Second)
		closed()
		if !<-result {
			t.Error("not recovered")
		}
		after(t, start, time.Second)
		whole(t, n, n.socket())
	})
	bubble(t, "who leaves meanwhile is not to come back", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, _ := begin(h, n)
		_, result := g.comes()
		g.send("41")
		g.want("2")
		g.send("3")
		if <-result {
			t.Error("recovered")
		}
	})
	bubble(t, "the newcomer leaves meanwhile", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, s := begin(h, n)
		c := h.ws()
		c.send("40" + g.payload())
		synctest.Wait()
		c.conn.Close()
		synctest.Wait()
		g.want("2")
		whole(t, n, s)
		time.Sleep(3 * askPatience)
		whole(t, n, s)
		n.silent()
	})
	bubble(t, "the server shuts down meanwhile", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, _ := begin(h, n)
		g.unread()
		c := h.ws()
		c.send("40" + g.payload())
		synctest.Wait()
		start := time.Now()
		go c.tryRead()
		h.Shutdown(context.Background())
		if d := time.Since(start); d >= askPatience {
			t.Errorf("after %v", d)
		}
		n.leaves("server shutting down")
	})
}

// While the connect handler decides on who says that it is a client, that stays whole.
func TestRecoveryChangesNothingBeforeTheHandlerHasAccepted(t *testing.T) {
	deciding, decide := make(chan *socketio.Socket), make(chan *socketio.Refusal)
	set := func(h *host) *nsp {
		deciding, decide = make(chan *socketio.Socket), make(chan *socketio.Refusal)
		n := h.of("/", nil)
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			if !s.Recovered() {
				return nil
			}
			deciding <- s
			return <-decide
		}
		return n
	}
	bubble(t, "refused, the owner goes on", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := set(h)
		g, s := begin(h, n)
		c := h.ws()
		c.send("40" + g.payload())
		other := <-deciding
		g.want("2")
		whole(t, n, s)
		if other.ID() != s.ID() || other.Value("k") != 1 || !slices.Equal(other.Rooms(), []string{"room"}) {
			t.Errorf("id %s, value %v, rooms %v", other.ID(), other.Value("k"), other.Rooms())
		}
		other.SetValue("k", 2)
		done(t, other.Join("more"), other.Emit("secret"), n.All().Emit("for all"))
		other.Leave("room")
		whole(t, n, s)
		if slices.Contains(n.Rooms(), "more") {
			t.Error("a room has who was not accepted")
		}
		decide <- &socketio.Refusal{Message: "no"}
		c.want(`44{"message":"no"}`)
		n.wants("refuse")
		whole(t, n, s)
		g.hears("for all")
		if err := other.Join("more"); err != socketio.ErrClosed {
			t.Errorf("Join of who was refused: %v", err)
		}
		g.cut(n)
		done(t, n.All().To("room").Emit("missed"))
		_, result := g.comes()
		<-deciding
		decide <- nil
		if !<-result {
			t.Error("the owner is not recovered later")
		}
	})
	bubble(t, "accepted, but the owner has answered by then", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := set(h)
		g, s := begin(h, n)
		c := h.ws()
		c.send("40" + g.payload())
		<-deciding
		g.want("2")
		g.send("3")
		synctest.Wait()
		decide <- nil
		if _, _, err := c.tryRead(); err != errRestart { // it has been told that it is the client
			t.Fatalf("error %v", err)
		}
		whole(t, n, s)
	})
	bubble(t, "accepted, all of that moves at once", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := set(h)
		g, s := begin(h, n)
		g.unread()
		done(t, s.Join("left", "left by the handler"), n.All().To("room").Emit("1"))
		again, result := g.comes()
		other := <-deciding
		done(t, other.Join("new"), other.Emit("welcome"), n.All().To("new").Emit("2"), n.All().To("left by the handler").Emit("3"))
		other.Leave("left by the handler")
		s.Leave("left")
		done(t, s.Join("late"), n.All().To("left by the handler").Emit("not"), n.All().To("left").Emit("not"), n.All().To("late").Emit("4"),
			n.All().To(s.ID()).Emit("5"), other.To("room", "new").Emit("but the sender"))
		decide <- nil
		if !<-result {
			t.Fatal("not recovered")
		}
		again.hears("1", "2", "3", "4", "5", "welcome")
		n.wants("connect")
		n.leaves("transport close")
		now := n.Socket(g.sid)
		rooms := now.Rooms()
		slices.Sort(rooms)
		if now != other || !slices.Equal(rooms, []string{"late", "new", "room"}) {
			t.Errorf("rooms %v", rooms)
		}
		// And it has not got anything that would come twice.
		again.cut(n)
		done(t, n.All().To("new").Emit("6"))
		_, result = again.comes()
		<-deciding
		decide <- nil
		if !<-result {
			t.Fatal("not recovered again")
		}
	})
	bubble(t, "one that is away waits longer than ever", recovering(socketio.Recovery{Window: 10 * time.Second}), func(t *testing.T, h *host) {
		n := set(h)
		g, _ := begin(h, n)
		g.cut(n)
		done(t, n.All().To("room").Emit("missed"))
		time.Sleep(9 * time.Second)
		again, result := g.comes()
		<-deciding
		time.Sleep(9 * time.Second)
		decide <- nil
		if !<-result {
			t.Fatal("not recovered")
		}
		again.hears("missed")
	})
	bubble(t, "events that are gone meanwhile", recovering(socketio.Recovery{MaxBytes: 2000}), func(t *testing.T, h *host) {
		n := set(h)
		g, _ := begin(h, n)
		g.cut(n)
		c := h.ws()
		c.send("40" + g.payload())
		<-deciding
		for range 10 {
			done(t, n.All().To("room").Emit("much", strings.Repeat("x", 500)))
		}
		decide <- nil
		if _, _, err := c.tryRead(); err != errRestart { // nothing else can be true
			t.Fatalf("error %v", err)
		}
		if g.come() {
			t.Error("recovered")
		}
	})
}

// Of those who show one pid at a time one gets it, the last of those who wait.
func TestRecoveryIsForTheLast(t *testing.T) {
	bubble(t, "of those who wait for the owner", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		g, _ := begin(h, n)
		g.unread()
		start := time.Now()
		_, first := g.comes()
		_, second := g.comes()
		if <-first {
			t.Error("the first is recovered")
		}
		after(t, start, 0)
		time.Sleep(time.Second)
		_, third := g.comes()
		if <-second {
			t.Error("the second is recovered")
		}
		after(t, start, time.Second)
		if !<-third {
			t.Error("the third is not recovered")
		}
		after(t, start, askPatience)
		whole(t, n, n.Socket(g.sid))
	})
	bubble(t, "of those who wait for the decision", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		deciding, decide := make(chan *socketio.Socket), make(chan *socketio.Refusal)
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			if !s.Recovered() {
				return nil
			}
			deciding <- s
			return <-decide
		}
		g, _ := begin(h, n)
		g.cut(n)
		c := h.ws()
		c.send("40" + g.payload())
		first := <-deciding
		_, second := g.comes()
		c.conn.Close() // the handler goes on
		now := <-deciding
		if first.Context().Err() == nil || now == first {
			t.Error("two are being decided on")
		}
		decide <- nil // one of them
		decide <- nil
		if !<-second {
			t.Error("the second is not recovered")
		}
		whole(t, n, now)
	})
}

// Who is back does not wait for the handlers of the socket that it was.
func TestRecoveryDoesNotWaitForHandlers(t *testing.T) {
	for name, set := range map[string]func(n *nsp, goOn chan struct{}){
		"of an event": func(n *nsp, goOn chan struct{}) { n.onEvent = func(*socketio.Socket, *socketio.Event) { <-goOn } },
		"disconnecting": func(n *nsp, goOn chan struct{}) {
			n.onDisconnecting = func(*socketio.Socket, socketio.Reason) { <-goOn }
		},
		"of a disconnect": func(n *nsp, goOn chan struct{}) { n.onDisconnect = func(*socketio.Socket, socketio.Reason) { <-goOn } },
	} {
		bubble(t, name, recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
			goOn := make(chan struct{})
			n := h.of("/", nil)
			g, s := begin(h, n)
			set(n, goOn)
			g.send(`42["work"]`)
			synctest.Wait()
			g.conn.Close()
			synctest.Wait()
			done(t, n.All().To("room").Emit("missed"))
			start := time.Now()
			if !g.come() {
				t.Fatal("not recovered")
			}
			after(t, start, 0)
			g.hears("missed")
			now := n.socket()
			whole(t, n, now)
			s.SetValue("k", 2) // its own by now
			close(goOn)
			synctest.Wait()
			whole(t, n, now)
			g.quiet(n)
		})
	}
	bubble(t, "what they set in time is there", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		n.onDisconnect = func(s *socketio.Socket, _ socketio.Reason) { s.SetValue("left", true) }
		g, _ := begin(h, n)
		g.cut(n)
		synctest.Wait()
		if !g.come() {
			t.Fatal("not recovered")
		}
		if n.socket().Value("left") != true {
			t.Error("the value is lost")
		}
	})
}
