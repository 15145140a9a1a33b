package engine

import "sync"

// A flight counts messages that are on their way: given to the connection, and not
// known to have reached the server.
type flight struct {
	mu       sync.Mutex // protects the following
	sent     uint64
	settled  uint64 // of these, the number of those whose fate is known
	lost     uint64 // what sent was when lose last counted any
	boarding bool   // the last is not known to have been given to the connection
}

// depart counts a message that is about to be sent: left or fail is called next.
func (f *flight) depart() {
	f.mu.Lock()
	f.sent++
	f.boarding = true
	f.mu.Unlock()
}

// left notes that the connection has the last message.
func (f *flight) left() {
	f.mu.Lock()
	f.boarding = false
	f.mu.Unlock()
}

// fail takes back the last message, which was not sent after all. It returns false if lose
// has counted that one.
func (f *flight) fail() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boarding = false
	if f.lost == f.sent {
		return false
	}
	f.sent--
	return true
}

// mark returns what arrive is to be called with, once what the connection has got until now
// has arrived.
func (f *flight) mark() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.boarding {
		return f.sent - 1
	}
	return f.sent
}

func (f *flight) arrive(mark uint64) {
	f.mu.Lock()
	f.settled = max(f.settled, mark)
	f.mu.Unlock()
}

// lose returns how many were on their way, and may have arrived or not.
func (f *flight) lose() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.settled >= f.sent {
		return 0
	}
	n := f.sent - f.settled
	f.settled, f.lost = f.sent, f.sent
	return int(n)
}
