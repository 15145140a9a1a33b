package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// A mesh joins the namespaces of several servers. What goes from one to
// another goes as JSON, so that they share nothing by accident.
type mesh struct {
	nodes []*node
	wg    sync.WaitGroup
}

// A node is a broker of a mesh.
type node struct {
	*socketio.Local
	name string
	mesh *mesh

	mu      sync.Mutex // protects the following
	wake    sync.Cond
	inbox   [][]byte
	closed  bool
	pending map[int]func(message) // by request
	last    int
	asked   map[string]*socketio.Inquiry // for others
}

// A message is what nodes tell each other.
type message struct {
	Kind, From     string
	Request        int
	Selector       socketio.Selector
	Rooms          []string
	Event          []byte // the array, with the name
	Attachments    [][]byte
	Volatile, Wait bool
	Plain, Close   bool
	N              int
	ID, Err        string
	Sockets        []socketio.RemoteSocket
}

// broker returns what Options.Broker is for a server. Only its "/" is joined.
func (m *mesh) broker(name string) func(*socketio.Local) socketio.Broker {
	return func(l *socketio.Local) socketio.Broker {
		if l.Namespace().Name() != "/" {
			return l
		}
		n := &node{Local: l, name: name, mesh: m, pending: make(map[int]func(message)), asked: make(map[string]*socketio.Inquiry)}
		n.wake.L = &n.mu
		m.nodes = append(m.nodes, n)
		m.wg.Go(n.run) // until close
		return n
	}
}

func (m *mesh) close() {
	for _, n := range m.nodes {
		n.mu.Lock()
		n.closed = true
		n.wake.Signal()
		n.mu.Unlock()
	}
	m.wg.Wait()
}

func (n *node) others() []*node {
	return slices.DeleteFunc(slices.Clone(n.mesh.nodes), func(o *node) bool { return o == n })
}

func (n *node) send(to []*node, m message) {
	m.From = n.name
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	for _, o := range to {
		o.mu.Lock()
		o.inbox = append(o.inbox, data)
		o.wake.Signal()
		o.mu.Unlock()
	}
}

func (n *node) run() {
	for {
		n.mu.Lock()
		for len(n.inbox) == 0 && !n.closed {
			n.wake.Wait()
		}
		if len(n.inbox) == 0 {
			n.mu.Unlock()
			return
		}
		data := n.inbox[0]
		n.inbox = n.inbox[1:]
		n.mu.Unlock()
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			panic(err)
		}
		n.handle(m)
	}
}

func (n *node) encode(event string, args []any) (message, error) {
	text, attachments, err := parser.AppendEvent(n.Codec(), nil, event, args)
	return message{Event: text, Attachments: attachments}, err
}

func (n *node) decode(m message) (string, []any) {
	name, args := "", parser.NewArgs(n.Codec(), m.Event, m.Attachments, 0)
	if args.Len() == 0 {
		return "", nil
	}
	values := make([]any, args.Len()-1)
	ptrs := []any{&name}
	for i := range values {
		ptrs = append(ptrs, &values[i])
	}
	if err := args.Bind(ptrs...); err != nil {
		panic(err)
	}
	return name, values
}

// answer is the message for what a socket or a handler answered.
func (n *node) answer(m message, a socketio.Answer) message {
	values := make([]any, a.Args.Len())
	ptrs := make([]any, len(values))
	for i := range values {
		ptrs[i] = &values[i]
	}
	if err := a.Args.Bind(ptrs...); err != nil {
		panic(err)
	}
	out, err := n.encode("", values)
	if a.Err != nil {
		err = a.Err
	}
	if err != nil {
		out.Err = err.Error()
	}
	out.Kind, out.Request, out.ID = "answer", m.Request, a.ID
	return out
}

func (n *node) handle(m message) {
	from := n.others()[slices.IndexFunc(n.others(), func(o *node) bool { return o.name == m.From })]
	key := fmt.Sprint(m.From, m.Request)
	event, args := n.decode(m)
	b := &socketio.Broadcast{Event: event, Args: args, Selector: m.Selector, Volatile: m.Volatile, Plain: m.Plain}
	reply := message{Kind: "reply", Request: m.Request}
	var err error
	switch m.Kind {
	case "answer", "reply":
		n.mu.Lock()
		f := n.pending[m.Request]
		n.mu.Unlock()
		if f != nil {
			f(m)
		}
	case "broadcast":
		err = n.Local.Broadcast(b)
	case "ask":
		n.asked[key], err = n.Inquire(b, func(a socketio.Answer) { n.send([]*node{from}, n.answer(m, a)) })
		reply.N = n.asked[key].Len()
		n.send([]*node{from}, reply)
	case "stop":
		n.asked[key].Stop(errors.New("stopped"))
		delete(n.asked, key)
	case "join":
		err = n.Local.Join(m.Selector, m.Rooms)
	case "leave":
		err = n.Local.Leave(m.Selector, m.Rooms)
	case "disconnect":
		err = n.Local.Disconnect(m.Selector, m.Close)
	case "sockets":
		reply.Sockets, err = n.Local.Sockets(context.Background(), m.Selector)
		n.send([]*node{from}, reply)
	case "count":
		reply.N, err = n.Local.Count(context.Background(), m.Selector)
		n.send([]*node{from}, reply)
	case "event":
		n.mesh.wg.Go(func() { // ends with the handler
			v, err := n.ServerEvent(context.Background(), event, parser.NewArgs(n.Codec(), m.Event, m.Attachments, 1))
			if !m.Wait {
				return
			}
			out, encodeErr := n.encode("", []any{v})
			if err := errors.Join(err, encodeErr); err != nil {
				out.Err = err.Error()
			}
			out.Kind, out.Request, out.ID = "answer", m.Request, n.name
			n.send([]*node{from}, out)
		})
	}
	if err != nil {
		panic(err)
	}
}

