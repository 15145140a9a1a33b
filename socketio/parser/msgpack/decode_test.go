package msgpack

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

// event returns an event with one argument, which is given in msgpack.
func event(arg string) string { return "\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e" + arg }

func be[T any](lead string, v T) string {
	b, _ := binary.Append([]byte(lead), binary.BigEndian, v)
	return string(b)
}

func TestDecodeValues(t *testing.T) {
	a := strings.Repeat("a", 70_000)
	for _, tt := range []struct{ in, want string }{
		{"\xc0", "null"}, {"\xc2", "false"}, {"\xc3", "true"},

		{"\x00", "0"}, {"\x7f", "127"}, {"\xe0", "-32"}, {"\xff", "-1"},
		{"\xcc\xff", "255"}, {"\xcd\xff\xff", "65535"}, {"\xce\xff\xff\xff\xff", "4294967295"},
		{be("\xcf", uint64(math.MaxUint64)), "18446744073709551615"},
		{"\xd0\x80", "-128"}, {"\xd1\x80\x00", "-32768"}, {"\xd2\x80\x00\x00\x00", "-2147483648"},
		{be("\xd3", int64(math.MinInt64)), "-9223372036854775808"},
		{be("\xd3", int64(1<<53+1)), "9007199254740993"},
		{"\xcf\x00\x00\x00\x00\x00\x00\x00\x05", "5"}, // longer than need be

		{be("\xca", float32(1.5)), "1.5"}, {be("\xca", float32(0.1)), "0.10000000149011612"},
		{be("\xcb", 5.0), "5"}, {be("\xcb", 1e20), "100000000000000000000"}, {be("\xcb", 1e21), "1e+21"},
		{be("\xcb", 1e-6), "0.000001"}, {be("\xcb", 1e-7), "1e-7"}, {be("\xcb", math.Copysign(0, -1)), "-0"},
		{be("\xcb", -math.MaxFloat64), "-1.7976931348623157e+308"}, {be("\xcb", 5e-324), "5e-324"},
		{be("\xcb", math.NaN()), "null"}, {be("\xcb", math.Inf(1)), "null"}, {be("\xca", float32(math.Inf(-1))), "null"},

		{"\xa0", `""`}, {"\xa3\"\\\x00", `"\"\\\u0000"`}, {"\xa3<>&", `"<>&"`}, {"\xd9\x02\xc3\xbc", `"ü"`},
		{"\xda\x00\x01a", `"a"`}, {"\xdb\x00\x01\x11\x70" + a, `"` + a + `"`},

		{"\x90", "[]"}, {"\xdc\x00\x02\x01\x90", "[1,[]]"}, {"\xdd\x00\x00\x00\x01\x01", "[1]"},
		{"\x80", "{}"}, {"\xde\x00\x01\xa1a\x01", `{"a":1}`}, {"\xdf\x00\x00\x00\x02\xa1a\x01\xa1a\x02", `{"a":1,"a":2}`},
		{"\x82\xa9__proto__\x01\xa0\x80", `{"__proto__":1,"":{}}`},

		// Undefined, with any byte.
		{"\xd4\x00\x00", "null"}, {"\xd4\x00\xc1", "null"},
		{"\x83\xa1a\xd4\x00\x00\xa1b\x01\xa1c\xd4\x00\x00", `{"b":1}`}, {"\x81\xa1a\xd4\x00\x00", "{}"}, {"\x82\xa1a\x01\xa1b\xd4\x00\x00", `{"a":1}`},

		{"\xd6\xff\x00\x00\x00\x01", `"1970-01-01T00:00:01.000Z"`},
		{be("\xd7\xff", uint64(999_999_999)<<34|1<<34-1), `"2514-05-30T01:53:03.999Z"`},
		{be(be("\xc7\x0c\xff", uint32(1_000_000)), int64(-1)), `"1969-12-31T23:59:59.001Z"`},
		{be("\xc7\x04\xff", uint32(0)), `"1970-01-01T00:00:00.000Z"`},
		{be(be("\xc7\x0c\xff", uint32(0)), int64(maxDate/1000)), `"+275760-09-13T00:00:00.000Z"`},
		{be(be("\xc7\x0c\xff", uint32(1_000_000)), int64(maxDate/1000)), "null"},
		{be(be("\xc7\x0c\xff", uint32(0)), int64(math.MinInt64)), "null"},
		{be(be("\xc7\x0c\xff", uint32(999_999_999)), int64(math.MaxInt64)), "null"},
		{be("\xd7\x00", int64(-62167219200001)), `"-000001-12-31T23:59:59.999Z"`},
		{be("\xd7\x00", int64(-62167219200000)), `"0000-01-01T00:00:00.000Z"`},
		{be("\xd7\x00", int64(253402300800000)), `"+010000-01-01T00:00:00.000Z"`},
		{be("\xd7\x00", int64(math.MaxInt64)), "null"}, {be("\xd7\x00", int64(math.MinInt64)), "null"},

		// What looks like a placeholder is an ordinary map.
		{"\x82\xac_placeholder\xc3\xa3num\x00", `{"_placeholder":true,"num":0}`},
	} {
		p, err := decode([]byte(event(tt.in)))
		if err != nil {
			t.Errorf("%.40x: %v", tt.in, err)
			continue
		}
		equal(t, hex.EncodeToString([]byte(tt.in[:min(len(tt.in), 40)])), p, parser.Packet{Type: parser.TypeEvent, Namespace: "/", Data: []byte(`["e",` + tt.want + "]")})
	}
}

