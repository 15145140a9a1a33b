package adminui

import (
	"time"

	"github.com/siokit/sio/engineio"
)

const (
	statsEvery = 2 * time.Second
	// flushEvery is how often sockets and events are told of.
	flushEvery = 250 * time.Millisecond
	// minShare is how many sockets a server shows, however many servers there are, unless that
	// makes twice MaxSockets.
	minShare = 20
)

// show tells the pages, until there is none, here or at another server.
func (u *ui) show() {
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	var flush <-chan time.Time
	if u.feed != nil {
		t := time.NewTicker(flushEvery)
		defer t.Stop()
		flush = t.C
		u.feed.open(u.firstShare(time.Now()))
	}
	u.count.take(u.srv.Stats(), time.Now()) // nobody is told of what was before
	u.welcome()
	u.emitStats(u.srv.Stats(), time.Now())
	u.say(nil) // before the others' first tick
	said := time.Now()
	for {
		select {
		case <-u.ctx.Done():
			if u.feed != nil {
				u.feed.close()
			}
			return
		case <-u.wake:
			u.welcome()
		case now := <-flush:
			u.feed.flush(now)
		case now := <-tick.C:
			if u.over(now) {
				return
			}
			st := u.srv.Stats()
			u.emitStats(st, now)
			if u.feed != nil {
				u.feed.fill(st, u.share(now))
			}
			if u.owesAnswer() || now.Sub(said) >= beat {
				u.say(nil)
				said = now
			}
		}
	}
}

// over reports whether nobody looks on any more. Then the goroutine is to end.
func (u *ui) over(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.openLocked(now) {
		return false
	}
	u.running, u.greet, u.retell, u.answer, u.behind = false, nil, false, false, nil
	if u.feed != nil {
		u.feed.close() // before another one begins
	}
	return true
}

// owesAnswer reports whether there is a server that may not know of this one. It does so once.
func (u *ui) owesAnswer() (owes bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	owes, u.answer = u.answer, false
	return owes
}

// share returns how many sockets this server may show.
func (u *ui) share(now time.Time) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return shareOf(u.opts.MaxSockets, u.serversLocked(now))
}

// shareOf returns how many of most sockets one of so many servers shows.
func shareOf(most, servers int) int {
	return max(most/servers, min(minShare, most, 2*most/servers))
}

// firstShare returns how many it may show until the first tick. Without a page of its own it
// shows none: many servers may begin at that moment, and none knows yet how many.
func (u *ui) firstShare(now time.Time) int {
	u.mu.Lock()
	own := len(u.pages) > 0
	u.mu.Unlock()
	if !own {
		return 0
	}
	return u.share(now)
}

// welcome greets those who have come, and sends away who has missed something.
func (u *ui) welcome() {
	u.mu.Lock()
	greet, retell, behind := u.greet, u.retell, u.behind
	u.greet, u.retell, u.behind = nil, false, nil
	u.mu.Unlock()
	for _, page := range behind {
		page.Session().Abort(engineio.ReasonSlowConsumer)
	}
	if u.feed != nil && retell {
		u.feed.retell()
	}
	for _, g := range greet {
		if u.feed != nil {
			u.feed.welcome(g)
		}
		if g.page != nil {
			_ = g.page.Emit("server_stats", u.describe(u.srv.Stats(), []aggregate{})) // or it has left
			u.say(g.page)
		}
	}
}
