package presence_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/presence"
)

// A User is what others see of a member.
type User struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Users are entered when they join a room, with their names as keys: two tabs are one
// member. Clients hear of it by an event.
func Example() {
	srv := sio.New(nil)
	users := presence.New[User](srv.Of("/"), &presence.Options{Event: "presence"})
	sio.On(srv, "join", func(c *sio.Context, name string) error {
		return users.Enter(c.Socket(), "lobby", name, User{name, "online"})
	})
	sio.On(srv, "away", func(c *sio.Context, name string) error {
		return users.Update(c.Socket(), "lobby", User{name, "away"})
	})
	users.OnChange(func(c presence.Change[User]) {
		log.Printf("%d have joined %s, %d have left", len(c.Joined), c.Room, len(c.Left))
	})
	defer srv.Shutdown(context.Background())

	web := httptest.NewServer(srv)
	defer web.Close()

	// socket.on("presence", ({ room, members, joined, updated, left }) => …)
	page := connect(web.URL)
	defer page.Close()
	page.emit("join", "ada")
	page.print(2)
	page.emit("away", "ada")
	page.print(1)
	fmt.Println(users.List("lobby"))
	// Output:
	// ["presence",{"room":"lobby","joined":[{"key":"ada","value":{"name":"ada","status":"online"}}]}]
	// ["presence",{"room":"lobby","members":[{"key":"ada","value":{"name":"ada","status":"online"}}]}]
	// ["presence",{"room":"lobby","updated":[{"key":"ada","value":{"name":"ada","status":"away"}}]}]
	// [{ada {ada away}}]
}

// A page is a client.
type page struct{ *testclient.Client }

func connect(url string) page {
	c, err := testclient.Dial(url+"/socket.io/", testclient.Options{WebSocket: true})
	if err == nil {
		_, err = c.Connect("/", nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	return page{c}
}

func (p page) emit(event, arg string) {
	if err := p.Send(fmt.Sprintf("2[%q,%q]", event, arg)); err != nil {
		log.Fatal(err)
	}
}

// print prints the next n events.
func (p page) print(n int) {
	for range n {
		packet, err := p.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(strings.TrimPrefix(packet, "2"))
	}
}