func TestDecodeAttachments(t *testing.T) {
	for _, in := range []string{"\xc4\x02hi", "\xc5\x00\x02hi", "\xc6\x00\x00\x00\x02hi", "\xc7\x02\x00hi", "\xc8\x00\x02\x00hi", "\xc9\x00\x00\x00\x02\x00hi"} {
		message := []byte(event("\x93" + in + "\xc4\x00" + in))
		p, err := decode(message)
		clear(message) // the packet has bytes of its own
		if err != nil {
			t.Fatalf("%x: %v", in, err)
		}
		equal(t, hex.EncodeToString([]byte(in)), p, parser.Packet{
			Type: parser.TypeEvent, Namespace: "/",
			Data:        []byte(`["e",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]]`),
			Attachments: [][]byte{[]byte("hi"), {}, []byte("hi")},
		})
		_ = append(p.Data, "xx"...)
		_ = append(p.Attachments[0], "yy"...)
		if string(p.Attachments[0]) != "hi" || string(p.Attachments[2]) != "hi" {
			t.Error("an append to one part of the packet has changed another one")
		}
	}
}

// The members may come in any order, and with others between them.
func TestDecodePackets(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want parser.Packet
	}{
		{"\x82\xa3nsp\xa1/\xa4type\x00", parser.Packet{Namespace: "/"}},
		{"\x83\xa4data\xc0\xa3nsp\xa1/\xa4type\x00", parser.Packet{Namespace: "/"}},
		{"\x83\xa4data\xc0\xa3nsp\xa1/\xa4type\x01", parser.Packet{Type: parser.TypeDisconnect, Namespace: "/"}},
		{"\x83\xa4data\xd4\x00\x00\xa3nsp\xa1/\xa4type\x01", parser.Packet{Type: parser.TypeDisconnect, Namespace: "/"}},
		{"\x83\xa4data\x80\xa3nsp\xd9\x05/chat\xa4type\x00", parser.Packet{Namespace: "/chat", Data: []byte("{}")}},
		// A float is as good an integer, and nil and undefined are no id.
		{be(be("\x84\xa2id\xcb", 7.0)+"\xa4type\xca", float32(3)) + "\xa3nsp\xa1/\xa4data\x90", parser.Packet{Type: parser.TypeAck, Namespace: "/", ID: 7, HasID: true, Data: []byte("[]")}},
		{"\x84\xa4type\x03\xa2id\xc0\xa3nsp\xa1/\xa4data\x90", parser.Packet{Type: parser.TypeAck, Namespace: "/", Data: []byte("[]")}},
		{"\x84\xa4type\x03\xa2id\xd4\x00\x00\xa3nsp\xa1/\xa4data\x90", parser.Packet{Type: parser.TypeAck, Namespace: "/", Data: []byte("[]")}},
		// What is skipped leaves nothing behind, a binary member and a placeholder included.
		{"\x86\xa7options\x81\xa8compress\xc3\xa4type\x03\xa3nsp\xa1/\xa4data\x91\xc4\x01x\xa1x\x93\xc4\x01y\x90\x81\xac_placeholder\xc3\xa1y\xd4\x00\x00", parser.Packet{
			Type: parser.TypeAck, Namespace: "/", Data: []byte(`[{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{'x'}}}},
		// A CONNECT has no attachments.
		{"\x83\xa4data\x82\xa1a\xc4\x02hi\xa1b\xc4\x00\xa4type\x00\xa3nsp\xa1/", parser.Packet{Namespace: "/", Data: []byte(`{"a":"aGk=","b":""}`)}},
		{"\x83\xa4data\x82\xa1a\xc4\x02hi\xac_placeholder\xc3\xa4type\x00\xa3nsp\xa1/", parser.Packet{Namespace: "/", Data: []byte(`{"a":"aGk=","_placeholder":true}`)}},
		// Placeholders that no codec would take for one, beside attachments.
		{event("\x92\xc4\x00\x82\xac_placeholder\x01\xa3num\x00"), parser.Packet{Type: parser.TypeEvent, Namespace: "/",
			Data: []byte(`["e",[{"_placeholder":true,"num":0},{"_placeholder":1,"num":0}]]`), Attachments: [][]byte{{}}}},
		{event("\x92\xc4\x00\x82\xac_placeholder\xc3\xac_placeholder\xc2"), parser.Packet{Type: parser.TypeEvent, Namespace: "/",
			Data: []byte(`["e",[{"_placeholder":true,"num":0},{"_placeholder":true,"_placeholder":false}]]`), Attachments: [][]byte{{}}}},
	} {
		p, err := decode([]byte(tt.in))
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		equal(t, tt.in, p, tt.want)
	}
}

var hostile = map[string]struct {
	in   string
	want parser.Error
}{
	"nothing":                     {"", errNoMap},
	"nil":                         {"\xc0", errNoMap},
	"an array":                    {"\x90", errNoMap},
	"a string":                    {"\xa1x", errNoMap},
	"an empty map":                {"\x80", errType},
	"a reserved byte":             {"\xc1", errNoMap},
	"half a header":               {"\xdf\x00\x00", errNoMap},
	"a map of 4 G":                {"\xdf\xff\xff\xff\xff", errTruncated},
	"a map of 1e9":                {"\xdf\x3b\x9a\xca\x00\xa1x\x01", errTruncated},
	"data of 4 G elements":        {"\x81\xa4data\xdd\xff\xff\xff\xff", errTruncated},
	"data of 2 G elements":        {"\x81\xa4data\xdd\x7f\xff\xff\xff\x90", errTruncated},
	"data of 4 G members":         {"\x81\xa4data\xdf\xff\xff\xff\xff", errTruncated},
	"a string of 4 G":             {event("\xdb\xff\xff\xff\xff"), errTruncated},
	"bytes of 4 G":                {event("\xc6\xff\xff\xff\xff"), errTruncated},
	"an extension of 4 G":         {event("\xc9\xff\xff\xff\xff\x00"), errTruncated},
	"a name of 4 G":               {"\x81\xa3nsp\xdb\xff\xff\xff\xff", errTruncated},
	"a key of 4 G":                {"\x81\xdb\xff\xff\xff\xff", errTruncated},
	"trailing bytes":              {event("\x01") + "\x01", errTrailing},
	"two packets":                 {event("\x01") + event("\x01"), errTrailing},
	"a string as id":              {"\x81\xa2id\xa11", errID},
	"a negative id":               {"\x81\xa2id\xff", errID},
	"id 2^53":                     {be("\x81\xa2id\xcf", uint64(1)<<53), errID},
	"id 2^64-1":                   {be("\x81\xa2id\xcf", uint64(math.MaxUint64)), errID},
	"id 2^53, a float":            {be("\x81\xa2id\xcb", float64(1<<53)), errID},
	"id 1.5":                      {be("\x81\xa2id\xcb", 1.5), errID},
	"id NaN":                      {be("\x81\xa2id\xcb", math.NaN()), errID},
	"id -1.0":                     {be("\x81\xa2id\xcb", -1.0), errID},
	"id infinite":                 {be("\x81\xa2id\xcb", math.Inf(1)), errID},
	"half an id":                  {"\x81\xa2id\xcf\x00", errID},
	"id true":                     {"\x81\xa2id\xc3", errID},
	"type 5":                      {"\x81\xa4type\x05", errType},
	"type -1":                     {"\x81\xa4type\xff", errType},
	"type 2.5":                    {be("\x81\xa4type\xcb", 2.5), errType},
	"a string as type":            {"\x81\xa4type\xa12", errType},
	"no type":                     {"\x81\xa3nsp\xa1/", errType},
	"no namespace":                {"\x81\xa4type\x00", errNamespace},
	"nil as namespace":            {"\x81\xa3nsp\xc0", errNamespace},
	"bytes as namespace":          {"\x81\xa3nsp\xc4\x01/", errNamespace},
	"the type twice":              {"\x83\xa4type\x02\xa3nsp\xa1/\xa4type\x02", errDuplicate},
	"the data twice":              {"\x82\xa4data\x90\xa4data\x90", errDuplicate},
	"an undefined id twice":       {"\x82\xa2id\xc0\xa2id\x01", errDuplicate},
	"an integer as key":           {event("\x81\x01\x01"), errKey},
	"bytes as key":                {event("\x81\xc4\x01a\x01"), errKey},
	"nil as key of the packet":    {"\x81\xc0\x01", errKey},
	"a map as key":                {event("\x81\x80\x01"), errKey},
	"UTF-8 cut short":             {event("\xa1\xc3"), errUTF8},
	"a surrogate":                 {event("\xa3\xed\xa0\x80"), errUTF8},
	"a key that is not UTF-8":     {event("\x81\xa1\xff\x01"), errUTF8},
	"a name that is not UTF-8":    {"\x81\xa3nsp\xa2/\xff", errUTF8},
	"a reserved byte as argument": {event("\xc1"), errMalformed},
	"fixext 2 of type 0":          {event("\xd5\x00xx"), errExtension},
	"fixext 16 of type 0":         {event("\xd8\x00" + strings.Repeat("x", 16)), errExtension},
	"fixext 1 of type 1":          {event("\xd4\x01x"), errExtension},
	"fixext 8 of type 3":          {event("\xd7\x0312345678"), errExtension},
	"ext 8 of type 5":             {event("\xc7\x0c\x05123456781234"), errExtension},
	"ext 8 of type 5, nothing":    {event("\xc7\x00\x05"), errExtension},
	"a timestamp of 16 bytes":     {event("\xd8\xff" + strings.Repeat("\x00", 16)), errExtension},
	"a timestamp of 0 bytes":      {event("\xc7\x00\xff"), errExtension},
	"a timestamp of 1e9 ns":       {event(be("\xd7\xff", uint64(1e9)<<34)), errExtension},
	"1025 arrays":                 {"\x81\xa4data" + strings.Repeat("\x91", 1025), errDepth},
	"1025 maps":                   {"\x81\xa4data" + strings.Repeat("\x81\xa1a", 1025), errDepth},
	"90,000 arrays":               {"\x81\xa4data" + strings.Repeat("\x91", 90_000), errDepth},
	"90,000 arrays to be skipped": {"\x81\xa1x" + strings.Repeat("\x91", 90_000), errDepth},
	"3 MB of arrays":              {strings.Repeat("\x91", 3_000_000), errNoMap},
	"3 MB of maps":                {strings.Repeat("\x81\xa1a", 1_000_000), errDepth},
	"a placeholder beside bytes":  {event("\x92\xc4\x01x\x82\xac_placeholder\xc3\xa3num\x00"), errPlaceholder},
	"a placeholder before bytes":  {event("\x92\x81\xac_placeholder\xc3\xc4\x01x"), errPlaceholder},
	"a placeholder in the end":    {event("\x92\x82\xac_placeholder\xc2\xac_placeholder\xc3\xc4\x01x"), errPlaceholder},
}

func TestDecodeHostile(t *testing.T) {
	for name, tt := range hostile {
		p, err := decode([]byte(tt.in))
		if err != tt.want || p.Data != nil || p.Attachments != nil || p.Namespace != "" {
			t.Errorf("%s: %+v, %v, want %v", name, p, err, tt.want)
		}
	}
	if _, done, err := (Parser{}).NewDecoder().Text([]byte(`2["e"]`)); done || err != errText {
		t.Errorf("text: done %t, %v, want %v", done, err, errText)
	}
}

// Every beginning of a packet is refused.
func TestDecodeTruncated(t *testing.T) {
	for _, v := range vectors(t) {
		for i := range v.Node {
			_, err := decode(v.Node[:i])
			if _, ok := errors.AsType[parser.Error](err); !ok {
				t.Fatalf("%s, %d bytes of it: %v, want a parser.Error", v.Name, i, err)
			}
		}
	}
}

func TestDepth(t *testing.T) {
	message := "\x83\xa4type\x03\xa3nsp\xa1/\xa4data" + strings.Repeat("\x91", 1023) + "\x90"
	p, err := decode([]byte(message))
	if err != nil || len(p.Data) != 2048 {
		t.Fatalf("1024 arrays: %d bytes, %v", len(p.Data), err)
	}
	equal(t, "again", must(decode(encode(t, p))), p)
	p.Data = []byte(strings.Repeat("[", 1025) + strings.Repeat("]", 1025))
	if _, _, err := (Parser{}).Encode(nil, p); err != errNested {
		t.Errorf("encoding 1025 arrays: %v, want %v", err, errNested)
	}
}

func must(p parser.Packet, err error) parser.Packet {
	if err != nil {
		panic(err)
	}
	return p
}

// What the elements that grow most take is bounded by a multiple of what came.
func TestMemory(t *testing.T) {
	const size = 1_000_000
	for name, element := range map[string]string{
		"false":              "\xc2",
		"negative integers":  "\xe0",
		"floats":             be("\xcb", -2.2250738585072014e-308),
		"dates":              be("\xd6\xff", uint32(0)),
		"undefined":          "\xd4\x00\x00",
		"maps":               "\x80",
		"members":            "\x81\xa0\xc2",
		"control characters": "\xdb\x00\x00\x40\x00" + strings.Repeat("\x01", 1<<14),
		"empty bytes":        "\xc4\x00",
		"bytes":              "\xc4\x03xyz",
	} {
		n := size / len(element)
		message := []byte(event(be("\xdd", uint32(n)) + strings.Repeat(element, n)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := decode(message)
		runtime.ReadMemStats(&after)
		if name == "empty bytes" {
			if err != errTooLarge {
				t.Errorf("%s: %v, want %v", name, err, errTooLarge)
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		held := cap(p.Data) + 24*cap(p.Attachments)
		for _, b := range p.Attachments {
			held += len(b)
		}
		if limit := 18*len(message) + 128<<10; held > limit {
			t.Errorf("%s: %d bytes are held, want %d at most", name, held, limit)
		}
		// All that was allocated on the way, most of it being garbage.
		if used, limit := int(after.TotalAlloc-before.TotalAlloc), 100*len(message); used > limit {
			t.Errorf("%s: %d bytes allocated, want %d at most", name, used, limit)
		}
		t.Logf("%-20s %4.1f times the message held, %4.1f allocated", name, float64(held)/float64(len(message)), float64(after.TotalAlloc-before.TotalAlloc)/float64(len(message)))
	}
}

// Thousands of empty byte strings are fine in a packet that is not made of them.
func TestManyAttachments(t *testing.T) {
	message := event("\xdc\x05\xdc" + strings.Repeat("\xc4\x00", 1500))
	p, err := decode([]byte(message))
	if err != nil || len(p.Attachments) != 1500 {
		t.Fatalf("%d attachments, %v", len(p.Attachments), err)
	}
	if again := encode(t, p); len(again) != len(message) {
		t.Errorf("%d bytes again, want %d", len(again), len(message))
	}
}
