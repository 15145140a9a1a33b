package engine

import "sync"

// A flight counts messages that are on their way: given to the connection, and not
// known to have reached the server.
type flight struct {
	mu      sync.Mutex // protects the following
	sent    uint64
	settled uint64 // of these, the number of those whose fate is known
}

// depart counts a message that is about to be sent.
func (f *flight) depart() {
	f.mu.Lock()
	f.sent++
	f.mu.Unlock()
}

// fail counts one that was not sent after all.
func (f *flight) fail() {
	f.mu.Lock()
	f.settled++
	f.mu.Unlock()
}

// mark returns what arrive is to be called with, once what was sent until now has arrived.
func (f *flight) mark() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
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
	f.settled = f.sent
	return int(n)
}
