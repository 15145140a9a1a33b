package socketio

import "testing"

// TestEventQueue has events come back in order, and an empty queue hold on to
// none of them: a socket can be idle for long.
func TestEventQueue(t *testing.T) {
	var q eventQueue
	for n := range 4 {
		events := make([]*Event, n)
		for i := range events {
			events[i] = new(Event)
			q.push(events[i])
		}
		for i, want := range events {
			if got := q.pop(); got != want || got.next != nil {
				t.Fatalf("event %d of %d: %p, want %p, behind it %p", i, n, got, want, got.next)
			}
		}
		if q.pop() != nil || q != (eventQueue{}) {
			t.Errorf("behind %d events: %+v", n, q)
		}
	}
}
