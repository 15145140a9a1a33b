package emitter_test

import (
	"fmt"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/emitter"
)

// A worker tells the clients in a room that something is done. Printf is in the place of a
// client of Redis.
func Example() {
	publish := func(channel string, data []byte) error {
		_, err := fmt.Printf("PUBLISH %s %q\n", channel, data)
		return err
	}
	e := emitter.New(wire.Classic("", wire.ClassicOptions{}), publish, nil)

	if err := e.Of("/jobs").To("user:7").Emit("done", map[string]any{"job": 42}); err != nil {
		fmt.Println(err)
	}
	if err := e.Of("/jobs").In("user:7").Leave("job:42"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// PUBLISH socket.io#/jobs#user:7# "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa4done\x81\xa3job*\xa3nsp\xa5/jobs\x83\xa5rooms\x91\xa6user:7\xa6except\x90\xa5flags\x80"
	// PUBLISH socket.io-request#/jobs# "{\"type\":3,\"opts\":{\"rooms\":[\"user:7\"],\"except\":[]},\"rooms\":[\"job:42\"]}"
}
