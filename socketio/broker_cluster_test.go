package socketio_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// A cluster is two servers, a and b, with a client each, a and b too. Both are
// in the room "both".
type cluster struct {
	hosts   map[string]*host
	nsps    map[string]*clusterNsp
	clients map[string]*client
	ids     map[string]string
	mesh    *mesh
}

// A clusterNsp hears the events of other servers.
type clusterNsp struct {
	nsp
	heard chan string // event and arguments
}

func (n *clusterNsp) ServerEvent(_ context.Context, _ *socketio.Namespace, event string, args parser.Args) (any, error) {
	n.heard <- event + " " + string(args.Raw(0))
	switch event {
	case "fail":
		return nil, errors.New("no")
	case "unknown":
		return nil, socketio.ErrNoHandler
	}
	return map[string]any{"on": n.t.Name(), "echo": args.Len(), "bytes": []byte("xyz")}, nil
}

func inCluster(t *testing.T, name string, f func(t *testing.T, c *cluster)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cluster{map[string]*host{}, map[string]*clusterNsp{}, map[string]*client{}, map[string]string{}, &mesh{}}
			t.Cleanup(c.mesh.close)
			for _, name := range []string{"a", "b"} {
				h := newPipeHost(t, &socketio.Options{Engine: quiet, Broker: c.mesh.broker(name)})
				n := &clusterNsp{heard: make(chan string, 10)}
				n.nsp.h, n.nsp.t = h, t
				n.journal = make(chan string, 1024)
				n.sockets = make(chan *socketio.Socket, 1024)
				n.lives = make(map[*socketio.Socket]*life)
				n.Namespace = h.Of("/", n)
				h.nsps = append(h.nsps, &n.nsp)
				ws := h.ws()
				c.hosts[name], c.nsps[name], c.clients[name], c.ids[name] = h, n, ws, ws.join("/")
				s := n.socket()
				s.SetValue("name", name)
				s.SetValue(struct{}{}, "not under a string")
				works(t, s.Join("both", "room "+name))
			}
			f(t, c)
		})
	})
}

// gets checks that each of the clients gets the packet, and the others nothing.
func (c *cluster) gets(t *testing.T, who, packet string) {
	t.Helper()
	synctest.Wait()
	for name, ws := range c.clients {
		if slices.Contains([]byte(who), name[0]) {
			ws.want(packet)
		}
		ws.alive("/")
	}
}

