package brokertest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/siokit/sio"
)

var contents = []check{
	{name: "values", servers: 2, run: func(c *cluster) { c.arrive(values...) }},
	{name: "values that look like binary", servers: 2, run: func(c *cluster) {
		type buffer struct { // as JavaScript has it in JSON
			Type string `json:"type"`
			Data []int  `json:"data"`
		}
		c.arrive(buffer{"Buffer", []int{1, 2}}, []any{buffer{"Buffer", []int{}}})
	}},
	{name: "text", servers: 2, run: func(c *cluster) { c.arrive(texts...) }},
	{name: "binary at any depth", servers: 2, run: func(c *cluster) {
		b := func(s string) []byte { return []byte(s) }
		var deep any = b("deep")
		for range 50 {
			deep = map[string]any{"in": []any{deep}}
		}
		c.arrive(
			b("top"),
			[]any{b("one"), "text", b("two"), []any{b("three")}},
			map[string]any{"a": b("x"), "b": map[string]any{"c": []any{1, b("y")}}},
			deep,
			b(""),
			b("\x00\xff\x80"),
			map[string]any{"same": b("same"), "again": b("same")},
		)
		x := c.client(c.nodes[1], "b")
		c.settle()
		c.works(c.nodes[0].Emit("several", b("1"), "text", b("2"), map[string]any{"b": b("3")}))
		x.Expect("several").Is(b("1"), "text", b("2"), map[string]any{"b": b("3")})
	}},
	{name: "no arguments, and a hundred", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b")
		c.settle()
		c.works(c.nodes[0].Emit("none"))
		b.Expect("none").Is()
		var many []any
		for i := range 100 {
			many = append(many, i, fmt.Sprint("argument ", i), map[string]any{"i": i})
		}
		c.works(c.nodes[0].Emit("many", many...))
		b.Expect("many").Is(many...)
	}},
	{name: "names of events", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b", "room")
		c.settle()
		names := slices.Concat([]string{"event", "message", "data", "type"}, oddNames)
		for i, name := range names {
			c.works(c.nodes[0].Emit(name, i), c.nodes[0].To("room").Emit(name, i))
			b.Expect(name).Is(i)
			b.Expect(name).Is(i)
		}
	}},
	{name: "names of rooms", servers: 2, run: func(c *cluster) {
		b, other := c.client(c.nodes[1], "b", oddNames...), c.client(c.nodes[1], "other")
		remote := c.client(c.nodes[1], "remote")
		c.settle()
		c.works(c.nodes[0].To(remote.ID()).Join(oddNames...))
		for i, room := range oddNames {
			c.works(c.nodes[0].To(room).Emit("room", i))
			b.Expect("room").Is(i)
			remote.Expect("room").Is(i)
			c.works(c.nodes[0].To("nobody", room).Emit("rooms", i))
			b.Expect("rooms").Is(i)
			remote.Expect("rooms").Is(i)
			c.works(c.nodes[0].Except(room).Emit("except", i))
			other.Expect("except").Is(i)
			if n, err := c.nodes[0].To(room).Count(c.soon()); n != 2 || err != nil {
				c.Errorf("%d clients in room %q, %v, want 2", n, room, err)
			}
		}
		c.mark(c.nodes[0], b, other, remote)
		got, err := c.nodes[0].To(b.ID()).Sockets(c.soon())
		c.works(err)
		slices.Sort(got[0].Rooms)
		if want := slices.Sorted(slices.Values(oddNames)); !slices.Equal(got[0].Rooms, want) {
			c.Errorf("rooms %q, want %q", got[0].Rooms, want)
		}
		c.works(c.nodes[0].To(remote.ID()).Leave(oddNames...))
		c.mark(c.nodes[0], b, other, remote)
		for i, room := range oddNames {
			c.works(c.nodes[0].To(room).Emit("room", i))
			b.Expect("room").Is(i)
		}
		c.mark(c.nodes[0], b, other, remote)
	}},
	{name: "a room whose name is not UTF-8 is that room, or an error", servers: 2, run: func(c *cluster) {
		const bytes = "room \xff"
		b, other := c.client(c.nodes[1], "b"), c.client(c.nodes[1], "other", "room \ufffd")
		c.works(c.nodes[1].Socket(b.ID()).Join(bytes))
		c.settle()
		for _, to := range []sio.Target{c.nodes[0].To(bytes), c.nodes[0].To("nobody", bytes)} {
			if to.Emit("room") == nil {
				b.Expect("room")
			}
		}
		if c.nodes[0].Except(bytes).Emit("except") == nil {
			other.Expect("except")
		}
		if n, err := c.nodes[0].To(bytes).Count(c.soon()); err == nil && n != 1 {
			c.Errorf("%d clients, want 1", n)
		}
		if c.nodes[0].To(bytes).Leave("room \ufffd") == nil && c.nodes[0].To(b.ID()).Leave(bytes) == nil {
			c.works(c.nodes[0].To(bytes).Emit("left"))
		}
		c.works(c.nodes[0].To("room \ufffd").Emit("still there"))
		other.Expect("still there")
		c.mark(c.nodes[0], b, other)
	}},
	{name: "an event of 900 KB", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b", "room")
		c.settle()
		text := strings.Repeat("0123456789", 90_000)
		c.works(c.nodes[0].Emit("text", text))
		b.Expect("text").Is(text)
		data := bytes.Repeat([]byte("\x00\x01\xfe\xff\"\\{}\n "), 90_000)
		c.works(c.nodes[0].To("room").Emit("bytes", map[string]any{"data": data}))
		b.Expect("bytes").Is(map[string]any{"data": data})
		if got, err := c.nodes[0].ServerSideEmitWithAck(c.soon(), "echo", text); err != nil || len(got) != 1 || got[0].Err != nil || len(got[0].Args.Raw(0)) != len(text)+2 {
			c.Errorf("%d answers, %v", len(got), err)
		}
	}},
}

