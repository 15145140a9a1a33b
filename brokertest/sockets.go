package brokertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

var sockets = []check{
	{name: "are described with rooms, data and handshake", servers: 3, run: described},
	{name: "are described without values that can't be encoded", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b")
		const odd = "\x01\a\v\x7f\"\\\u2028"
		for name, v := range map[string]any{odd: "odd", "bad": make(chan int), "bytes": []byte("\x00\xff")} {
			if err := c.nodes[1].Socket(b.ID()).SetValue(name, v); err != nil && c.nodes[1].in.Recovery == nil {
				c.Error(err)
			}
		}
		if c.nodes[1].in.Recovery != nil { // then they are refused
			return
		}
		data := c.remote(b).Data
		if len(data) != 3 || data["name"] != "b" || data[odd] != "odd" || data["bytes"] == nil {
			c.Errorf("%q", data)
		}
	}},
	{name: "are found by rooms, except and local", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		for _, tt := range []struct {
			who string
			to  sio.Target
		}{
			{"abcd", p.from.All()},
			{"abcd", p.from.To("all")},
			{"abd", p.from.To("a and b", "b and d", "only b")},
			{"b", p.from.To(p.clients["b"].ID())},
			{"cd", p.from.Except("a and b")},
			{"ac", p.from.To("all").Except(p.clients["b"].ID(), "b and d")},
			{"", p.from.To("nobody")},
			{"", p.from.To()},
			{"", p.from.To("only b").Except("a and b")},
			{"a", p.from.Local()},
			{"", p.from.Local().To("only b")},
		} {
			got, err := tt.to.Sockets(c.soon())
			c.works(err)
			var names []string
			for _, s := range got {
				names = append(names, fmt.Sprint(s.Data["name"]))
			}
			slices.Sort(names)
			if who := strings.Join(names, ""); who != tt.who {
				c.Errorf("%q, want %q", who, tt.who)
			}
			if n, err := tt.to.Count(c.soon()); n != len(tt.who) || err != nil {
				c.Errorf("Count of %q: %d %v", tt.who, n, err)
			}
		}
	}},
	{name: "that come and go are counted", servers: 3, run: func(c *cluster) {
		count := func(n *node, want int) {
			c.Helper()
			c.eventually(func() error {
				if got, err := n.Count(c.soon()); got != want || err != nil {
					return fmt.Errorf("%d clients, %v, want %d", got, err, want)
				}
				return nil
			})
		}
		var clients []*siotest.Client
		for i := range 6 {
			clients = append(clients, c.client(c.nodes[i%3], fmt.Sprint(i)))
			count(c.nodes[0], i+1)
		}
		for i, x := range clients {
			x.Disconnect()
			count(c.nodes[0], 5-i)
		}
	}},
	{name: "of another server can be emitted to, and asked", servers: 2, run: func(c *cluster) {
		b, other := c.client(c.nodes[1], "b", "room"), c.client(c.nodes[1], "other", "room")
		c.settle()
		r := c.remote(b)
		c.works(r.Emit("event", []byte("x")), r.Compress(false).Emit("plain"))
		b.Expect("event").Is([]byte("x"))
		b.Expect("plain").Is()
		behind := r.Emit
		if c.nodes[0].in.Overtaken {
			behind = r.Volatile().Emit
		}
		c.eventually(func() error { // the client may not be ready
			c.works(r.Volatile().Emit("volatile"), behind("kept"))
			if b.Next().Name() == "volatile" {
				b.Expect("kept")
				return nil
			}
			return errors.New("no volatile event arrives")
		})
		c.works(r.To("room").Emit("others"), r.Broadcast().Emit("others"))
		other.Expect("others")
		other.Expect("others")
		c.mark(c.nodes[0], b, other)

		type answer struct {
			text string
			err  error
		}
		done := make(chan answer, 1)
		go func() { // until it is answered
			args, err := r.EmitWithAck(c.soon(), "q", 1)
			done <- answer{string(args.Raw(0)), err}
		}()
		b.Expect("q").Is(1).Ack("yes")
		if got := receive(c, done, "the answer"); got.err != nil || got.text != `"yes"` {
			c.Errorf("%v", got)
		}
		c.quick("EmitWithAck with a Timeout", short, func() {
			if _, err := r.Timeout(short).EmitWithAck(c.soon(), "q"); err == nil {
				c.Error("an answer has come")
			}
		})
		b.Expect("q")
	}},
	{name: "of another server can be put into rooms, and disconnected", servers: 2, run: func(c *cluster) {
		b, other := c.client(c.nodes[1], "b", "old"), c.client(c.nodes[1], "other", "old")
		c.settle()
		r := c.remote(b)
		c.works(r.Join("new", "newer"), r.Leave("old", "never"))
		c.works(c.nodes[0].To("new").Emit("new"), c.nodes[0].To("old").Emit("old"))
		b.Expect("new")
		other.Expect("old")
		c.mark(c.nodes[0], b, other)
		rooms := c.remote(b).Rooms
		slices.Sort(rooms)
		if want := []string{"new", "newer"}; !slices.Equal(rooms, want) {
			c.Errorf("rooms %q, want %q", rooms, want)
		}
		c.works(r.Disconnect())
		b.ExpectDisconnect(siotest.ServerDisconnect)
		c.mark(c.nodes[0], other)
		c.quick("EmitWithAck to a socket that has left", 0, func() {
			if _, err := r.EmitWithAck(c.soon(), "q"); !errors.Is(err, sio.ErrClosed) {
				c.Errorf("error %v, want ErrClosed", err)
			}
		})
		c.works(r.Emit("nobody"), r.Join("nobody"), r.Leave("nobody"), r.Disconnect(true)) // do nothing
		c.mark(c.nodes[0], other)
	}},
	{name: "of all servers can be put into rooms, and taken out", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		c.works(p.from.Join("new"))
		p.get("abcd", p.from.To("new"))
		c.works(p.from.Except("b and d").Leave("new", "nobody"))
		p.get("bd", p.from.To("new"))
		c.works(p.from.Local().Join("local"))
		p.get("a", p.from.To("local"))
		c.works(p.from.To("all").Except("a and b").Join("one", "two"))
		p.get("cd", p.from.To("one"))
		p.get("cd", p.from.To("two"))
		c.works(p.from.Local().Leave("all"))
		p.get("bcd", p.from.To("all"))
	}},
	{name: "of all servers can be disconnected, with their connections", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		nsp := "/other"
		for _, n := range c.nodes {
			n.nsp(nsp)
		}
		b := p.clients["b"].Of(nsp, map[string]any{"name": "b"})
		c.settle(nsp)
		c.works(p.from.To("only b").Disconnect())
		p.clients["b"].ExpectDisconnect(siotest.ServerDisconnect)
		c.works(p.from.Of(nsp).Emit("event"))
		b.Expect("event")
		c.works(p.from.Of(nsp).Disconnect(true))
		b.ExpectDisconnect(siotest.ServerDisconnect)
		c.works(p.from.Except("a and b").Disconnect(true))
		for _, name := range []string{"c", "d"} {
			p.clients[name].ExpectDisconnect(siotest.ServerDisconnect)
		}
		c.mark(p.from, p.clients["a"])
		for i, want := range []int{1, 0, 0} {
			c.eventually(func() error {
				if n := c.nodes[i].Connections(); n != want {
					return fmt.Errorf("server %d has %d connections, want %d", i, n, want)
				}
				return nil
			})
		}
	}},
}

