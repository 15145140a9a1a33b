package adminui

import (
	"context"
	"time"

	"github.com/siokit/sio"
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
	Pages  int    `json:"pages"`          // that are open at it
	Page   string `json:"page,omitempty"` // the id of one that wants to be told everything
}

// An audience is who looks on. It is protected by ui.mu.
type audience struct {
	pages   map[*sio.Socket]struct{} // that are connected to this server
	greet   []greeting               // of those and others, who have been told nothing yet
	remote  time.Time                // until when pages at other servers count as open
	peers   map[string]time.Time     // servers, and until when they count
	running bool                     // the goroutine
	silent  bool                     // it began with greetings: nobody else looks on
}

// A greeting is due to a page.
type greeting struct {
	page *sio.Socket // nil: it is another server's
	id   string
}

func (a *audience) init() {
	a.pages = make(map[*sio.Socket]struct{})
	a.peers = make(map[string]time.Time)
}

// openLocked tells whether there is anybody.
func (a *audience) openLocked(now time.Time) bool { return len(a.pages) > 0 || now.Before(a.remote) }

// serversLocked returns how many servers are known.
func (a *audience) serversLocked(now time.Time) int {
	for id, until := range a.peers {
		if now.After(until) {
			delete(a.peers, id)
		}
	}
	return 1 + len(a.peers)
}

// enter adds a page of this server. It reports false if there are too many.
func (u *ui) enter(page *sio.Socket) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pages) >= maxPages {
		return false
	}
	u.pages[page] = struct{}{}
	u.greetLocked(greeting{page, page.ID()})
	return true
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
	u.startLocked(true)
}

// startLocked starts the goroutine unless it runs.
func (u *ui) startLocked(silent bool) {
	switch {
	case u.ctx.Err() != nil:
	case u.running:
		select {
		case u.wake <- struct{}{}:
		default: // it has been woken
		}
	default:
		u.running, u.silent = true, silent
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
	if _, known := u.peers[w.Server]; known || len(u.peers) < maxPeers {
		u.peers[w.Server] = now.Add(awayAfter)
	}
	if w.Pages > 0 {
		u.remote = now.Add(awayAfter)
		if w.Page != "" {
			u.greetLocked(greeting{id: w.Page})
		} else {
			u.startLocked(false)
		}
	}
	return nil, nil
}

var errWord = &sio.Error{Message: "not what a server says"}

// say tells the other servers that this one is there, and of its pages.
func (u *ui) say(page string) {
	u.mu.Lock()
	pages := len(u.pages)
	u.mu.Unlock()
	_ = u.nsp.ServerSideEmit(wordEvent, word{u.opts.ServerID, pages, page}) // the next beat says the same
}
