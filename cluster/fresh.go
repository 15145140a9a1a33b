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
	until atomic.Int64 // the last of them, so that most events need no lock

	mu    sync.Mutex
	rooms map[freshRoom]time.Time // until when
	any   time.Time               // until when it is so for all rooms
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
	}
	if len(f.rooms)+len(rooms) > maxFresh {
		f.any = until
	} else {
		if f.rooms == nil {
			f.rooms = make(map[freshRoom]time.Time)
		}
		for _, room := range rooms {
			f.rooms[freshRoom{nsp, room}] = until
		}
	}
	f.until.Store(until.UnixNano())
}

func (f *fresh) has(nsp, room string) bool {
	last := f.until.Load()
	if last == 0 {
		return false
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.UnixNano() > last && f.until.CompareAndSwap(last, 0) {
		f.rooms = nil
	}
	return now.Before(f.any) || now.Before(f.rooms[freshRoom{nsp, room}])
}
