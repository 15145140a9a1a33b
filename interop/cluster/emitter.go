package main

import (
	"context"
	"fmt"
	"os"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster/redis"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/emitter"
)

// emit is a program that only sends, until standard input ends.
func emit(option rueidis.ClientOption, opts *redis.Options, console *console) error {
	client, err := rueidis.NewClient(option)
	if err != nil {
		return err
	}
	defer client.Close()
	format := wire.Classic(opts.Prefix, wire.ClassicOptions{})
	var o emitter.Options
	switch {
	case opts.Streams:
		format = wire.Streams(opts.Prefix)
		o.Append = func(e wire.Entry) error {
			return client.Do(context.Background(), client.B().Xadd().Key(opts.StreamName).Maxlen().Almost().Threshold("10000").Id("*").FieldValue().
				FieldValue("uid", e.UID).FieldValue("nsp", e.Nsp).FieldValue("type", e.Type).FieldValue("data", e.Data).Build()).Error()
		}
	case opts.Sharded:
		format = wire.Sharded(opts.Prefix, opts.Subscriptions)
	}
	publish := func(channel string, data []byte) error {
		cmd := client.B().Publish().Channel(channel).Message(rueidis.BinaryString(data)).Build()
		if opts.Sharded {
			cmd = client.B().Spublish().Channel(channel).Message(rueidis.BinaryString(data)).Build()
		}
		return client.Do(context.Background(), cmd).Error()
	}
	all := emitter.New(format, publish, &o)
	console.report("listening", "", []any{0})
	return console.obey(os.Stdin, func(c command) (any, error) {
		e := all
		if c.Nsp != "" {
			e = e.Of(c.Nsp)
		}
		if len(c.To) > 0 {
			e = e.To(c.To...)
		}
		e = e.Except(c.Except...)
		if c.Volatile {
			e = e.Volatile()
		}
		if c.Compress != nil {
			e = e.Compress(*c.Compress)
		}
		args := untagged(c.Args).([]any)
		switch c.Do {
		case "emit":
			return nil, e.Emit(c.Event, args...)
		case "join":
			return nil, e.Join(c.Rooms...)
		case "leave":
			return nil, e.Leave(c.Rooms...)
		case "disconnect":
			return nil, e.Disconnect(c.Close)
		case "tell":
			return nil, e.ServerSideEmit(c.Event, args...)
		}
		return nil, fmt.Errorf("no command %q", c.Do)
	})
}
