// Command cluster is the contract of bench/cluster on sio, alone or by Redis.
package main

import (
	"os"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/bench/servers/internal/members"
	"github.com/siokit/sio/cluster/redis"
)

func main() {
	engine := os.Getenv("ENGINE")
	if engine == "alone" {
		members.Serve(nil, nil)
	}
	members.Serve(redis.Open(
		rueidis.ClientOption{InitAddress: []string{os.Getenv("REDIS")}},
		&redis.Options{Sharded: engine == "sharded", Streams: engine == "streams"},
	))
}
