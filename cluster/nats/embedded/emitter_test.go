package embedded

import (
	"fmt"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/emitter"
	"github.com/siokit/sio/siotest"
)

// A program that only emits is a client of one of the servers, and reaches the clients of
// all.
func TestEmitter(t *testing.T) {
	clients, peer := fmt.Sprint("127.0.0.1:", natstest.FreePort(t)), fmt.Sprint("127.0.0.1:", natstest.FreePort(t))
	a, err := Open(&Options{Listen: peer, Client: clients, Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Open(&Options{Listen: "127.0.0.1:0", Peers: []string{peer}, Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	srv := sio.New(&sio.Options{Broker: b.Broker})
	srv.OnConnect(func(c *sio.Context) error { return c.Socket().Join("room") })
	client := siotest.Connect(t, srv)

	nc, err := natsgo.Connect("nats://secret@" + clients)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	published, err := nc.SubscribeSync(wire.DefaultSubject + ".*.b.r.*") // what is for rooms
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		// What b publishes comes after it has subscribed to the room.
		if err := srv.To("elsewhere").Emit("news"); err != nil {
			t.Fatal(err)
		}
		if _, err = published.NextMsg(time.Second / 20); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	e := emitter.New(wire.Subjects(""), nc.Publish, nil)
	if err := e.To("room").Emit("news", "hello"); err != nil {
		t.Fatal(err)
	}
	client.Expect("news").Is("hello")
}