// remote returns the description that the first server gets of a client.
func (c *cluster) remote(x *siotest.Client) sio.RemoteSocket {
	c.Helper()
	got, err := c.nodes[0].To(x.ID()).Sockets(c.soon())
	c.works(err)
	if len(got) != 1 {
		c.Fatalf("%d sockets of one id", len(got))
	}
	return got[0]
}

// described compares what a server says of sockets with what the others say of them.
func described(c *cluster) {
	for i, n := range c.nodes {
		x := siotest.Connect(c, n.Server, &siotest.Options{
			Auth:    map[string]any{"name": fmt.Sprint("näme ", i), "rooms": oddNames[i*5 : i*10]},
			Query:   url.Values{"q": {"a b", "ü&"}, "x": {""}},
			Header:  http.Header{"X-Number": {fmt.Sprint(i)}, "User-Agent": {"brokertest \"quoted\""}},
			Timeout: patience,
		})
		s := n.Socket(x.ID())
		c.works(s.SetValue("object", map[string]any{"list": []int{1, 2}, "text": "😀\u2028", "nothing": nil}))
		c.works(s.SetValue("0", 1.5))
		_ = s.SetValue(struct{}{}, "not under a string") // it fails where values follow their clients
	}
	c.settle()
	want := map[string]string{}
	for _, n := range c.nodes {
		got, err := n.Local().Sockets(c.soon())
		c.works(err)
		for _, s := range got {
			want[s.ID] = describe(c, s)
		}
	}
	for _, n := range c.nodes {
		all, err := n.Sockets(c.soon())
		c.works(err)
		got := map[string]string{}
		for _, s := range all {
			got[s.ID] = describe(c, s)
		}
		if len(all) != 3 || !maps.Equal(got, want) {
			c.Errorf("%d sockets: %v\nwant %v", len(all), got, want)
		}
	}
}

func describe(c *cluster, s sio.RemoteSocket) string {
	c.Helper()
	slices.Sort(s.Rooms)
	data, err := json.Marshal(s.Data)
	c.works(err)
	h := s.Handshake
	return fmt.Sprintf("rooms %q data %s issued %v from %s %v %v url %s headers %v query %v",
		s.Rooms, data, h.Issued.Truncate(time.Millisecond).UTC(), h.Address, h.Secure, h.CrossDomain, h.URL, h.Headers, h.Query())
}

// same tells whether two texts are the same as JSON.
func same(a, b []byte) bool {
	var v, w any
	return json.Unmarshal(a, &v) == nil && json.Unmarshal(b, &w) == nil && reflect.DeepEqual(v, w)
}
