//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package wire

import (
	"testing"
)

// benchEvent is an event of a hundred bytes for one room.
var benchEvent = Message{Type: TypeBroadcast, UID: uid, Nsp: nsp, Rooms: []string{"general"},
	Data: []byte(`["message",{"id":1234,"room":"general","user":"alice","text":"All work and no play.","at":1764363600}]`)}

func BenchmarkAppend(b *testing.B) {
	for _, name := range []string{"classic", "sharded", "subjects"} {
		b.Run(name, func(b *testing.B) {
			f := formats[name]
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Append(nil, &benchEvent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"classic", "sharded", "subjects"} {
		b.Run(name, func(b *testing.B) {
			f := formats[name]
			channel := f.Channel(&benchEvent)
			data, err := f.Append(nil, &benchEvent)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var m Message
			for b.Loop() {
				m = Message{}
				if err := f.Decode(channel, data, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestEventAllocs(t *testing.T) {
	for _, name := range []string{"classic", "sharded"} {
		f := formats[name]
		channel := f.Channel(&benchEvent)
		var data []byte
		if n := testing.AllocsPerRun(100, func() { data, _ = f.Append(nil, &benchEvent) }); n > 2 { // the message
			t.Errorf("%s: %v allocations to encode an event", name, n)
		}
		var m Message
		if n := testing.AllocsPerRun(100, func() {
			m = Message{}
			if err := f.Decode(channel, data, &m); err != nil {
				t.Fatal(err)
			}
		}); n > 3 { // JSON, UID, Rooms
			t.Errorf("%s: %v allocations to decode an event", name, n)
		}
	}
}

// TestListAllocs has a list of names take one allocation more than its names.
func TestListAllocs(t *testing.T) {
	const names = 20
	f, m := formats["sharded"], Message{Type: TypeJoin, UID: uid, Nsp: nsp, Rooms: []string{"a"}}
	for i := range names {
		m.Names = append(m.Names, "room "+string(rune('a'+i)))
	}
	data, err := f.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		m = Message{}
		if err := f.Decode(onEvents, data, &m); err != nil {
			t.Fatal(err)
		}
	}); n > names+4 { // UID, both lists, and the room, unless it is one byte
		t.Errorf("%v allocations to decode %d names", n, names)
	}
}
