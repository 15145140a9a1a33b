package cluster

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshFor is how long after sockets of other servers were told to join a room an
	// event for that room goes to all servers: theirs may not have subscribed to its
	// channel yet.
	freshFor = 5 * time.Second
	// maxFresh bounds the rooms of which that is remembered. Beyond, it is so for all.
	maxFresh = 4096
)

// fresh are the rooms that sockets of other servers have been told to join lately.
type fresh struct {
	some atomic.Bool // so that most events need no lock

	mu    sync.Mutex
	rooms map[freshRoom]time.Time // until when
	any   time.Time               // until when it is so for all rooms
	last  time.Time               // of these, the last
}

type freshRoom struct{ nsp, room string }

func (f *fresh) add(nsp string, rooms []string) {
	now := time.Now()
	until := now.Add(freshFor)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rooms)+len(rooms) > maxFresh {
		for room, end := range f.rooms {
			if end.Before(now) {
				delete(f.rooms, room)
			}
		}
		if len(f.rooms)+len(rooms) > maxFresh/2 { // and not to look at them all again soon
			f.any, f.rooms = until, nil
		}
	}
	if f.last = until; f.any != until {
		if f.rooms == nil {
			f.rooms = make(map[freshRoom]time.Time)
		}
		for _, room := range rooms {
			f.rooms[freshRoom{nsp, room}] = until
		}
	}
	f.some.Store(true)
}

func (f *fresh) has(nsp, room string) bool {
	if !f.some.Load() {
		return false
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.After(f.last) {
		f.rooms = nil
		f.some.Store(false)
		return false
	}
	return now.Before(f.any) || now.Before(f.rooms[freshRoom{nsp, room}])
}
