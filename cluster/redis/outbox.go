package redis

import (
	"strings"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fifo"
)

const (
	// defaultQueueBytes holds a second of what one Redis takes, in small messages.
	defaultQueueBytes = 16 << 20
	// messageBytes is what a message takes beside its channel and data.
	messageBytes = 64

	// A batch is what is sent in one round trip: enough that at 50 ms of it a
	// hundred thousand messages a second go out.
	batchMessages = 8192
	batchBytes    = 1 << 20

	// subscribeChannels is how many channels one command has: while Redis answers it,
	// nobody else is served, for about a millisecond.
	subscribeChannels = 1000
)

type message struct {
	channel string
	data    []byte
	entry   *wire.Entry // it goes into the stream instead
	hops    uint8       // how often a node has said that another one owns the channel
}

func (m *message) bytes() int {
	if m.entry != nil {
		return entryBytes(m.entry)
	}
	return len(m.channel) + len(m.data) + messageBytes
}

// A state is what there is to know of a channel.
type state uint8

const (
	wanted state = 1 << iota // it is to be subscribed to
	sent                     // Redis has been told to
	dirty                    // it is in outbox.dirty
)

// An outbox holds what is to be sent. It is not safe for concurrent use.
//
// A subscription overtakes messages that wait: it takes effect before what is published
// after it, and before that it does no harm. So it is enough to know what is wanted, and
// however often rooms fill and empty while Redis hangs, nothing piles up.
type outbox struct {
	queue fifo.Queue[message]
	bytes int // of the queue
	subs  map[string]state
	dirty []string // channels for which wanted and sent may differ
}

// want notes that channels are to be subscribed to, or no longer.
func (o *outbox) want(want bool, channels []string) {
	for _, channel := range channels {
		s := o.subs[channel]
		if want == (s&wanted != 0) {
			continue
		}
		o.mark(channel, s^wanted)
	}
}

func (o *outbox) mark(channel string, s state) {
	if s&dirty == 0 {
		o.dirty = append(o.dirty, channel)
	}
	o.subs[channel] = s | dirty
}

// forget notes that Redis has subscribed to nothing.
func (o *outbox) forget() {
	o.dirty = o.dirty[:0]
	for channel, s := range o.subs {
		if s&wanted == 0 {
			delete(o.subs, channel)
			continue
		}
		o.subs[channel] = wanted | dirty
		o.dirty = append(o.dirty, channel)
	}
}

// unsent notes that Redis is not subscribed to a channel after all.
func (o *outbox) unsent(channel string) {
	if s := o.subs[channel]; s&sent != 0 {
		o.subs[channel] = s &^ sent
	}
}

// retry has all channels subscribed to that Redis is not subscribed to after all.
func (o *outbox) retry() {
	for channel, s := range o.subs {
		if s == wanted {
			o.mark(channel, s)
		}
	}
}

// changes returns the channels to subscribe to and those to unsubscribe from.
func (o *outbox) changes() (add, remove []string) {
	for _, channel := range o.dirty {
		switch s := o.subs[channel] &^ dirty; s {
		case wanted:
			o.subs[channel] = wanted | sent
			add = append(add, channel)
		case wanted | sent:
			o.subs[channel] = s
		case sent:
			remove = append(remove, channel)
			delete(o.subs, channel)
		default:
			delete(o.subs, channel)
		}
	}
	if o.dirty = o.dirty[:0]; cap(o.dirty) > subscribeChannels {
		o.dirty = nil
	}
	return add, remove
}

// push queues a message.
func (o *outbox) push(m message) {
	o.queue.Push(m)
	o.bytes += m.bytes()
}

// batch moves messages from the queue to those.
func (o *outbox) batch(messages []message) []message {
	size := 0
	for o.queue.Len() > 0 && len(messages) < batchMessages && size < batchBytes {
		m := o.queue.Pop()
		size += m.bytes()
		messages = append(messages, m)
	}
	o.bytes -= size
	if o.queue.Len() == 0 && o.queue.Cap() > batchMessages {
		o.queue.Free()
	}
	return messages
}

// commands makes the commands of what one kind of channels needs.
type commands struct {
	b       rueidis.Builder
	sharded bool
	bySlot  bool // one command must not have channels of two slots
	journal *journal
}

func (c commands) publish(m *message) rueidis.Completed {
	if m.entry != nil {
		return c.journal.add(m.entry)
	}
	data := rueidis.BinaryString(m.data)
	if c.sharded {
		return c.b.Spublish().Channel(m.channel).Message(data).Build()
	}
	return c.b.Publish().Channel(m.channel).Message(data).Build()
}

func (c commands) subscribe(channels []string) rueidis.Completed {
	switch {
	case c.sharded:
		return c.b.Ssubscribe().Channel(channels...).Build()
	case isPattern(channels[0]):
		return c.b.Psubscribe().Pattern(channels...).Build()
	default:
		return c.b.Subscribe().Channel(channels...).Build()
	}
}

func (c commands) unsubscribe(channels []string) rueidis.Completed {
	switch {
	case c.sharded:
		return c.b.Sunsubscribe().Channel(channels...).Build()
	case isPattern(channels[0]):
		return c.b.Punsubscribe().Pattern(channels...).Build()
	default:
		return c.b.Unsubscribe().Channel(channels...).Build()
	}
}

// split divides channels into those that one command may have.
func (c commands) split(channels []string) [][]string {
	groups := make(map[uint16][]string)
	for _, channel := range channels {
		var key uint16
		switch {
		case c.bySlot:
			key = slotOf(channel)
		case !c.sharded && isPattern(channel):
			key = 1
		}
		groups[key] = append(groups[key], channel)
	}
	var split [][]string
	for _, group := range groups {
		for len(group) > subscribeChannels {
			split = append(split, group[:subscribeChannels])
			group = group[subscribeChannels:]
		}
		split = append(split, group)
	}
	return split
}

func isPattern(channel string) bool { return strings.HasSuffix(channel, "*") }
