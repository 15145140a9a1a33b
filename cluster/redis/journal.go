package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fifo"
)

// The defaults of @socket.io/redis-streams-adapter.
const (
	defaultStream        = "socket.io"
	defaultMaxLen        = 10_000
	defaultSessionPrefix = "sio:session:"
)

// sequenceBits is how much of a position is the sequence of an id, the rest being its
// milliseconds: as many entries as Redis can't take in one, and centuries.
const sequenceBits = 20

var (
	errBehind  = errors.New("redis: the stream has begun anew, with ids that were there before")
	errEmptied = errors.New("redis: the stream was emptied while it was read")
	errParts   = errors.New("an entry has not two parts")
)

// A journal is a [cluster.Journal], by a stream and by keys of Redis. Entries are appended
// by a [link], and read by a connection that waits for them.
type journal struct {
	*engine
	stream    string
	maxLen    int
	threshold string // the same as text
	sessions  string // what the keys of records begin with

	to      cluster.JournalReceiver // nil: nobody is told of entries, and none are appended
	telling sync.Mutex              // it is told by one goroutine at a time
	dialer  *link                   // by which the reader connects; it does not run
	stop    context.CancelFunc      // of the reader
	reading sync.WaitGroup          // the reader

	mu      sync.Mutex // protects the following. Taken before link.mu
	closed  bool
	uid     string                  // of this server
	pos     uint64                  // how far the stream was read
	pending fifo.Queue[*wire.Entry] // of this server, not read yet; their numbers ascend
	bytes   int                     // of these
	sent    uint64                  // the last number that was given to Redis

	// Owned by who reads.
	seen   map[string]mark // the last entry of each server
	absent bool            // the engine counts the reader as away
}

// A mark is where the last entry of a server was.
type mark struct{ number, pos uint64 }

func newJournal(client rueidis.Client, owned bool, o *Options) *journal {
	j := &journal{
		engine:    newEngine(client, owned, o),
		stream:    cmp.Or(o.StreamName, defaultStream),
		maxLen:    cmp.Or(o.MaxLen, defaultMaxLen),
		threshold: strconv.Itoa(cmp.Or(o.MaxLen, defaultMaxLen)),
		sessions:  cmp.Or(o.SessionKeyPrefix, defaultSessionPrefix),
		seen:      make(map[string]mark),
		stop:      func() {},
	}
	j.engine.journal = j
	return j
}

// Start implements [cluster.Engine].
func (j *journal) Start(ctx context.Context, r cluster.Receiver) error {
	j.use(r)
	j.to, _ = r.(cluster.JournalReceiver)
	c, err := j.history(ctx)
	if err == nil {
		err = j.connect(ctx)
	}
	if err != nil {
		j.cancel()
		if c != nil {
			c.Close()
		}
		return err
	}
	if c != nil {
		reader, stop := context.WithCancel(j.ctx)
		j.stop = stop
		j.reading.Go(func() { j.run(reader, c) }) // until Close
	}
	return nil
}

// Close implements [cluster.Engine].
func (j *journal) Close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.stop()
	err := j.engine.Close()
	j.reading.Wait()
	return err
}

// Append implements [cluster.Journal]. All entries have the same UID, and numbers that
// ascend.
func (j *journal) Append(e wire.Entry) bool {
	n := entryBytes(&e)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.to == nil || j.closed || j.bytes > 0 && j.bytes+n > j.queueBytes {
		return false
	}
	if j.appender.publish(message{channel: j.stream, entry: &e}, false) != nil {
		return false
	}
	j.uid = e.UID
	j.pending.Push(&e)
	j.bytes += n
	return true
}

func entryBytes(e *wire.Entry) int {
	return len(e.UID) + len(e.Nsp) + len(e.Type) + len(e.Data) + messageBytes
}

// Offset implements [cluster.Journal]: it is the id of the entry.
func (j *journal) Offset(pos uint64) string { return idOf(pos) }

// Position implements [cluster.Journal].
func (j *journal) Position(offset string) (pos uint64, ok bool) { return positionOf(offset) }

func idOf(pos uint64) string {
	var buf [40]byte
	return string(appendID(buf[:0], pos))
}

func appendID(dst []byte, pos uint64) []byte {
	dst = append(strconv.AppendUint(dst, pos>>sequenceBits, 10), '-')
	return strconv.AppendUint(dst, pos&(1<<sequenceBits-1), 10)
}

