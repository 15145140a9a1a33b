//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package parser

import (
	"bytes"
	"testing"

	"github.com/siokit/sio/internal/alloctest"
)

// TestAllocationsPerPacket holds each hot path to the number of allocations
// that it is known to need. One that needs fewer passes, and says so.
func TestAllocationsPerPacket(t *testing.T) {
	want := map[string]float64{
		"encode/event":                   alloctest.StructCopies,
		"encode/event that wants an ack": alloctest.StructCopies,
		"encode/binary event":            2,
		"encode/ack":                     alloctest.StructCopies,
		"encode/binary ack":              2,
		"decode/event":                   0,
		"decode/event of a namespace":    0,
		"decode/binary event":            4,
		"decode/ack":                     0,
		"decode/binary ack":              4,
		"bind/struct":                    0,
		"bind/string":                    0, // strings as often the same as here are cached
		"bind/attachment":                0,
	}
	alloctest.Hold(t, 500, want, hotPaths(t).All())
}

func BenchmarkHotPaths(b *testing.B) { hotPaths(b).Bench(b) }

type benchStruct struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// hotPaths encode into a buffer that is large enough.
func hotPaths(t testing.TB) alloctest.HotPaths {
	data := bytes.Repeat([]byte{1, 2, 3, 4}, 256)
	dst := make([]byte, 0, 512)
	small := []any{benchStruct{1, "hello"}}
	binary := []any{struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}{"f", data}}
	var d TextDecoder
	var str string
	var v benchStruct
	var up []byte
	encode := func(args []any, wantsAck bool) func() {
		return func() {
			_, _, err := EncodeEvent(nil, dst, "/", "message", args, 1, wantsAck)
			must(t, err)
		}
	}
	decode := func(text string) func() {
		packet := []byte(text)
		return func() {
			_, done, err := d.Text(packet)
			must(t, err)
			if !done {
				_, done, err = d.Binary(data)
				must(t, err)
			}
			if !done {
				t.Fatalf("%s is not done", text)
			}
		}
	}
	bind := func(ptr any, raw string, attachments ...[]byte) func() {
		args := NewArgs(nil, []byte(raw), attachments, 1)
		return func() { must(t, args.Bind(ptr)) }
	}
	return alloctest.HotPaths{
		{"encode/event", encode(small, false)},
		{"encode/event that wants an ack", encode(small, true)},
		{"encode/binary event", encode(binary, false)},
		{"encode/ack", func() {
			_, _, err := EncodeAck(nil, dst, "/", 1, small)
			must(t, err)
		}},
		{"encode/binary ack", func() {
			_, _, err := EncodeAck(nil, dst, "/", 1, binary)
			must(t, err)
		}},
		{"decode/event", decode(`2["message",{"id":1,"text":"hello"}]`)},
		{"decode/event of a namespace", decode(`2/chat,1["message",{"id":1,"text":"hello"}]`)},
		{"decode/binary event", decode(`51-["up",{"name":"f","data":{"_placeholder":true,"num":0}}]`)},
		{"decode/ack", decode(`31[{"status":"ok"}]`)},
		{"decode/binary ack", decode(`61-1[{"_placeholder":true,"num":0}]`)},
		{"bind/struct", bind(&v, `["message",{"id":1,"text":"hello"}]`)},
		{"bind/string", bind(&str, `["join","general"]`)},
		{"bind/attachment", bind(&up, `["up",{"_placeholder":true,"num":0}]`, data)},
	}
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}
