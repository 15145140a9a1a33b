package adminui

import "time"

const (
	statsEvery = 2 * time.Second
	// flushEvery is how often sockets and events are told of.
	flushEvery = 250 * time.Millisecond
	// minShare is how many sockets a server shows, however many servers there are.
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
		u.feed.open(u.share(time.Now()), u.silent)
	}
	u.count.take(u.srv.Stats(), time.Now()) // nobody is told of what was before
	u.welcome()
	u.emitStats(u.srv.Stats(), time.Now())
	var said time.Time // the first tick says it
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
			if now.Sub(said) >= beat {
				u.say("")
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
	u.running, u.greet = false, nil
	if u.feed != nil {
		u.feed.close() // before another one begins
	}
	return true
}

// share returns how many sockets this server may show.
func (u *ui) share(now time.Time) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return max(min(minShare, u.opts.MaxSockets), u.opts.MaxSockets/u.serversLocked(now))
}

// welcome greets those who have come.
func (u *ui) welcome() {
	u.mu.Lock()
	greet := u.greet
	u.greet = nil
	u.mu.Unlock()
	for _, g := range greet {
		if u.feed != nil {
			u.feed.welcome(g)
		}
		if g.page != nil {
			_ = g.page.Emit("server_stats", u.describe(u.srv.Stats(), []aggregate{})) // or it has left
			u.say(g.id)
		}
	}
}
