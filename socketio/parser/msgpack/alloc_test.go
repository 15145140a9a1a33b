//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package msgpack

import (
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

func TestDecodeAllocs(t *testing.T) {
	d := Parser{}.NewDecoder()
	message := []byte("\x83\xa4type\x03\xa3nsp\xa5/chat\xa4data\x90")
	p, _, err := d.Binary(message)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { d.Binary(message) }); n > 1 { // for the data
		t.Errorf("%v allocations for a packet of the same namespace, want one", n)
	}
	clear(message)
	if p.Namespace != "/chat" || string(p.Data) != "[]" {
		t.Errorf("the packet aliases its message: %+v", p)
	}
}

func TestEncodeAllocs(t *testing.T) {
	p := parser.Packet{Type: parser.TypeEvent, Namespace: "/", Data: []byte(`["message",{"id":1,"text":"h\nello","x":[1.5,-7]}]`)}
	want := encode(t, p)
	dst := make([]byte, 0, 2*len(want))
	if n := testing.AllocsPerRun(100, func() {
		if m, _, err := (Parser{}).Encode(dst, p); err != nil || len(m.Data) != len(want) {
			t.Fatal(m, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations, want none: dst has room for the message", n)
	}
}

// A refused announcement costs next to nothing.
func TestAnnouncementAllocs(t *testing.T) {
	for _, name := range []string{"a map of 4 G", "data of 4 G elements", "data of 4 G members", "a string of 4 G", "bytes of 4 G", "an extension of 4 G"} {
		message := []byte(hostile[name].in)
		d := Parser{}.NewDecoder()
		if n := testing.AllocsPerRun(100, func() { d.Binary(message) }); n > 2 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
