package brokertest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

var broadcasts = []check{
	{name: "to all", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		p.get("abcd", p.from.All())
		p.get("bcd", p.a.Broadcast())
		p.get("", p.from.To())
	}},
	{name: "to a room", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		p.get("abcd", p.from.To("all"))
		p.get("b", p.from.To("only b"))
		p.get("bd", p.from.To("b and d"))
		p.get("", p.from.To("nobody"))
		p.get("b", p.a.To("a and b"))
	}},
	{name: "to several rooms, once to each client", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		p.get("abd", p.from.To("a and b", "b and d", "only b"))
		p.get("abcd", p.from.To("all", "only b"))
		p.get("b", p.from.To("nobody", "only b"))
		p.get("bd", p.a.To("a and b", "b and d"))
	}},
	{name: "except rooms and ids", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		p.get("acd", p.from.Except("only b"))
		p.get("cd", p.from.Except("a and b"))
		p.get("acd", p.from.Except(p.clients["b"].ID()))
		p.get("c", p.from.Except(p.clients["b"].ID(), p.clients["d"].ID(), p.a.ID()))
		p.get("ac", p.from.To("all").Except("b and d", "nobody"))
		p.get("", p.from.To("only b").Except("a and b"))
		p.get("", p.from.To("only b").Except(p.clients["b"].ID()))
		p.get("", p.from.Except("all"))
	}},
	{name: "to the id of a socket on another server", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b, d := p.clients["b"].ID(), p.clients["d"].ID()
		p.get("b", p.from.To(b))
		p.get("bd", p.from.To(b, d))
		p.get("bd", p.from.To(b, "b and d"))
		p.get("", p.from.To(b).Except("only b"))
		p.get("", p.from.To(b).Except(b))
		p.get("abcd", p.from.To("all", b))
	}},
	{name: "local goes to no other server", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		p.get("a", p.from.Local())
		p.get("a", p.from.Local().To("all"))
		p.get("", p.from.Local().To("only b"))
		p.get("", p.from.Local().To(p.clients["b"].ID()))
		p.get("", p.from.Local().Except("a and b"))
	}},
	{name: "from every server", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		for _, n := range c.nodes {
			p.from = n
			p.get("abcd", n.All())
			p.get("bd", n.To("b and d"))
			p.get("c", n.To(p.clients["c"].ID()))
		}
	}},
	{name: "volatile", servers: 3, run: volatile},
	{name: "volatile is dropped for a client of another server that is not ready", servers: 2, run: volatileDropped},
	{name: "not compressed on another server", servers: 2, run: compressed},
	{name: "what can't be encoded is the error of who emits", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b")
		var tooDeep any
		for range 20_000 {
			tooDeep = []any{tooDeep}
		}
		for _, bad := range []any{make(chan int), func() {}, tooDeep} {
			if err := c.nodes[0].Emit("e", bad); err == nil {
				c.Errorf("a %T is emitted", bad)
			}
			if _, err := c.nodes[0].EmitWithAck(c.soon(), "e", bad); err == nil {
				c.Errorf("a %T is emitted", bad)
			}
			if err := c.nodes[0].ServerSideEmit("hear", bad); err == nil {
				c.Errorf("a %T is emitted", bad)
			}
			if _, err := c.nodes[0].ServerSideEmitWithAck(c.soon(), "hear", bad); err == nil {
				c.Errorf("a %T is emitted", bad)
			}
		}
		c.mark(c.nodes[0], b)
	}},
}

// A crowd is four clients: a on the first server, b and c on the second, d on the third.
type crowd struct {
	*cluster
	from    *node
	a       *sio.Socket
	clients map[string]*siotest.Client
	n       int
}

func (c *cluster) crowd() *crowd {
	c.Helper()
	p := &crowd{cluster: c, from: c.nodes[0], clients: map[string]*siotest.Client{
		"a": c.client(c.nodes[0], "a", "all", "a and b"),
		"b": c.client(c.nodes[1], "b", "all", "a and b", "b and d", "only b"),
		"c": c.client(c.nodes[1], "c", "all"),
		"d": c.client(c.nodes[2], "d", "all", "b and d"),
	}}
	p.a = p.from.Socket(p.clients["a"].ID())
	c.settle()
	return p
}