var values = []any{
	nil, true, false, 0, 1, -1, 127, 128, -128, -129, 255, 256, 65_535, 65_536, -32_769,
	math.MaxInt32, math.MinInt32, int64(math.MaxUint32), int64(1 << 53), int64(-1 << 53), int64(1<<53 + 1), int64(math.MaxInt64), int64(math.MinInt64),
	1.5, -0.25, 1e300, 5e-324, math.Pi,
	"", "text", []any{}, map[string]any{}, []any{[]any{}, map[string]any{"": []any{}}},
	map[string]any{"constructor": 1, "__proto__": 2, "0": 3, "toString": map[string]any{"length": nil}},
	map[string]any{"_placeholder": true, "num": 0}, // looks like the place of an attachment
	map[string]any{"type": "Buffer"},
	[]any{nil, nil},
}

var texts = []any{
	"ASCII", "äöü ß", "日本語", "😀 👩‍👩‍👧 🇪🇺", "\u2028\u2029", "\x00\x01\x1e\x7f", "\"\\/\b\f\n\r\t",
	"</script><!-- &amp;", "\ufeff\ufffd", "e\u0301", strings.Repeat("é", 1000), strings.Repeat("x", 31), strings.Repeat("x", 32),
	strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 65_535), strings.Repeat("x", 65_536),
	map[string]any{"ключ": "значение", "😀": "\u2028", "": ""},
}

// oddNames are names of rooms and events that mean something to one engine, language or
// format or the other.
var oddNames = []string{
	"", " ", "  ", "a b", "*", "**", "#", "##", ">", ".", "..", "a.b.>", "a#b", "socket.io#/#", "/", "//", "?", "[a]", "\\", "'", `"`, "%s", "$1", ":", ",",
	"0", "1", "-1", "123", "1e3", "1.5", "007", "18446744073709551616", "null", "undefined", "true", "NaN", "[]", "{}",
	"constructor", "__proto__", "toString", "hasOwnProperty", "length",
	"\n", "\r\n", "\t", "\x00", "\x1e", "\u2028", "é", "e\u0301", "日本語", "😀", "\ufeff",
	"twentyCharactersLong", // as many as a socket's id
	strings.Repeat("r", 1024), strings.Repeat("😀", 256),
}

// arrive checks that each value arrives as it is at a client of another server, at one of
// the server that it is emitted at, and at another server.
func (c *cluster) arrive(values ...any) {
	c.Helper()
	a, b := c.client(c.nodes[0], "a", "room"), c.client(c.nodes[1], "b", "room")
	c.settle()
	for _, v := range values {
		c.works(c.nodes[0].Emit("all", v), c.nodes[0].To("room").Emit("room", v, v))
		a.Expect("all").Is(v)
		b.Expect("all").Is(v)
		a.Expect("room").Is(v, v)
		b.Expect("room").Is(v, v)
	}
	c.mark(c.nodes[0], a, b)
}
