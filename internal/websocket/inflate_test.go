package websocket

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// compress is what a client sends of a message. Each part of it is flushed by
// itself.
func compress(parts ...string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	for _, s := range parts {
		_, _ = io.WriteString(w, s)
		_ = w.Flush()
	}
	return strings.TrimSuffix(b.String(), deflateTail)
}

// last is data in blocks of which the last says so.
func last(data string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	_, _ = io.WriteString(w, data)
	_ = w.Close()
	return b.String()
}

func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// inflate is an inflater's, the message being read from its end to the last byte.
func inflate(message string, limit int) (string, error) {
	z := inflaters.Get().(*inflater)
	defer z.free()
	data, err := z.inflate([]byte(message), limit)
	return string(data), err
}

// TestInflate has the examples of RFC 7692, section 7.2.3, and what section 7.2.2
// makes of others.
func TestInflate(t *testing.T) {
	const limit = 100_000
	long := strings.Repeat("hello, hello; ", limit/14)
	noise := make([]byte, 70_000)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(noise)
	const hello = "f248cdc9c90700" // without the tail
	for _, tt := range []struct {
		name, in, want string
		err            error
	}{
		{"fixed codes", unhex(hello), "Hello", nil},
		{"stored", unhex("00 0500 faff 48656c6c6f 00"), "Hello", nil},
		{"a last block", unhex("f348cdc9c90700 00"), "Hello", nil},
		{"two blocks", unhex("f24805 00 00 00ff ff cac9c90700"), "Hello", nil},
		{"an empty message", unhex("00"), "", nil},
		{"many empty blocks", unhex(strings.Repeat("00 0000ffff", 1000) + "00"), "", nil},

		{"a last block and nothing behind it", unhex("f348cdc9c90700"), "Hello", nil},
		{"a last block without its tail", unhex("f248cdc9c90700 0000ffff 01"), "Hello", nil},
		{"two last blocks", unhex("f348cdc9c90700 f348cdc9c90700 00"), "HelloHello", nil},
		{"blocks behind the last", unhex("f348cdc9c90700 " + hello), "HelloHello", nil},
		{"a block that refers to one before the last", last("Hello, world") + unhex("0212 00 00"), "Hello, worldwor", nil},
		{"as many last blocks as may be", strings.Repeat("\x03\x00", maxFinals) + "\x00", "", nil},

		{"long", compress(long), long, nil},
		{"long, with a last block", last(long) + "\x00", long, nil},
		{"in parts", compress("a", "b", "", long[:1000]), "ab" + long[:1000], nil},
		{"incompressible", compress(string(noise)), string(noise), nil},
		{"exactly the limit", compress(strings.Repeat("x", limit)), strings.Repeat("x", limit), nil},

		{"a byte too many", compress(strings.Repeat("x", limit+1)), "", errTooBig},
		{"a byte too many, with a last block", last(strings.Repeat("x", limit)) + compress("x"), "", errTooBig},
		{"a bomb", compress(strings.Repeat("x", 100*limit)), "", errTooBig},
		{"a bomb that is cut", compress(strings.Repeat("x", 100*limit))[:1000], "", errTooBig},

		{"nothing", "", "", errInflate},
		{"the reserved type", "\x06", "", errInflate},
		{"text", "4hello, this is not compressed", "", errInflate},
		{"noise", string(noise), "", errInflate},
		{"with the tail", unhex(hello + "0000ffff"), "", errInflate},
		{"cut in a block", unhex(hello)[:4], "", errInflate},
		{"cut before the empty block", unhex("f248cdc9c907"), "", errInflate},
		{"cut in a last block", unhex("f348cdc9"), "", errInflate},
		{"cut in a stored block", unhex("00 0a00 f5ff 4865"), "", errInflate},
		{"stored, its length wrong", unhex("00 0500 faf0 48656c6c6f 00"), "", errInflate},
		{"a distance too far", unhex("4a04 42 00"), "", errInflate},
		{"garbage behind a last block", unhex("f348cdc9c90700 ffff"), "", errInflate},
		{"too many last blocks", strings.Repeat("\x03\x00", maxFinals+1) + "\x00", "", errInflate},
		{"only last blocks", strings.Repeat("\x03\x00", limit/2), "", errInflate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := inflate(tt.in, limit)
			if got != tt.want || err != tt.err {
				t.Errorf("%d bytes %.40q %v, want %d %.40q %v", len(got), got, err, len(tt.want), tt.want, tt.err)
			}
		})
	}
}

// TestInflateAllocations has bombs, at several limits: what is allocated for one
// depends on the limit, not on what it would become.
func TestInflateAllocations(t *testing.T) {
	bomb := compress(strings.Repeat("x", 64<<20))
	for _, limit := range []int{0, 1, 1000, 100_000, 1_000_000} {
		_, _ = inflate(bomb, limit) // for the pool
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const n = 10
		for range n {
			z := inflaters.Get().(*inflater)
			if _, err := z.inflate([]byte(bomb), limit); err != errTooBig {
				t.Fatal(err)
			}
			if cap(z.out) > max(limit+1, keepBytes) {
				t.Errorf("limit %d: a buffer of %d bytes", limit, cap(z.out))
			}
			z.free()
			if cap(z.out) > keepBytes || z.in != nil {
				t.Errorf("limit %d: %d bytes and %d of the message are kept", limit, cap(z.out), len(z.in))
			}
		}
		runtime.ReadMemStats(&after)
		// The message, a reader, and buffers that double.
		if got, want := (after.TotalAlloc-before.TotalAlloc)/n, uint64(len(bomb)+3*limit+100<<10); got > want {
			t.Errorf("limit %d: %d bytes allocated, want at most %d", limit, got, want)
		}
	}
}

// FuzzInflate has any bytes inflated: no panic, the limit is kept, and what is
// accepted is what compress/flate makes of it.
func FuzzInflate(f *testing.F) {
	for _, s := range []string{
		"", "\x00", unhex("f248cdc9c90700"), unhex("f348cdc9c9070000"), unhex("000500faff48656c6c6f00"), "\x03\x00\x03\x00\x00",
		unhex("f248050000 00ffff cac9c90700"), compress(strings.Repeat("x", 5000)), last("a") + "\x00",
		last("Hello, world") + unhex("02120000"), "\x01", "\x06", "4hello",
	} {
		f.Add([]byte(s), 1000)
	}
	f.Fuzz(func(t *testing.T, message []byte, limit int) {
		if limit < 0 || limit > 1<<20 {
			return
		}
		before := bytes.Clone(message)
		got, err := inflate(string(message), limit)
		var closed *Error
		switch {
		case err != nil && (!errors.As(err, &closed) || got != ""):
			t.Fatalf("error %v with %d bytes", err, len(got))
		case len(got) > limit || !bytes.Equal(message, before):
			t.Fatalf("%d bytes, the limit being %d", len(got), limit)
		}
		in := bytes.NewReader(append(before, deflateTail...))
		r := flate.NewReader(in)
		var want []byte
		for finals := 0; ; finals++ {
			p, readErr := io.ReadAll(io.LimitReader(r, int64(limit+1-len(want))))
			want = append(want, p...)
			if len(want) > limit {
				if err != errTooBig {
					t.Fatalf("%v, want it too big", err)
				}
				return
			}
			if readErr != nil {
				break
			}
			if in.Len() <= len(deflateTail) || finals > maxFinals {
				break
			}
			_ = r.(flate.Resetter).Reset(in, want[max(0, len(want)-window):])
		}
		if err == nil && got != string(want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
