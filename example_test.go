package sio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// A Message is what the examples send.
type Message struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// A Receipt acknowledges a Message.
type Receipt struct {
	Status string `json:"status"`
}

// Validate is called before the handler of a Message.
func (m *Message) Validate() error {
	if m.Text == "" {
		return &sio.Error{Message: "empty message"}
	}
	return nil
}

// A server with typed handlers. The argument of an event is decoded, and what
// the handler returns is the ack.
func Example() {
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error { return c.Join("lobby") })
	sio.OnWithAck(srv, "message", func(c *sio.Context, m Message) (Receipt, error) {
		return Receipt{Status: "ok"}, srv.To(m.Room).Emit("message", m.Text)
	})

	web := httptest.NewServer(srv) // or http.ListenAndServe(addr, srv)
	defer web.Close()

	// const socket = io(url)
	socket := connect(web, "/", nil)
	defer socket.Close()
	// socket.on("message", …); await socket.emitWithAck("message", {room: "lobby", text: "hello"})
	socket.call("message", Message{Room: "lobby", Text: "hello"})
	socket.print(2)
	socket.call("message", Message{Room: "lobby"})
	socket.print(1)
	// Output:
	// event ["message","hello"]
	// ack [{"status":"ok"}]
	// ack [{"error":{"message":"empty message"}}]
}

