// Command centrifuge does what the bench asks of servers, on centrifuge and in its own JSON
// protocol: an RPC is answered with what it brought, and all are subscribed to one channel.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"slices"

	"github.com/centrifugal/centrifuge"

	"github.com/siokit/sio/bench/servers/internal/host"
)

type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

type blast struct {
	Count   int             `json:"count"`
	Payload json.RawMessage `json:"payload"`
}

func main() {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{},
			Subscriptions: map[string]centrifuge.SubscribeOptions{"room": {}},
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnRPC(func(e centrifuge.RPCEvent, reply centrifuge.RPCCallback) {
			if e.Method == "blast" {
				reply(centrifuge.RPCReply{}, publish(node, e.Data))
				return
			}
			data, err := echo(e.Data)
			reply(centrifuge.RPCReply{Data: data}, err)
		})
		client.OnMessage(func(e centrifuge.MessageEvent) {
			if data, err := echo(e.Data); err == nil {
				_ = client.Send(data) // it has gone, at worst
			}
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		Compression:        slices.Contains(os.Args[1:], "-deflate"),
		CompressionMinSize: 1024, // as the reference has it
	}))
	host.Serve(http.DefaultServeMux)
}

// echo decodes and encodes what comes, as the others do. A string stays as it is.
func echo(data []byte) ([]byte, error) {
	if len(data) > 0 && data[0] == '"' {
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return nil, err
		}
		return json.Marshal(s)
	}
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func publish(node *centrifuge.Node, data []byte) error {
	var b blast
	if err := json.Unmarshal(data, &b); err != nil {
		return err
	}
	for range b.Count {
		if _, err := node.Publish("room", b.Payload); err != nil {
			return err
		}
	}
	return nil
}