func positionOf(id string) (pos uint64, ok bool) {
	ms, sequence, ok := strings.Cut(id, "-")
	if !ok {
		return 0, false
	}
	high, err1 := strconv.ParseUint(ms, 10, 64-sequenceBits)
	low, err2 := strconv.ParseUint(sequence, 10, sequenceBits)
	pos = high<<sequenceBits | low
	var buf [40]byte
	return pos, err1 == nil && err2 == nil && string(appendID(buf[:0], pos)) == id
}

// add returns the command that appends an entry.
func (j *journal) add(e *wire.Entry) rueidis.Completed {
	c := j.client.B().Xadd().Key(j.stream).Maxlen().Almost().Threshold(j.threshold).Id("*").
		FieldValue().FieldValue("uid", e.UID).FieldValue("nsp", e.Nsp).FieldValue("type", e.Type)
	if e.Data != "" {
		c = c.FieldValue("data", e.Data)
	}
	if e.Number != 0 {
		c = c.FieldValue("n", strconv.FormatUint(e.Number, 10))
	}
	return c.Build()
}

// partsOf returns where an entry is, and its fields, each a name and a value, as Redis has
// answered them.
func partsOf(m *rueidis.RedisMessage) (pos uint64, fields []rueidis.RedisMessage, err error) {
	parts, err := m.ToArray()
	if err == nil && len(parts) != 2 {
		err = errParts
	}
	if err != nil {
		return 0, nil, fmt.Errorf("redis: reading the stream: %w", err)
	}
	id, err := parts[0].ToString()
	if err != nil {
		return 0, nil, fmt.Errorf("redis: reading the stream: %w", err)
	}
	pos, ok := positionOf(id)
	if !ok {
		return 0, nil, fmt.Errorf("redis: the stream has an id that is no position: %q", id)
	}
	if fields, err = parts[1].ToArray(); err != nil {
		return 0, nil, fmt.Errorf("redis: reading the stream: %w", err)
	}
	return pos, fields, nil
}

// entryOf returns what add has made a command of. What is in no namespace is no entry of
// servers.
func entryOf(fields []rueidis.RedisMessage) (e wire.Entry, ok bool) {
	for ; len(fields) > 1; fields = fields[2:] {
		value, _ := fields[1].ToString() // Redis has nothing else there
		switch name, _ := fields[0].ToString(); name {
		case "uid":
			e.UID = value
		case "nsp":
			e.Nsp = value
		case "type":
			e.Type = value
		case "data":
			e.Data = value
		case "n":
			e.Number, _ = strconv.ParseUint(value, 10, 64) // 0 if it is none
		}
	}
	return e, e.Nsp != ""
}

// sending notes that Redis may have got the entries among some messages.
func (j *journal) sending(messages []message) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range messages {
		if e := messages[i].entry; e != nil {
			j.sent = max(j.sent, e.Number)
		}
	}
}

// answered looks at answers to the entries among some messages. The error says that the
// connection is to be given up: what of them has not been read yet is told apart by the
// next one.
func (j *journal) answered(messages []message, results []rueidis.RedisResult) error {
	last := -1 // that was appended: what comes before it can't be any more
	for i := range messages {
		if messages[i].entry != nil && results[i].Error() == nil {
			last = i
		}
	}
	var failed error
	var refused []refusal
	for i := range messages {
		e := messages[i].entry
		if e == nil {
			continue
		}
		id, err := results[i].ToString()
		answer, ok := rueidis.IsRedisErr(err)
		switch {
		case err == nil:
			if j.isBehind(e, id) {
				failed = errBehind
			}
		case !ok:
			failed = err
		case i > last && isElsewhere(answer):
			failed = fmt.Errorf("redis: appending: %w", err)
		default:
			refused = append(refused, refusal{e.Number, fmt.Errorf("redis: appending: %w", err)})
		}
	}
	j.refuse(refused)
	return failed
}

// isElsewhere tells whether an entry is not refused for what it is.
func isElsewhere(answer *rueidis.RedisError) bool {
	switch code(answer) {
	case "READONLY", "MOVED", "ASK":
		return true
	}
	return isPassing(answer)
}

// isBehind tells whether an entry has a position that was read before it.
func (j *journal) isBehind(e *wire.Entry, id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	pos, ok := positionOf(id)
	return ok && pos <= j.pos && j.pending.Len() > 0 && j.pending.All()[0].Number <= e.Number
}

// A refusal is of an entry that will not be appended.
type refusal struct {
	number uint64
	err    error
}

