//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package parser

import (
	"encoding/json"
	"strings"
	"testing"
)

type benchMessage struct {
	ID   int
	Text string
}

var (
	benchText     = []byte(`2["message",{"id":1,"text":"hello"}]`)
	benchNsp      = []byte(`2/chat,12["message",{"id":1,"text":"hello"}]`)
	benchLong     = []byte(`2["message",{"id":1,"text":"` + strings.Repeat("All work and no play. ", 200) + `"}]`)
	benchReserved = []byte(`2["connect"]`)
	benchArgs     = []any{benchMessage{1, "hello"}}
	benchBinary   = []any{map[string]any{"name": "f", "data": []byte("bytes")}}
	benchNested   = []byte(`["message",{"id":1,"room":"general","tags":["a","b"],"user":{"name":"alice","admin":false},"at":1.7e12}]`)
)

func BenchmarkDecode(b *testing.B) {
	for _, bb := range []struct {
		name string
		text []byte
	}{{"event", benchText}, {"namespace", benchNsp}, {"4kB", benchLong}} {
		b.Run(bb.name, func(b *testing.B) {
			var d TextDecoder
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.text)))
			for b.Loop() {
				p, _, err := d.Text(bb.text)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := EventName(p.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, bb := range []struct {
		name string
		args []any
	}{
		{"struct", benchArgs},
		{"pointer", []any{&benchMessage{1, "hello"}}},
		{"string", []any{"hello"}},
		{"map", []any{map[string]any{"id": 1, "text": "hello"}}},
		{"binary", benchBinary},
	} {
		b.Run(bb.name, func(b *testing.B) {
			dst := make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := EncodeEvent(nil, dst, "/", "msg", bb.args, 0, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("struct/encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal([]any{"msg", benchArgs[0]}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBind(b *testing.B) {
	attachments := [][]byte{[]byte("bytes")}
	for _, bb := range []struct {
		name        string
		raw         []byte
		attachments [][]byte
		ptr         func() any
	}{
		{"struct", benchText[1:], nil, func() any { return new(benchMessage) }},
		{"string", []byte(`["join","general"]`), nil, func() any { return new(string) }},
		{"any", benchNested, nil, func() any { return new(any) }},
		{"bytes", []byte(`["up",{"_placeholder":true,"num":0}]`), attachments, func() any { return new([]byte) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := NewArgs(nil, bb.raw, bb.attachments, 1).Bind(bb.ptr()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAllocations(t *testing.T) {
	var d TextDecoder
	handlers := map[string]int{"message": 1}
	dst := make([]byte, 0, 512)
	var s string
	for _, tt := range []struct {
		name string
		max  float64
		run  func()
	}{
		{"decode", 0, func() { d.Text(benchText) }},
		{"decode with namespace", 0, func() { d.Text(benchNsp) }},
		{"dispatch", 0, func() {
			p, _, _ := d.Text(benchNsp)
			name, _ := EventName(p.Data)
			if handlers[string(name)] == 0 {
				t.Error("no handler")
			}
		}},
		{"refuse", 0, func() { d.Text(benchReserved) }},
		{"count arguments", 0, func() { NewArgs(nil, benchNested, nil, 1).Len() }},
		{"encode a struct", 1, func() { EncodeEvent(nil, dst, "/", "msg", benchArgs, 0, false) }},
		{"encode no argument", 0, func() { EncodeAck(nil, dst, "/chat", 5, nil) }},
		{"encode a string", 0, func() { EncodeEvent(nil, dst, "/chat", "msg", []any{"hello"}, 0, false) }},
		{"bind a string", 2, func() { NewArgs(nil, []byte(`["join","general"]`), nil, 1).Bind(&s) }},
	} {
		if got := testing.AllocsPerRun(1000, tt.run); got > tt.max {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.max)
		}
	}
}
