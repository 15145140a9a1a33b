// Command cluster-nats is the contract of bench/cluster on sio, by NATS within the process.
package main

import (
	"os"

	"github.com/siokit/sio/bench/servers/internal/members"
	"github.com/siokit/sio/cluster/nats/embedded"
)

func main() {
	members.Serve(embedded.Open(&embedded.Options{
		Listen: os.Getenv("ROUTE"),
		Peers:  []string{os.Getenv("PEER")},
	}))
}