// refuse forgets entries, and tells of it. Their numbers ascend.
func (j *journal) refuse(refused []refusal) {
	if len(refused) == 0 {
		return
	}
	rest := refused
	j.mu.Lock()
	for range j.pending.Len() {
		e := j.pending.Pop()
		for len(rest) > 0 && rest[0].number < e.Number {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0].number == e.Number {
			j.bytes -= entryBytes(e)
		} else {
			j.pending.Push(e)
		}
	}
	j.mu.Unlock()
	j.telling.Lock()
	defer j.telling.Unlock()
	for _, r := range refused {
		j.to.Refused(r.number, r.err)
	}
}

// resume appends again what may not have been, by a new connection: it reads up to the end
// first. Commands of the old connection that Redis has yet to read may append some of it,
// too: so who reads an entry with a number of before drops it.
func (j *journal) resume(c *conn) error {
	j.mu.Lock()
	from, uid := j.pos, j.uid
	var unsure []message
	for _, e := range j.pending.All() {
		if e.Number <= j.sent {
			unsure = append(unsure, message{entry: e})
		}
	}
	j.mu.Unlock()
	if len(unsure) == 0 {
		return nil
	}
	end, _, err := j.fence(c, from) // others may append more than is read, all the time
	if err != nil {
		return err
	}
	var last uint64 // that is there
	for full := true; full; {
		page, err := j.page(c, from)
		if err != nil {
			return err
		}
		for i := range page {
			pos, fields, err := partsOf(&page[i])
			if err != nil {
				return err
			}
			from = pos
			if e, ok := entryOf(fields); ok && e.UID == uid {
				last = max(last, e.Number)
			}
		}
		full = len(page) == pageEntries && from < end
	}
	unsure = slices.DeleteFunc(unsure, func(m message) bool { return m.entry.Number <= last })
	for batch := range slices.Chunk(unsure, batchMessages) {
		commands := make([]rueidis.Completed, len(batch))
		for i := range batch {
			commands[i] = j.add(batch[i].entry)
		}
		if err := j.answered(batch, c.DoMulti(j.ctx, commands...)); err != nil {
			return err
		}
	}
	return nil
}

// page reads the entries behind a position.
func (j *journal) page(c *conn, after uint64) ([]rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(j.ctx, readTimeout)
	defer cancel()
	page, err := c.Do(ctx, c.B().Xrange().Key(j.stream).Start(idOf(after+1)).End("+").Count(pageEntries).Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("redis: reading the stream: %w", err)
	}
	return page, nil
}

// newest returns where the stream ends, which is 0 if nothing is there.
func (j *journal) newest(c *conn) (pos uint64, err error) {
	ctx, cancel := context.WithTimeout(j.ctx, readTimeout)
	defer cancel()
	entries, err := c.Do(ctx, c.B().Xrevrange().Key(j.stream).End("+").Start("-").Count(1).Build()).AsXRangeSlices()
	if err != nil {
		return 0, fmt.Errorf("redis: reading the stream: %w", err)
	}
	if len(entries) > 0 {
		pos, _ = positionOf(entries[0].ID)
	}
	return pos, nil
}

// fence sees to it that all that is appended has positions behind one that was read, which
// is not so by itself when the stream was deleted, or a replica has taken over that has less
// of it, and the clock is behind. It returns where the stream ended, and reports whether what
// was read is there no more.
func (j *journal) fence(c *conn, pos uint64) (end uint64, gone bool, err error) {
	end, err = j.newest(c)
	switch {
	case err != nil:
		return 0, false, err
	case end == pos:
		return end, false, nil
	case end < pos:
		return end, true, j.addFence(c, idOf(pos+1))
	}
	ctx, cancel := context.WithTimeout(j.ctx, readTimeout)
	defer cancel()
	at := idOf(pos)
	known, err := c.Do(ctx, c.B().Xrange().Key(j.stream).Start(at).End(at).Count(1).Build()).AsXRangeSlices()
	if err != nil {
		return 0, false, fmt.Errorf("redis: reading the stream: %w", err)
	}
	return end, len(known) == 0, nil
}

// addFence appends what is an entry for nobody, since it has no namespace, unless there is one
// behind it.
func (j *journal) addFence(c *conn, id string) error {
	ctx, cancel := context.WithTimeout(j.ctx, readTimeout)
	defer cancel()
	err := c.Do(ctx, c.B().Xadd().Key(j.stream).Id(id).FieldValue().FieldValue("sio", "fence").Build()).Error()
	if answer, ok := rueidis.IsRedisErr(err); ok && strings.Contains(answer.Error(), "equal or smaller") {
		return nil // another server did
	}
	if err != nil {
		return fmt.Errorf("redis: appending: %w", err)
	}
	return nil
}
