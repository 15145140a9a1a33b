package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

const (
	// pageEntries is how many entries are read at once.
	pageEntries = 200
	// blockTime is how long Redis lets a reader wait for entries; then it is looked
	// whether the stream is still the same.
	blockTime = 2 * time.Second
	// readTimeout is how long answers may take beyond that before a connection is given
	// up, as links do it: rueidis sends no pings while a command waits.
	readTimeout = 8 * time.Second

	// maxSeen is of how many servers the last entry is remembered, unless they have
	// appended more within seenFor: entries come twice, if they do, within the time that a
	// connection takes to fail.
	maxSeen = 1024
	seenFor = time.Hour
)

// history connects, and tells of what is in the stream. There is no connection if nobody
// wants to know, or with an error.
func (j *journal) history(ctx context.Context) (*conn, error) {
	if j.to == nil {
		return nil, nil
	}
	j.dialer = newLink(j.engine, "")
	c, err := j.dialer.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, j.cancel)
	err = j.readPast(c)
	if !stop() {
		err = fmt.Errorf("redis: reading the stream: %w", context.Cause(ctx))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (j *journal) readPast(c *conn) error {
	page, err := j.page(c, 0)
	if err == nil && len(page) == 0 {
		// A stream that is empty gets an entry: so there is always one that was read, by
		// which it is noticed if others are trimmed that were not.
		if err = j.addFence(c, "*"); err == nil {
			page, err = j.page(c, 0)
		}
	}
	if err == nil {
		err = j.begin(page)
	}
	var end uint64 // what comes later is not of the past: there may always be more
	if err == nil {
		end, err = j.newest(c)
	}
	for err == nil {
		full := len(page) == pageEntries
		if err = j.deliver(page, true); err != nil || !full || j.pos >= end {
			break
		}
		if page, err = j.page(c, j.pos); err == nil {
			page, _, err = j.check(c, page)
		}
	}
	return err
}

// begin tells that what comes next is a page.
func (j *journal) begin(page []rueidis.RedisMessage) error {
	if len(page) == 0 {
		return errEmptied
	}
	pos, fields, err := partsOf(&page[0])
	if err != nil {
		return err
	}
	if _, ok := entryOf(fields); ok {
		pos--
	}
	j.telling.Lock()
	defer j.telling.Unlock()
	j.to.Gap(pos)
	return nil
}

// gather is how long more entries may come before they are read, once some have: each time that
// the stream is waited for costs as much as tens of entries.
const gather = time.Millisecond

// run reads by one connection after another.
func (j *journal) run(ctx context.Context, c *conn) {
	for tries := 0; ; tries++ {
		var err error
		if c == nil {
			c, err = j.dialer.dial(ctx)
		}
		if c != nil {
			begin := time.Now()
			err = j.read(ctx, c)
			c.Close()
			c = nil
			if time.Since(begin) > stableAfter {
				tries = 0
			}
		}
		if ctx.Err() != nil {
			return
		}
		if !j.absent {
			j.absent = true
			j.leave(err)
			j.engine.tell()
		}
		select {
		case <-time.After(pauseAfter(tries)):
		case <-ctx.Done():
			return
		}
	}
}

// read reads until the connection is lost or ctx ends.
func (j *journal) read(ctx context.Context, c *conn) error {
	// A page that may be all that the stream has may not be all that was behind the one
	// before.
	whole := min(pageEntries, j.maxLen)
	// Where the stream ended when the connection was new: who has read so far is back, even if
	// more comes all the time than is in a page.
	var missed uint64
	for first, caughtUp := true, false; ; first = false {
		page, err := j.next(ctx, c, caughtUp)
		if err != nil {
			return err
		}
		if first || len(page) >= whole || len(page) == 0 && caughtUp {
			if len(page) == 0 && j.dialer.isStale(c) {
				return errReplaced
			}
			var end uint64
			if page, end, err = j.check(c, page); err != nil {
				return err
			}
			if first || end < missed { // or the stream begins anew
				missed = end
			}
		}
		caughtUp = len(page) < pageEntries
		if err := j.deliver(page, false); err != nil {
			return err
		}
		if caughtUp && len(page) > 0 {
			time.Sleep(gather)
		}
		if j.absent && (caughtUp || j.pos >= missed) {
			j.absent = false
			j.back()
			j.engine.tell()
		}
	}
}

// check looks whether a page is all that is behind what was read. If it may not be, it tells,
// and returns what is there. It also returns where the stream ended.
func (j *journal) check(c *conn, page []rueidis.RedisMessage) (_ []rueidis.RedisMessage, end uint64, err error) {
	end, gone, err := j.fence(c, j.pos)
	if err != nil || !gone {
		return page, end, err
	}
	if page, err = j.page(c, j.pos); err != nil {
		return nil, 0, err
	}
	return page, end, j.begin(page)
}

// next reads what is behind that which was read, and may wait for it.
func (j *journal) next(ctx context.Context, c *conn, wait bool) ([]rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, blockTime+readTimeout)
	defer cancel()
	read, after := c.B().Xread().Count(pageEntries), idOf(j.pos)
	command := read.Streams().Key(j.stream).Id(after).Build()
	if wait {
		command = c.B().Xread().Count(pageEntries).Block(blockTime.Milliseconds()).Streams().Key(j.stream).Id(after).Build()
	}
	streams, err := c.Do(ctx, command).AsMap()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("redis: reading the stream: %w", err)
	}
	m := streams[j.stream]
	page, err := m.ToArray()
	if err != nil {
		return nil, fmt.Errorf("redis: reading the stream: %w", err)
	}
	return page, nil
}

// deliver hands entries over, and forgets those of this server.
func (j *journal) deliver(page []rueidis.RedisMessage, past bool) (err error) {
	if len(page) == 0 {
		return nil
	}
	j.mu.Lock()
	pos, uid := j.pos, j.uid
	j.mu.Unlock()
	var own uint64
	j.telling.Lock()
	for i := range page {
		var at uint64
		var fields []rueidis.RedisMessage
		if at, fields, err = partsOf(&page[i]); err != nil {
			break
		}
		pos = at
		e, ok := entryOf(fields)
		if !ok || e.Number != 0 && !j.isNew(e.UID, e.Number, pos) {
			continue
		}
		if !past && e.UID == uid {
			own = e.Number
		}
		j.to.Appended(pos, e, past)
	}
	j.telling.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pos = pos
	for j.pending.Len() > 0 && j.pending.All()[0].Number <= own {
		j.bytes -= entryBytes(j.pending.Pop())
	}
	return err
}

// isNew tells whether an entry has not come before.
func (j *journal) isNew(uid string, number, pos uint64) bool {
	if number <= j.seen[uid].number {
		return false
	}
	if len(j.seen) >= maxSeen {
		const window = uint64(seenFor/time.Millisecond) << sequenceBits
		for other, m := range j.seen {
			if m.pos+window < pos {
				delete(j.seen, other)
			}
		}
	}
	j.seen[uid] = mark{number, pos}
	return true
}
