package engineio

import (
	"sync"

	"github.com/siokit/sio/internal/sid"
)

// shardCount keeps the locks of handshakes and polls apart. A WebSocket
// message touches none of them.
const shardCount = 64

// sessionMap finds sessions by id.
type sessionMap struct {
	shards [shardCount]struct {
		mu   sync.Mutex
		m    map[string]*Session
		shut bool // no more additions
	}
}

func shardOf(id string) int {
	return int(id[0]+id[1]<<3) % shardCount // ids are random
}

// add reports false once the map has been shut. Two places in wg are taken
// under the same lock, so that nobody is added behind a Wait: the session's,
// and one for who opens it.
func (sm *sessionMap) add(s *Session, wg *sync.WaitGroup) bool {
	sh := &sm.shards[shardOf(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.shut {
		return false
	}
	if sh.m == nil {
		sh.m = make(map[string]*Session)
	}
	sh.m[s.id] = s
	wg.Add(2)
	return true
}

func (sm *sessionMap) get(id string) *Session {
	if len(id) != sid.Len {
		return nil
	}
	sh := &sm.shards[shardOf(id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.m[id]
}

func (sm *sessionMap) remove(id string) {
	sh := &sm.shards[shardOf(id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.m, id)
}

func (sm *sessionMap) len() int {
	n := 0
	for i := range sm.shards {
		sh := &sm.shards[i]
		sh.mu.Lock()
		n += len(sh.m)
		sh.mu.Unlock()
	}
	return n
}

// all returns what is there.
func (sm *sessionMap) all() []*Session {
	var all []*Session
	for i := range sm.shards {
		sh := &sm.shards[i]
		sh.mu.Lock()
		for _, s := range sh.m {
			all = append(all, s)
		}
		sh.mu.Unlock()
	}
	return all
}

// shut refuses further additions and returns what is there.
func (sm *sessionMap) shut() []*Session {
	var all []*Session
	for i := range sm.shards {
		sh := &sm.shards[i]
		sh.mu.Lock()
		sh.shut = true
		for _, s := range sh.m {
			all = append(all, s)
		}
		sh.mu.Unlock()
	}
	return all
}
