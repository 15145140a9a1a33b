package brokertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

var answers = []check{
	{name: "of everybody, on every server", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		done := ask(c.soon(), p.from.All(), "q", "x", []byte("y"))
		for name, x := range p.clients {
			x.Expect("q").Is("x", []byte("y")).Ack(map[string]any{"name": name, "deep": []any{[]byte("bytes of " + name)}})
		}
		got := receive(c, done, "answers")
		c.works(got.err)
		if len(got.answers) != 4 {
			c.Fatalf("%d answers", len(got.answers))
		}
		for name, x := range p.clients {
			var v struct {
				Name string
				Deep [][]byte
			}
			c.works(c.answer(got, x).Args.Bind(&v))
			if v.Name != name || len(v.Deep) != 1 || !bytes.Equal(v.Deep[0], []byte("bytes of "+name)) {
				c.Errorf("the answer of %s is %v", name, v)
			}
		}
	}},
	{name: "of values", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b")
		c.settle()
		for _, v := range append(append([]any{}, values...), texts...) {
			done := ask(c.soon(), c.nodes[0].All(), "q", v)
			b.Expect("q").Is(v).Ack(v)
			got := receive(c, done, "answers")
			c.works(got.err)
			local := ask(c.soon(), c.nodes[1].Local(), "q")
			b.Expect("q").Ack(v)
			want := receive(c, local, "answers")
			c.works(want.err)
			if w, g := c.answer(want, b).Args.Raw(0), c.answer(got, b).Args.Raw(0); !same(w, g) {
				c.Errorf("%s, want %s", g, w)
			}
		}
		done := ask(c.soon(), c.nodes[0].All(), "q")
		b.Expect("q").Ack()
		if got := receive(c, done, "answers"); got.err != nil || c.answer(got, b).Err != nil {
			c.Errorf("an answer without arguments is %v", got)
		}
	}},
	{name: "of rooms, on other servers only", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b, d := p.clients["b"], p.clients["d"]
		for _, tt := range []struct {
			to  sio.Target
			who []*siotest.Client
		}{
			{p.from.To("only b"), []*siotest.Client{b}},
			{p.from.To("b and d", "only b"), []*siotest.Client{b, d}},
			{p.from.To(d.ID()), []*siotest.Client{d}},
			{p.from.To("all").Except("b and d", p.a.ID()), []*siotest.Client{p.clients["c"]}},
			{p.from.Local(), []*siotest.Client{p.clients["a"]}},
		} {
			done := ask(c.soon(), tt.to, "q")
			for _, x := range tt.who {
				x.Expect("q").Ack("yes")
			}
			if got := receive(c, done, "answers"); got.err != nil || len(got.answers) != len(tt.who) {
				c.Errorf("%d answers, want %d: %v", len(got.answers), len(tt.who), got.err)
			}
			p.nothingElse()
		}
	}},
	{name: "of nobody come at once", servers: 3, run: func(c *cluster) {
		c.quick("EmitWithAck", 0, func() {
			if got, err := c.nodes[0].To("nobody").EmitWithAck(c.soon(), "q"); len(got) != 0 || err != nil {
				c.Errorf("%v %v", got, err)
			}
			if got, err := c.nodes[0].EmitWithAck(c.soon(), "q"); len(got) != 0 || err != nil {
				c.Errorf("%v %v", got, err)
			}
		})
	}},
	{name: "of a socket that leaves are errors at once", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b, d := p.clients["b"], p.clients["d"]
		c.quick("EmitWithAck", 0, func() {
			done := ask(c.soon(), p.from.To("b and d"), "q")
			b.Expect("q")
			b.Disconnect()
			d.Expect("q").Ack("yes")
			got := receive(c, done, "answers")
			if got.err != nil || len(got.answers) != 2 || c.answer(got, b).Err == nil || c.answer(got, d).Err != nil {
				c.Errorf("%v", got)
			}
		})
	}},
	{name: "are partial when the context ends, and nobody waits on", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b := p.clients["b"]
		cause := errors.New("the cause")
		for _, tt := range []struct {
			name string
			ctx  func() context.Context
			to   sio.Target
			want error
		}{
			{"deadline", func() context.Context { return c.within(2 * short) }, p.from.All(), context.DeadlineExceeded},
			{"Timeout", c.soon, p.from.All().Timeout(2 * short), context.DeadlineExceeded},
			{"cause", func() context.Context {
				ctx, cancel := context.WithCancelCause(c.Context())
				t := time.AfterFunc(2*short, func() { cancel(cause) })
				c.Cleanup(func() { t.Stop(); cancel(nil) })
				return ctx
			}, p.from.All(), cause},
		} {
			c.quick(tt.name, 2*short, func() {
				done := ask(tt.ctx(), tt.to, "q")
				for name, x := range p.clients {
					if e := x.Expect("q"); x != b {
						e.Ack("from " + name)
					}
				}
				got := receive(c, done, "answers")
				if !errors.Is(got.err, tt.want) {
					c.Errorf("%s: error %v, want %v", tt.name, got.err, tt.want)
				}
				for name, x := range p.clients {
					if x == b {
						continue
					}
					if a := c.answer(got, x); a.Err != nil || string(a.Args.Raw(0)) != fmt.Sprintf("%q", "from "+name) {
						c.Errorf("%s: the answer of %s is %s %v", tt.name, name, a.Args.Raw(0), a.Err)
					}
				}
			})
			c.eventually(func() error {
				if n := c.nodes[1].Socket(b.ID()).PendingAcks(); n != 0 {
					return fmt.Errorf("%s: the other server waits for %d answers", tt.name, n)
				}
				return nil
			})
		}
		p.nothingElse()
	}},
	{name: "of many", servers: 3, run: func(c *cluster) {
		var clients []*siotest.Client
		for i := range 60 {
			clients = append(clients, c.client(c.nodes[i%3], fmt.Sprint(i), "many"))
		}
		c.settle()
		done := ask(c.soon(), c.nodes[0].To("many"), "q")
		for i, x := range clients {
			x.Expect("q").Ack(i)
		}
		got := receive(c, done, "answers")
		c.works(got.err)
		for i, x := range clients {
			if a := c.answer(got, x); string(a.Args.Raw(0)) != fmt.Sprint(i) {
				c.Errorf("the answer of %d is %s, %v", i, a.Args.Raw(0), a.Err)
			}
		}
	}},
	{name: "of several asks at once are not mixed up", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		const asks = 50
		var done [asks]<-chan result
		for i := range done {
			done[i] = ask(c.soon(), c.nodes[i%3].All(), "q", i)
		}
		for name, x := range p.clients {
			for range done {
				var i int
				e := x.Expect("q")
				e.Bind(&i)
				e.Ack(fmt.Sprint(i, name))
			}
		}
		for i := range done {
			got := receive(c, done[i], "answers")
			c.works(got.err)
			for name, x := range p.clients {
				if a := c.answer(got, x); string(a.Args.Raw(0)) != fmt.Sprintf("%q", fmt.Sprint(i, name)) {
					c.Errorf("the answer of %s to %d is %s, %v", name, i, a.Args.Raw(0), a.Err)
				}
			}
		}
	}},
}

// answer returns the answer of a client. It ends the test if there is not just one.
func (c *cluster) answer(r result, of *siotest.Client) sio.Answer {
	c.Helper()
	var found []sio.Answer
	for _, a := range r.answers {
		if a.ID == of.ID() {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		c.Fatalf("%d answers of a client, among %d; error %v", len(found), len(r.answers), r.err)
	}
	return found[0]
}
