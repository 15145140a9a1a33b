package nats

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/emitter"
	"github.com/siokit/sio/siotest"
)

// What a program that is no server emits is kept by the servers' journal, and reaches their
// clients from there.
func TestAppender(t *testing.T) {
	s := natstest.StartServer(t, fmt.Sprintf("jetstream { store_dir: %q }", t.TempDir()))
	c, err := Open(s.URL(), &Options{JetStream: &JetStream{MaxBytes: 16 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	srv := sio.New(&sio.Options{Broker: c.Broker, Recovery: new(sio.Recovery)})
	client := siotest.Connect(t, srv)
	defer srv.Shutdown(t.Context())

	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publish := func(channel string, _ []byte) error { return fmt.Errorf("published to %s", channel) }
	e := emitter.New(wire.Subjects(""), publish, &emitter.Options{Append: Appender(nc, "")})
	for i := range 3 {
		if err := e.Emit("job", i); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		client.Expect("job").Is(i)
	}
}
