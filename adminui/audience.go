package adminui

import (
	"context"
	"slices"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
)

const (
	// wordEvent is what servers tell each other by.
	wordEvent = "adminui"
	// beat is how often they do so while a page is open somewhere.
	beat = 10 * time.Second
	// awayAfter is when a server is not counted on any more that has not been heard of.
	awayAfter = 5 * beat / 2

	maxServerID = 128
	maxSocketID = 128
	maxPeers    = 1024 // that are counted
)

// A word is what a server tells the others while a page is open somewhere.
type word struct {
	Server string `json:"server"`
	Pages  int    `json:"pages"`          // that are open at it, and that it has told of
	Page   string `json:"page,omitempty"` // the id of one that wants to be told everything
}

// An audience is who looks on. It is protected by ui.mu.
type audience struct {
	pages   map[*sio.Socket]bool // that are connected to this server; whether others know of them
	greet   []greeting           // of those and others, who have been told nothing yet
	remote  time.Time            // until when pages at other servers count as open
	peers   map[string]peer      // servers
	running bool                 // the goroutine
	behind  []*sio.Socket        // pages that have missed something
	retell  bool                 // there are pages that nobody has greeted
	answer  bool                 // there is a server that may not know of this one
}

// A peer is another server.
type peer struct {
	until time.Time // it counts
	pages int       // that were open at it
}

// A greeting is due to a page.
type greeting struct {
	page *sio.Socket // nil: it is another server's
	id   string
}

func (a *audience) init() {
	a.pages = make(map[*sio.Socket]bool)
	a.peers = make(map[string]peer)
}

// openLocked tells whether there is anybody.
func (a *audience) openLocked(now time.Time) bool { return len(a.pages) > 0 || now.Before(a.remote) }

// serversLocked returns how many servers are known.
func (a *audience) serversLocked(now time.Time) int {
	for id, p := range a.peers {
		if now.After(p.until) {
			delete(a.peers, id)
		}
	}
	return 1 + len(a.peers)
}

// heardLocked notes what another server says, unless there are too many: one that is not
// remembered would be new each time.
func (a *audience) heardLocked(w word, now time.Time) {
	p, there := a.peers[w.Server]
	if !there && len(a.peers) >= maxPeers {
		return
	}
	// One that counts no more was not heard: its pages may be others.
	if now.After(p.until) {
		p, a.answer = peer{}, true
	}
	known := p.pages
	if w.Page != "" {
		known++
	}
	if w.Pages > known { // they came when this server did not listen
		a.retell = true
	}
	a.peers[w.Server] = peer{now.Add(awayAfter), w.Pages}
}

// enter adds a page of this server. It reports false if there are too many.
func (u *ui) enter(page *sio.Socket) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pages) >= maxPages {
		return false
	}
	u.pages[page] = false
	u.greetLocked(greeting{page, page.ID()})
	return true
}

// limited is an observer's LimitReached. With Options.KeepSlow, a page whose queue is full misses
// something for good: it is to come back, and be told all.
func (u *ui) limited(s *engineio.Session, limit engineio.Limit) {
	if limit != engineio.LimitQueue {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for page := range u.pages {
		if page.Session() == s && !slices.Contains(u.behind, page) {
			u.behind = append(u.behind, page)
			u.startLocked()
		}
	}
}

func (u *ui) leave(page *sio.Socket) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.pages, page)
}

// greetLocked has a page greeted, by the goroutine, which is started if need be.
func (u *ui) greetLocked(g greeting) {
	if len(u.greet) < 2*maxPages {
		u.greet = append(u.greet, g)
	}
	u.startLocked()
}

// startLocked starts the goroutine unless it runs. Then it is woken.
func (u *ui) startLocked() {
	switch {
	case u.ctx.Err() != nil:
	case u.running:
		select {
		case u.wake <- struct{}{}:
		default: // it has been woken
		}
	default:
		u.running = true
		u.wg.Go(u.show) // until nobody looks on, or Shutdown
	}
}

// hear is called with what another server says.
func (u *ui) hear(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
	var w word
	if err := args.Bind(&w); err != nil {
		return nil, err
	}
	if w.Server == "" || len(w.Server) > maxServerID || len(w.Page) > maxSocketID {
		return nil, errWord
	}
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.heardLocked(w, now)
	if w.Pages > 0 {
		u.remote = now.Add(awayAfter)
		if w.Page != "" {
			u.greetLocked(greeting{id: w.Page})
		} else {
			u.startLocked()
		}
	}
	return nil, nil
}

var errWord = &sio.Error{Message: "not what a server says"}

// say tells the other servers that this one is there, and of its pages; of one that has come, if
// page is not nil.
func (u *ui) say(page *sio.Socket) {
	w := word{Server: u.opts.ServerID}
	u.mu.Lock()
	if page != nil {
		w.Page = page.ID()
		if _, open := u.pages[page]; open {
			u.pages[page] = true
		}
	}
	for _, told := range u.pages {
		if told {
			w.Pages++
		}
	}
	u.mu.Unlock()
	_ = u.nsp.ServerSideEmit(wordEvent, w) // the next beat says the same
}
