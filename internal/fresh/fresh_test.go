package fresh

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rooms
		if r.Has("/", "a") {
			t.Error("a room is fresh that nobody has joined")
		}
		r.Add("/", []string{"a", "b"})
		if !r.Has("/", "a") || !r.Has("/", "b") || r.Has("/", "c") || r.Has("/other", "a") {
			t.Error("not just the rooms that were joined are fresh")
		}
		time.Sleep(lasting / 2)
		r.Add("/", []string{"b"})
		time.Sleep(lasting / 2)
		if r.Has("/", "a") || !r.Has("/", "b") {
			t.Error("not just the room that was joined last is fresh")
		}
		time.Sleep(lasting)
		if r.Has("/", "b") || r.rooms != nil {
			t.Errorf("%d rooms are remembered", len(r.rooms))
		}
	})
}

// TestMany has as many rooms joined as are not remembered one by one.
func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rooms
		for i := range 3 * maxRooms {
			r.Add("/", []string{strconv.Itoa(i)})
			if len(r.rooms) > maxRooms || !r.Has("/", strconv.Itoa(i)) {
				t.Fatalf("%d rooms are remembered, and of the last that is %v", len(r.rooms), r.Has("/", strconv.Itoa(i)))
			}
		}
		if !r.Has("/", "0") {
			t.Error("a room is forgotten")
		}
		time.Sleep(lasting)
		if r.Has("/", "0") {
			t.Error("all rooms are fresh for ever")
		}
	})
}