// An error of the connect handler refuses the client. It sees the message and
// the data of an Error, and nothing of any other error.
func ExampleError() {
	type code struct {
		Code int `json:"code"`
	}
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		var auth struct{ Token string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		switch auth.Token {
		case "":
			return &sio.Error{Message: "not authorized", Data: code{401}}
		case "expired":
			return errors.New("token of user 42 has expired") // goes to OnError and the log
		}
		return nil
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	// io(url, {auth: {token: …}}).on("connect_error", err => …)
	for _, token := range []string{"", "expired", "good"} {
		socket := connect(web, "/", map[string]string{"token": token})
		socket.Close()
	}
	// Output:
	// connect_error {"message":"not authorized","data":{"code":401}}
	// connect_error {"message":"internal error"}
}

// Who is addressed: c.To leaves the sender out, a namespace leaves nobody out.
func ExampleContext_To() {
	var name = sio.NewKey[string]("name")

	srv := sio.New(nil)
	chat := srv.Of("/chat")
	chat.OnConnect(func(c *sio.Context) error {
		var auth struct{ Name, Room string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		return errors.Join(name.Set(c, auth.Name), c.Join(auth.Room))
	})
	sio.On(chat, "say", func(c *sio.Context, text string) error {
		return c.To("red").Emit("said", name.MustGet(c), text)
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	ada := connect(web, "/chat", map[string]string{"name": "Ada", "room": "red"})
	defer ada.Close()
	bob := connect(web, "/chat", map[string]string{"name": "Bob", "room": "red"})
	defer bob.Close()
	cyd := connect(web, "/chat", map[string]string{"name": "Cyd", "room": "blue"})
	defer cyd.Close()

	// ada.emit("say", "hello")
	ada.emit("say", "hello")
	fmt.Print("Bob hears ")
	bob.print(1)

	if err := chat.Except("red").Emit("news", "for the others"); err != nil {
		log.Fatal(err)
	}
	fmt.Print("Cyd hears ")
	cyd.print(1)

	if err := chat.To("red", "blue").Emit("news", "for all"); err != nil {
		log.Fatal(err)
	}
	fmt.Print("Ada hears ")
	ada.print(1)
	// Output:
	// Bob hears event ["said","Ada","hello"]
	// Cyd hears event ["news","for the others"]
	// Ada hears event ["news","for all"]
}

// A handler may ask its own client and wait for the answer.
func ExampleContext_EmitWithAck() {
	srv := sio.New(nil)
	srv.On("delete", func(c *sio.Context) error {
		var file string
		if err := c.Bind(&file); err != nil {
			return err
		}
		answer, err := c.EmitWithAck(c.Context(), "confirm", "Delete "+file+"?")
		if err != nil {
			return err // the client has left
		}
		var yes bool
		if err := answer.Bind(&yes); err != nil {
			return err
		}
		return c.Ack(yes)
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	socket := connect(web, "/", nil)
	defer socket.Close()
	// socket.on("confirm", (question, answer) => answer(true))
	// await socket.emitWithAck("delete", "a.txt")
	socket.call("delete", "a.txt")
	socket.print(1)
	socket.answer(true)
	socket.print(1)
	// Output:
	// event ["confirm","Delete a.txt?"]
	// ack [true]
}

// A client that OnConnect has accepted can be asked in OnConnected: the answer to its
// CONNECT is sent before, and what it sends is handled afterwards.
func ExampleNamespace_OnConnected() {
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error { return c.Join("lobby") })
	srv.OnConnected(func(c *sio.Context) error {
		name, err := sio.Call[string](c.Context(), c, "who are you?")
		if err != nil {
			return err // for OnError; the client stays
		}
		return srv.To("lobby").Emit("joined", name)
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	socket := connect(web, "/", nil)
	defer socket.Close()
	// socket.on("who are you?", (answer) => answer("Ada"))
	socket.print(1)
	socket.answer("Ada")
	socket.print(1)
	// Output:
	// event ["who are you?"]
	// event ["joined","Ada"]
}

// An Event ties the name of an event to the type of its argument.
func ExampleEvent() {
	var NewMessage = sio.NewEvent[Message]("message:new")

	srv := sio.New(nil)
	NewMessage.On(srv, func(c *sio.Context, m Message) error {
		m.Text = strings.ToUpper(m.Text)
		return NewMessage.Emit(c, m)
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	socket := connect(web, "/", nil)
	defer socket.Close()
	socket.emit("message:new", Message{Text: "hello"})
	socket.print(1)
	// Output:
	// event ["message:new",{"room":"","text":"HELLO"}]
}

// Middlewares wrap the handlers that are registered behind them: all of a
// namespace, those of a group, or one.
func ExampleRouter() {
	admin := sio.NewKey[bool]("admin")
	adminOnly := func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			if ok, _ := admin.Get(c); !ok {
				return &sio.Error{Message: "admins only"}
			}
			return next(c)
		}
	}
	pong := func(c *sio.Context) error { return c.Ack("pong") }

	srv := sio.New(nil)
	srv.Use(sio.Recover(), sio.Logger())
	srv.On("ping", pong)
	srv.Group(func(r sio.Router) {
		r.Use(adminOnly)
		r.On("admin:ping", pong)
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	socket := connect(web, "/", nil)
	defer socket.Close()
	socket.call("ping")
	socket.print(1)
	socket.call("admin:ping")
	socket.print(1)
	fmt.Println(srv.Routes())
	// Output:
	// ack ["pong"]
	// ack [{"error":{"message":"admins only"}}]
	// [{/ admin:ping} {/ ping}]
}

// A namespace for each tenant: a client chooses one, and the connect handler decides
// whether it may. Each namespace has rooms of its own.
func ExampleContext_Param() {
	srv := sio.New(nil)
	tenants := srv.Of("/tenant-{id}")
	tenants.OnConnect(func(c *sio.Context) error {
		var auth struct{ Tenant string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if auth.Tenant != c.Param("id") {
			return &sio.Error{Message: "not your tenant"}
		}
		return c.Join("lobby")
	})
	sio.OnWithAck(tenants, "whose", func(c *sio.Context, _ struct{}) (string, error) {
		return c.Param("id"), srv.Of("/tenant-acme").To("lobby").Emit("asked", c.Namespace())
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	acme := connect(web, "/tenant-acme", map[string]string{"tenant": "acme"})
	defer acme.Close()
	zeta := connect(web, "/tenant-zeta", map[string]string{"tenant": "zeta"})
	defer zeta.Close()
	zeta.call("whose")
	zeta.print(1)
	acme.print(1)
	connect(web, "/tenant-zeta", map[string]string{"tenant": "acme"}).Close()
	fmt.Println(srv.Routes())
	// Output:
	// ack ["zeta"]
	// event ["asked","/tenant-zeta"]
	// connect_error {"message":"not your tenant"}
	// [{/tenant-{id} whose}]
}

// Everybody in a room is asked, and the log names those who do not answer.
func ExampleTarget() {
	srv := sio.New(nil)
	sio.OnWithAck(srv, "vote", func(c *sio.Context, question string) (map[string]int, error) {
		votes := make(map[string]int)
		answers, err := c.To("members").Timeout(10*time.Second).EmitWithAck(c.Context(), "vote", question)
		for _, a := range answers {
			var vote string
			if a.Err != nil {
				c.Logger().Info().Str("socket", a.ID).Err(a.Err).Msg("no vote")
			} else if a.Args.Bind(&vote) == nil {
				votes[vote]++
			}
		}
		if ctx := c.Context(); ctx.Err() != nil {
			return nil, err // who asked has left
		}
		return votes, nil // be they all or not
	})
}

// Each server of a cluster asks the others.
func ExampleNamespace_OnServerEvent() {
	srv := sio.New(nil) // with Options.Broker
	srv.OnServerEvent("load", func(context.Context, *sio.Namespace, sio.Args) (any, error) { return srv.Connections(), nil })

	total := srv.Connections()
	answers, err := srv.ServerSideEmitWithAck(context.Background(), "load")
	for _, a := range answers {
		var n int
		if a.Err == nil && a.Args.Bind(&n) == nil {
			total += n
		}
	}
	fmt.Println(total, err)
	// Output: 0 <nil>
}

// An exampleSocket stands for the official client.
type exampleSocket struct {
	*testclient.Client
	nsp string
}

// connect prints what a refused client is told.
func connect(web *httptest.Server, nsp string, auth any) exampleSocket {
	c, err := testclient.Dial(web.URL+"/socket.io/", testclient.Options{WebSocket: true})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Connect(nsp, auth)
	var refused *testclient.Refused
	switch {
	case errors.As(err, &refused):
		fmt.Println("connect_error", refused.Data)
	case err != nil:
		log.Fatal(err)
	}
	return exampleSocket{c, nsp}
}

func (s exampleSocket) emit(event string, args ...any) { check(s.Emit(s.nsp, event, args...)) }
func (s exampleSocket) call(event string, args ...any) { check(s.Ask(s.nsp, event, args...)) }
func (s exampleSocket) answer(args ...any)             { check(s.Answer(s.nsp, "0", args...)) }

// print prints the next n packets.
func (s exampleSocket) print(n int) {
	for range n {
		text, err := s.Next()
		check(err)
		switch p := testclient.Parse(text); p.Type {
		case '2':
			fmt.Println("event", p.Data)
		case '3':
			fmt.Println("ack", p.Data)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// The Contract of a server is what has been registered and declared.
func ExampleServer_Contract() {
	srv := sio.New(nil)
	chat := srv.Of("/chat")
	sio.OnWithAck(chat, "message", func(*sio.Context, Message) (Receipt, error) {
		return Receipt{Status: "ok"}, nil
	})
	said, sure := sio.NewEvent[Message]("said"), sio.NewEventWithAck[string, bool]("sure?")
	chat.Declare(said, sure) // what the server sends; said.Emit(chat, …) does

	for _, n := range srv.Contract().Namespaces {
		for _, e := range n.Receive {
			fmt.Println(n.Name, "gets", e.Name, "with", e.Arg, "and answers", e.Ack)
		}
		for _, e := range n.Send {
			fmt.Println(n.Name, "sends", e.Name, "with", e.Arg, "and is answered", e.Ack)
		}
	}
	// Output:
	// /chat gets message with sio_test.Message and answers sio_test.Receipt
	// /chat sends said with sio_test.Message and is answered <nil>
	// /chat sends sure? with string and is answered bool
}