// get checks that these of the clients, and no others, get what is emitted to a target of
// p.from.
func (p *crowd) get(who string, to sio.Target) {
	p.Helper()
	p.n++
	p.works(to.Emit("event", p.n))
	p.marks++
	p.works(p.from.Emit("mark", p.marks))
	for name, x := range p.clients {
		e := x.Next()
		got, want := e.Name() == "event", strings.Contains(who, name)
		if got != want {
			p.Fatalf("%s has got the event: %v, want %v", name, got, want)
		}
		if got {
			e.Is(p.n)
			e = x.Next()
		}
		if e.Name() != "mark" {
			p.Fatalf("the next event of %s is %v, want the mark", name, e)
		}
		e.Is(p.marks)
	}
}

// nothingElse checks that the clients have got no more than what the test has taken of
// what p.from has emitted.
func (p *crowd) nothingElse() {
	p.Helper()
	p.mark(p.from, slices.Collect(maps.Values(p.clients))...)
}

// volatile does not demand that each of the events arrives: a client may not be ready.
func volatile(c *cluster) {
	p := c.crowd()
	mark := p.from.All()
	if c.nodes[0].in.Overtaken {
		mark = mark.Volatile()
	}
	for _, tt := range []struct {
		who string
		to  sio.Target
	}{{"abcd", p.from.Volatile()}, {"bd", p.from.To("b and d").Volatile()}, {"b", p.from.To(p.clients["b"].ID()).Volatile()}} {
		missing := strings.Split(tt.who, "")
		c.eventually(func() error {
			c.works(tt.to.Emit("volatile", "x"))
			c.marks++
			c.works(mark.Emit("mark", c.marks))
			for name, x := range p.clients {
				e := x.Next()
				if e.Name() == "volatile" {
					if !strings.Contains(tt.who, name) {
						c.Fatalf("%s has got the event", name)
					}
					e.Is("x")
					missing = slices.DeleteFunc(missing, func(s string) bool { return s == name })
					e = x.Next()
				}
				if e.Name() != "mark" {
					c.Fatalf("the next event of %s is %v, want the mark", name, e)
				}
			}
			if len(missing) > 0 {
				return errors.New("no volatile event arrives at " + strings.Join(missing, ", "))
			}
			return nil
		})
	}
}

// A poller is a client that gets what waits for it when it polls, and only then.
type poller struct {
	c    *cluster
	n    *node
	sid  string
	cork *siotest.Client // in the same server, to know what has arrived there
}

func (c *cluster) poller(n *node) *poller {
	c.Helper()
	p := &poller{c: c, n: n, cork: c.client(n, "cork")}
	p.sid = strings.Split(p.do(http.MethodGet, "").Body.String(), `"`)[3]
	p.do(http.MethodPost, `40{"name":"poller","rooms":["all"]}`)
	if got := p.do(http.MethodGet, "").Body.String(); !strings.HasPrefix(got, "40") {
		c.Fatalf("the answer to CONNECT is %q", got)
	}
	c.Cleanup(func() { p.do(http.MethodPost, "1") }) // or the shutdown waits for its last poll
	c.settle()
	return p
}

func (p *poller) do(method, body string) *httptest.ResponseRecorder {
	p.c.Helper()
	url := p.n.Path() + "/?EIO=4&transport=polling"
	if p.sid != "" {
		url += "&sid=" + p.sid
	}
	r := httptest.NewRequestWithContext(context.Background(), method, url, io.NopCloser(strings.NewReader(body)))
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	p.n.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		p.c.Fatalf("%s: status %d: %s", method, w.Code, w.Body)
	}
	return w
}

func volatileDropped(c *cluster) {
	p := c.poller(c.nodes[1])
	c.works(c.nodes[0].Volatile().Emit("volatile"), c.nodes[0].Emit("kept"))
	if e := p.cork.Next(); e.Name() == "volatile" { // it may not be ready either
		p.cork.Expect("kept")
	} else if e.Name() != "kept" {
		c.Fatalf("the next event is %v", e)
	}
	if got := p.do(http.MethodGet, "").Body.String(); !strings.HasPrefix(got, `42["kept"`) || strings.Contains(got, "\x1e") {
		c.Errorf("the client that was not ready gets %q", got)
	}
}

func compressed(c *cluster) {
	p := c.poller(c.nodes[1])
	text := strings.Repeat("long ", 10_000)
	for plain, want := range map[bool]string{false: "gzip", true: ""} {
		c.works(c.nodes[0].Compress(!plain).Emit("text", text))
		p.cork.Expect("text").Is(text)
		if got := p.do(http.MethodGet, "").Header().Get("Content-Encoding"); got != want {
			c.Errorf("Compress(%v): Content-Encoding %q, want %q", !plain, got, want)
		}
	}
}
