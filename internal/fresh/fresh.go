// Package fresh remembers which rooms sockets of other servers were told to join lately. An
// event for such a room goes to all servers: theirs may not have subscribed to its channel
// yet.
package fresh

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lasting is how long a server may take to subscribe.
	lasting = 5 * time.Second
	// maxRooms bounds the rooms of which that is remembered. Beyond, it is so for all.
	maxRooms = 4096
)

// Rooms are the rooms that are fresh. The zero value has none. The methods may be called
// from any goroutine.
type Rooms struct {
	some atomic.Bool // so that most events need no lock

	mu    sync.Mutex
	rooms map[room]time.Time // until when
	any   time.Time          // until when it is so for all rooms
	last  time.Time          // of these, the last
}

type room struct{ nsp, name string }

// Add has rooms of a namespace be fresh for a while.
func (r *Rooms) Add(nsp string, names []string) {
	now := time.Now()
	until := now.Add(lasting)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rooms)+len(names) > maxRooms {
		for old, end := range r.rooms {
			if end.Before(now) {
				delete(r.rooms, old)
			}
		}
		if len(r.rooms)+len(names) > maxRooms/2 { // and not to look at them all again soon
			r.any, r.rooms = until, nil
		}
	}
	if r.last = until; r.any != until {
		if r.rooms == nil {
			r.rooms = make(map[room]time.Time)
		}
		for _, name := range names {
			r.rooms[room{nsp, name}] = until
		}
	}
	r.some.Store(true)
}

// Has reports whether a room is fresh.
func (r *Rooms) Has(nsp, name string) bool {
	if !r.some.Load() {
		return false
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.After(r.last) {
		r.rooms = nil
		r.some.Store(false)
		return false
	}
	return now.Before(r.any) || now.Before(r.rooms[room{nsp, name}])
}