// TestCluster joins two servers by a broker that is not in memory: each
// operation, from the one to the other.
func TestCluster(t *testing.T) {
	inCluster(t, "broadcast", func(t *testing.T, c *cluster) {
		a := c.nsps["a"]
		self := a.Socket(c.ids["a"])
		for _, tt := range []struct {
			to   socketio.Target
			want string
		}{
			{a.All(), "ab"},
			{a.All().To("both").Volatile().Compress(false), "ab"},
			{a.All().To("room b"), "b"},
			{a.All().Except("room a"), "b"},
			{a.All().Local(), "a"},
			{a.All().Local().To("room b"), ""},
			{a.All().To(c.ids["b"]), "b"},
			{self.Broadcast(), "b"},
			{self.To("both"), "b"},
			{self.Local(), ""},
		} {
			synctest.Wait() // for the last writes to be over: volatile packets do not wait
			works(t, tt.to.Emit("e", "x", 1))
			c.gets(t, tt.want, `42["e","x",1]`)
		}
		works(t, a.All().To("room b").Emit("e", []byte("xyz")))
		c.clients["b"].want(`451-["e",{"_placeholder":true,"num":0}]`)
		c.clients["b"].wantBinary("xyz")
	})
	inCluster(t, "answers", func(t *testing.T, c *cluster) {
		a := c.nsps["a"]
		done := askAll(t.Context(), a.All())
		c.clients["a"].want(`420["q"]`)
		c.clients["b"].want(`420["q"]`)
		c.clients["b"].send(`430["from b"]`)
		c.clients["a"].send(`430["from a"]`)
		got := <-done
		said := map[string]string{}
		for _, x := range got.answers {
			said[x.ID] = string(x.Args.Raw(0))
		}
		if want := map[string]string{c.ids["a"]: `"from a"`, c.ids["b"]: `"from b"`}; got.err != nil || !maps.Equal(said, want) {
			t.Errorf("%v %v, want %v", said, got.err, want)
		}

		done = askAll(t.Context(), a.All().Timeout(time.Second)) // b does not answer
		c.clients["a"].want(`421["q"]`)
		c.clients["b"].want(`421["q"]`)
		c.clients["a"].send(`431[]`)
		if got := <-done; !errors.Is(got.err, context.DeadlineExceeded) || len(got.answers) != 1 || got.answers[0].ID != c.ids["a"] {
			t.Errorf("%v", got)
		}
		synctest.Wait()
		if n := c.nsps["b"].Socket(c.ids["b"]).PendingAcks(); n != 0 {
			t.Errorf("%d acks are still waited for", n)
		}

		done = askAll(t.Context(), a.All().To("room b")) // b leaves
		c.clients["b"].want(`422["q"]`)
		c.clients["b"].send("41")
		if got := <-done; got.err != nil || len(got.answers) != 1 || got.answers[0].Err == nil {
			t.Errorf("%v", got)
		}
	})
	inCluster(t, "sockets", func(t *testing.T, c *cluster) {
		a := c.nsps["a"]
		for room, want := range map[string]string{"both": "ab", "room b": "b", "nobody": ""} {
			sockets, err := a.All().To(room).Sockets(t.Context())
			works(t, err)
			names := ""
			for _, s := range sockets {
				names += s.Data["name"].(string)
				if len(s.Data) != 1 || s.ID != c.ids[s.Data["name"].(string)] || len(s.Rooms) != 2 || s.Handshake.Issued.IsZero() || s.Handshake.Address != "pipe" {
					t.Errorf("%+v", s)
				}
			}
			n, err := a.All().To(room).Count(t.Context())
			if err != nil || n != len(want) || names != want {
				t.Errorf("%s: %d %q %v, want %q", room, n, names, err, want)
			}
		}
		if n, err := a.All().Local().Count(t.Context()); err != nil || n != 1 {
			t.Errorf("%d %v", n, err)
		}
		sockets, err := a.All().To("room b").Sockets(t.Context())
		works(t, err)
		b := sockets[0]
		works(t, b.Join("new"), b.Leave("both"), b.Emit("hello"))
		c.clients["b"].want(`42["hello"]`)
		if rooms := c.nsps["b"].Socket(b.ID).Rooms(); !slices.Contains(rooms, "new") || slices.Contains(rooms, "both") {
			t.Errorf("rooms %q", rooms)
		}
		done := ask(t.Context(), b)
		c.clients["b"].want(`420["q"]`)
		c.clients["b"].send(`430["yes"]`)
		if got := <-done; got.err != nil || string(got.args.Raw(0)) != `"yes"` {
			t.Errorf("%s %v", got.args.Raw(0), got.err)
		}
		synctest.Wait()
		works(t, b.Volatile().Compress(false).Emit("volatile"))
		c.gets(t, "b", `42["volatile"]`)
		works(t, b.To("both").Emit("others"))
		c.gets(t, "a", `42["others"]`)
		works(t, b.Disconnect())
		c.clients["b"].want("41")
		synctest.Wait()
		if _, err := b.EmitWithAck(t.Context(), "q"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
	inCluster(t, "joins and disconnects", func(t *testing.T, c *cluster) {
		a := c.nsps["a"]
		works(t, a.All().To("both").Except("room a").Join("new"), a.All().To("new").Emit("e"))
		c.gets(t, "b", `42["e"]`)
		works(t, a.All().Local().Join("here"), a.All().To("here").Emit("e"))
		c.gets(t, "a", `42["e"]`)
		works(t, a.All().Leave("both"), a.All().To("both").Emit("e"))
		c.gets(t, "", "")
		works(t, a.All().Except("room a").Disconnect(true))
		c.clients["b"].want("41")
		c.clients["b"].closed()
		c.clients["a"].alive("/")
	})
	inCluster(t, "server-side events", func(t *testing.T, c *cluster) {
		a, b := c.nsps["a"], c.nsps["b"]
		works(t, a.ServerSideEmit("hello", 1))
		if got := <-b.heard; got != "hello 1" {
			t.Errorf("%q", got)
		}
		for event, want := range map[string]string{"hello": "", "fail": "no", "unknown": socketio.ErrNoHandler.Error()} {
			got, err := a.ServerSideEmitWithAck(t.Context(), event, "x", []byte("y"))
			if err != nil || len(got) != 1 || got[0].ID != "b" || (got[0].Err == nil) != (want == "") || want != "" && got[0].Err.Error() != want {
				t.Fatalf("%s: %v %v", event, got, err)
			}
			<-b.heard
			if want != "" {
				continue
			}
			var v struct {
				Echo  int
				Bytes []byte
			}
			if err := got[0].Args.Bind(&v); err != nil || v.Echo != 2 || string(v.Bytes) != "xyz" {
				t.Errorf("%v %v", v, err)
			}
		}
		if len(a.heard) != 0 {
			t.Error("the emitter hears itself")
		}
		if err := a.ServerSideEmit("connect"); !errors.Is(err, parser.ErrReservedEvent) {
			t.Errorf("%v", err)
		}
		if _, err := a.ServerSideEmitWithAck(t.Context(), "connect"); !errors.Is(err, parser.ErrReservedEvent) {
			t.Errorf("%v", err)
		}
	})
}

// works checks that nothing has failed.
func works(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