func (n *node) Broadcast(b *socketio.Broadcast) error {
	if err := n.Local.Broadcast(b); err != nil || b.Local {
		return err
	}
	m, err := n.broadcast("broadcast", b)
	n.send(n.others(), m)
	return err
}

func (n *node) broadcast(kind string, b *socketio.Broadcast) (message, error) {
	m, err := n.encode(b.Event, b.Args)
	m.Kind, m.Selector, m.Volatile, m.Plain = kind, b.Selector, b.Volatile, b.Plain
	return m, err
}

// request sends m to the others, and calls f with what comes back until it
// says that this was all. It tells whether that was so before ctx ended.
func (n *node) request(ctx context.Context, m message, f func(message) (all bool)) error {
	done := make(chan struct{})
	n.mu.Lock()
	n.last++
	m.Request = n.last
	n.pending[m.Request] = func(m message) {
		if f(m) {
			close(done)
		}
	}
	n.mu.Unlock()
	n.send(n.others(), m)
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	n.mu.Lock()
	delete(n.pending, m.Request)
	n.mu.Unlock()
	if m.Kind == "ask" {
		n.send(n.others(), message{Kind: "stop", Request: m.Request})
	}
	return err
}

func (n *node) BroadcastWithAck(ctx context.Context, b *socketio.Broadcast) ([]socketio.Answer, error) {
	m, err := n.broadcast("ask", b)
	if b.Local || err != nil {
		return n.Local.BroadcastWithAck(ctx, b)
	}
	var mu sync.Mutex
	var answers []socketio.Answer
	var localErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := n.Local.BroadcastWithAck(ctx, b)
		mu.Lock()
		defer mu.Unlock()
		answers, localErr = append(answers, got...), err
	})
	servers, clients, got := 0, 0, 0
	err = n.request(ctx, m, func(m message) bool {
		mu.Lock()
		defer mu.Unlock()
		if m.Kind == "reply" {
			servers, clients = servers+1, clients+m.N
		} else {
			got++
			answers = append(answers, answerOf(n.Codec(), m))
		}
		return servers == len(n.others()) && got == clients
	})
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	return answers, errors.Join(localErr, err)
}

func answerOf(c parser.Codec, m message) socketio.Answer {
	a := socketio.Answer{ID: m.ID}
	if m.Err != "" {
		a.Err = errors.New(m.Err)
	} else {
		a.Args = parser.NewArgs(c, m.Event, m.Attachments, 1)
	}
	return a
}

// act has the others do what is done here.
func (n *node) act(m message, err error) error {
	if !m.Selector.Local {
		n.send(n.others(), m)
	}
	return err
}

func (n *node) Join(sel socketio.Selector, rooms []string) error {
	return n.act(message{Kind: "join", Selector: sel, Rooms: rooms}, n.Local.Join(sel, rooms))
}

func (n *node) Leave(sel socketio.Selector, rooms []string) error {
	return n.act(message{Kind: "leave", Selector: sel, Rooms: rooms}, n.Local.Leave(sel, rooms))
}

func (n *node) Disconnect(sel socketio.Selector, closeConn bool) error {
	return n.act(message{Kind: "disconnect", Selector: sel, Close: closeConn}, n.Local.Disconnect(sel, closeConn))
}

func (n *node) Sockets(ctx context.Context, sel socketio.Selector) ([]socketio.RemoteSocket, error) {
	sockets, err := n.Local.Sockets(ctx, sel)
	if sel.Local || err != nil {
		return sockets, err
	}
	servers := 0
	err = n.request(ctx, message{Kind: "sockets", Selector: sel}, func(m message) bool {
		sockets = append(sockets, m.Sockets...)
		servers++
		return servers == len(n.others())
	})
	return sockets, err
}

func (n *node) Count(ctx context.Context, sel socketio.Selector) (int, error) {
	count, err := n.Local.Count(ctx, sel)
	if sel.Local || err != nil {
		return count, err
	}
	servers := 0
	err = n.request(ctx, message{Kind: "count", Selector: sel}, func(m message) bool {
		count += m.N
		servers++
		return servers == len(n.others())
	})
	return count, err
}

func (n *node) ServerSideEmit(event string, args []any) error {
	m, err := n.encode(event, args)
	m.Kind = "event"
	if err == nil {
		n.send(n.others(), m)
	}
	return err
}

func (n *node) ServerSideEmitWithAck(ctx context.Context, event string, args []any) ([]socketio.Answer, error) {
	m, err := n.encode(event, args)
	if err != nil {
		return nil, err
	}
	m.Kind, m.Wait = "event", true
	var answers []socketio.Answer
	err = n.request(ctx, m, func(m message) bool {
		answers = append(answers, answerOf(n.Codec(), m))
		return len(answers) == len(n.others())
	})
	return answers, err
}
