package brokertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/siokit/sio"
)

var serverEvents = []check{
	{name: "events go to all others, not to who emits", servers: 3, run: func(c *cluster) {
		for i, n := range c.nodes {
			text := fmt.Sprint("from ", i)
			c.works(n.ServerSideEmit("hear", text), n.ServerSideEmit("nobody hears"))
			for j, other := range c.nodes {
				if i == j {
					continue
				}
				if got := receive(c, other.heard, "an event"); got != text {
					c.Errorf("%q, want %q", got, text)
				}
			}
		}
		c.settle()
		for i, n := range c.nodes {
			if len(n.heard) > 0 {
				c.Errorf("server %d has heard %q, too", i, <-n.heard)
			}
		}
	}},
	{name: "each of the others answers", servers: 3, run: func(c *cluster) {
		for _, v := range append(append([]any{}, values...), texts...) {
			got, err := c.nodes[0].ServerSideEmitWithAck(c.soon(), "echo", v)
			c.works(err)
			want, err := json.Marshal(v)
			c.works(err)
			if len(got) != 2 || got[0].ID == got[1].ID {
				c.Fatalf("%d answers, want one of each: %v", len(got), got)
			}
			for _, a := range got {
				if a.Err != nil || a.Args.Len() != 1 || !same(a.Args.Raw(0), want) {
					c.Errorf("%s %v, want %s", a.Args.Raw(0), a.Err, want)
				}
			}
		}
	}},
	{name: "binary both ways", servers: 3, run: func(c *cluster) {
		type deep = struct{ Deep []struct{ Bytes []byte } }
		data := deep{[]struct{ Bytes []byte }{{[]byte("\x00one")}, {[]byte("two\xff")}, {nil}}}
		got, err := c.nodes[0].ServerSideEmitWithAck(c.soon(), "bytes", data)
		c.works(err)
		if len(got) != 2 {
			c.Fatalf("%v", got)
		}
		for _, a := range got {
			var v deep
			c.works(a.Err, a.Args.Bind(&v))
			for i, d := range data.Deep {
				if !bytes.Equal(v.Deep[i].Bytes, d.Bytes) {
					c.Errorf("%q, want %q", v.Deep[i].Bytes, d.Bytes)
				}
			}
		}
	}},
	{name: "a handler's error is its server's answer", servers: 3, run: func(c *cluster) {
		for event, want := range map[string]error{"fail": nil, "nobody hears": sio.ErrNoHandler} {
			c.quick(event, 0, func() {
				got, err := c.nodes[0].ServerSideEmitWithAck(c.soon(), event)
				if err != nil || len(got) != 2 {
					c.Fatalf("%s: %v %v", event, got, err)
				}
				for _, a := range got {
					if a.Err == nil || want != nil && !errors.Is(a.Err, want) {
						c.Errorf("%s: error %v, want %v", event, a.Err, want)
					}
				}
			})
		}
	}},
	{name: "a handler that takes long holds up nobody", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		done := askServers(c.soon(), p.from.Namespace, "wait")
		receive(c, c.nodes[1].busy, "the handler")
		receive(c, c.nodes[2].busy, "the handler")
		p.get("bd", p.from.To("b and d"))
		got, err := p.from.ServerSideEmitWithAck(c.soon(), "sync")
		if err != nil || len(got) != 2 {
			c.Errorf("%v %v", got, err)
		}
		if n, err := p.from.Count(c.soon()); n != 4 || err != nil {
			c.Errorf("%d %v", n, err)
		}
		close(c.nodes[1].ready)
		close(c.nodes[2].ready)
		if got := receive(c, done, "answers"); got.err != nil || len(got.answers) != 2 {
			c.Errorf("%v", got)
		}
	}},
	{name: "a handler that does not answer leaves the others' answers and an error", servers: 3, run: func(c *cluster) {
		close(c.nodes[1].ready)
		ctx := c.within(2 * short)
		c.quick("ServerSideEmitWithAck", 2*short, func() {
			got, err := c.nodes[0].ServerSideEmitWithAck(ctx, "wait")
			if !errors.Is(err, context.DeadlineExceeded) {
				c.Errorf("error %v", err)
			}
			answers := 0
			for _, a := range got {
				if a.Err == nil && string(a.Args.Raw(0)) == `"ready"` {
					answers++
				}
			}
			if answers != 1 {
				c.Errorf("%d answers: %v", answers, got)
			}
			c.names(err, c.nodes[2])
		})
		close(c.nodes[2].ready)
	}},
	{name: "a handler can ask all others", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		done := make([]<-chan result, len(c.nodes))
		for i, n := range c.nodes { // all at once
			done[i] = askServers(c.soon(), n.Namespace, "ask back")
		}
		for _, d := range done {
			got := receive(c, d, "answers")
			c.works(got.err)
			if len(got.answers) != 2 {
				c.Fatalf("%v", got)
			}
			for _, a := range got.answers {
				if a.Err != nil || string(a.Args.Raw(0)) != "[2,4]" {
					c.Errorf("%s %v", a.Args.Raw(0), a.Err)
				}
			}
		}
		p.nothingElse()
	}},
	{name: "with no other server there is no answer, and no wait", servers: 1, run: func(c *cluster) {
		a := c.client(c.nodes[0], "a")
		c.quick("ServerSideEmitWithAck", 0, func() {
			c.works(c.nodes[0].ServerSideEmit("hear", "x"))
			if got, err := c.nodes[0].ServerSideEmitWithAck(c.soon(), "hear", "x"); len(got) != 0 || err != nil {
				c.Errorf("%v %v", got, err)
			}
			if n, err := c.nodes[0].Count(c.soon()); n != 1 || err != nil {
				c.Errorf("%d %v", n, err)
			}
			done := ask(c.soon(), c.nodes[0].All(), "q")
			a.Expect("q").Ack("yes")
			if got := receive(c, done, "answers"); got.err != nil || len(got.answers) != 1 {
				c.Errorf("%v", got)
			}
		})
		if len(c.nodes[0].heard) > 0 {
			c.Error("a server hears itself")
		}
	}},
}

// names checks that an error names a server.
func (c *cluster) names(err error, n *node) {
	c.Helper()
	if err == nil || !strings.Contains(err.Error(), n.in.Name) {
		c.Errorf("the error does not name the server %q, which has not answered: %v", n.in.Name, err)
	}
}
