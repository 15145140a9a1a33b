// Command cluster-nats is the contract of bench/cluster on sio, by NATS within the process.
package main

import (
	"os"

	"github.com/siokit/sio/bench/servers/internal/members"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/embedded"
)

func main() {
	o := &embedded.Options{Listen: os.Getenv("ROUTE"), Peers: []string{os.Getenv("PEER")}}
	if third := os.Getenv("THIRD"); third != "" {
		o.JetStream = new(nats.JetStream)
		o.Peers = append(o.Peers, o.Listen, third)
	}
	members.Serve(embedded.Open(o))
}
