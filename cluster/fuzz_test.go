package cluster

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/siotest"
)

// A countingEngine is connected to nobody.
type countingEngine struct{ sent atomic.Int64 }

func (e *countingEngine) Start(context.Context, Receiver) error      { return nil }
func (e *countingEngine) Publish(string, []byte, bool)               { e.sent.Add(1) }
func (e *countingEngine) Subscribe(...string)                        {}
func (e *countingEngine) Unsubscribe(...string)                      {}
func (e *countingEngine) Count(context.Context, string) (int, error) { return -1, nil }
func (e *countingEngine) Close() error                               { return nil }

// FuzzReceive has a server with a client get any message, by each of its channels.
func FuzzReceive(f *testing.F) {
	for _, m := range []string{
		`{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"packet":{"type":2,"data":["e",1]}}}`,
		`{"uid":"x","nsp":"/","type":3,"data":{"requestId":"r","opts":{"rooms":["room"],"except":[],"flags":{"timeout":5}},"packet":{"type":2,"data":["e"]}}}`,
		`{"uid":"x","nsp":"/","type":4,"data":{"opts":{"rooms":[],"except":[]},"rooms":["a"]}}`,
		`{"uid":"x","nsp":"/","type":7,"data":{"opts":{"rooms":[],"except":[]},"requestId":"r"}}`,
		`{"uid":"x","nsp":"/","type":9,"data":{"packet":["e"],"requestId":"r"}}`,
		`{"uid":"x","type":1,"name":"x"}`, `{"uid":"x","type":13}`,
		`{"type":5,"uid":"x","requestId":"r","opts":{"rooms":[],"except":[]}}`,
		`{"type":2,"opts":{"rooms":[],"except":[]},"rooms":["a"]}`, `{"type":3,"sid":"x","room":"r","requestId":"r"}`,
		`{"type":6,"uid":"x","data":["e",{"type":"Buffer","data":[1]}]}`, `{"type":66,"uid":"x","requestId":"r"}`,
		"\x93\xa1x\x83\xa4type\x02\xa4data\x92\xa4good\xc4\x01x\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80",
	} {
		for i := range 6 {
			f.Add([]byte(m), uint8(i))
		}
	}
	type target struct {
		srv      *sio.Server
		c        *Cluster
		e        *countingEngine
		channels []string
	}
	var targets []target
	for _, format := range []wire.Format{wire.Classic("", wire.ClassicOptions{}), wire.Sharded("", wire.Dynamic), wire.Subjects("")} {
		e := new(countingEngine)
		c, err := New(f.Context(), e, format, nil)
		if err != nil {
			f.Fatal(err)
		}
		quiet := zerolog.Nop()
		srv := sio.New(&sio.Options{Broker: c.Broker, Logger: &quiet})
		f.Cleanup(func() {
			_ = srv.Shutdown(context.Background())
			_ = c.Close()
		})
		srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })
		targets = append(targets, target{srv, c, e, append(format.Channels("/", c.uid), format.Room("/", "room"), format.Servers())})
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint8) {
		for _, x := range targets {
			channel := x.channels[int(at)%len(x.channels)]
			siotest.Connect(t, x.srv)
			before, was := x.e.sent.Load(), bytes.Clone(data)
			receiver{x.c}.Receive(channel, channel, data)
			x.c.wg.Wait() // for what it was asked. Its housekeeping is not among it
			if !bytes.Equal(data, was) {
				t.Error("the message has been changed")
			}
			if n := x.e.sent.Load() - before; n > 3 { // a count and an answer, and a heartbeat
				t.Errorf("one message is answered by %d", n)
			}
		}
	})
}
