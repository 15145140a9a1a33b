package msgpack

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

func TestEncodeValues(t *testing.T) {
	long := strings.Repeat("a", 65536)
	bins := [][]byte{{}, []byte("hi"), make([]byte, 256), make([]byte, 65536)}
	for _, tt := range []struct{ in, want string }{
		{"null", "\xc0"}, {"true", "\xc3"}, {"false", "\xc2"},
		{"0", "\x00"}, {"127", "\x7f"}, {"128", "\xcc\x80"}, {"65535", "\xcd\xff\xff"}, {"4294967295", "\xce\xff\xff\xff\xff"},
		{"18446744073709551615", be("\xcf", uint64(math.MaxUint64))}, {"18446744073709551616", be("\xcb", float64(1<<64))},
		{"-1", "\xff"}, {"-32", "\xe0"}, {"-33", "\xd0\xdf"}, {"-32768", "\xd1\x80\x00"},
		{"-9223372036854775808", be("\xd3", int64(math.MinInt64))}, {"-9223372036854775809", be("\xcb", -float64(1<<63))},
		{"-0", be("\xcb", math.Copysign(0, -1))}, {"1.0", be("\xcb", 1.0)}, {"1e3", be("\xcb", 1000.0)}, {"2E-3", be("\xcb", 0.002)},
		{"1e400", be("\xcb", math.Inf(1))}, {"-1e400", be("\xcb", math.Inf(-1))}, {"1e-400", be("\xcb", 0.0)},
		{`""`, "\xa0"}, {`"\u0000\n\"\\ü\ud83c\udf89"`, "\xaa\x00\n\"\\ü🎉"}, {`"a\ud800"`, "\xa4a\uFFFD"}, {`",[{:"`, "\xa4,[{:"},
		{`"\\"`, "\xa1\\"}, {`["\\",{}]`, "\x92\xa1\\\x80"},
		{`"` + long[:32] + `"`, "\xd9\x20" + long[:32]}, {`"` + long[:256] + `"`, "\xda\x01\x00" + long[:256]}, {`"` + long + `"`, "\xdb\x00\x01\x00\x00" + long},
		{"[]", "\x90"}, {"[ ]", "\x90"}, {"[[],[[]],[1,2]]", "\x93\x90\x91\x90\x92\x01\x02"}, {" [ 1 , \t{ \"a\" : [ ] } ]\r\n", "\x92\x01\x81\xa1a\x90"},
		{"[0" + strings.Repeat(",0", 15) + "]", "\xdc\x00\x10" + strings.Repeat("\x00", 16)},
		{"[0" + strings.Repeat(",0", 65535) + "]", "\xdd\x00\x01\x00\x00" + strings.Repeat("\x00", 65536)},
		{"{}", "\x80"}, {`{"a":{"b":[],"c":{}},"a":1}`, "\x82\xa1a\x82\xa1b\x90\xa1c\x80\xa1a\x01"},
		{`{"":0` + strings.Repeat(`,"":0`, 15) + "}", "\xde\x00\x10" + strings.Repeat("\xa0\x00", 16)},

		{`{"_placeholder":true,"num":0}`, "\xc4\x00"},
		{`[{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`, "\x92\xc4\x02hi\xc4\x02hi"},
		{`{"_placeholder":true,"num":2}`, "\xc5\x01\x00" + string(bins[2])}, {`{"_placeholder":true,"num":3}`, "\xc6\x00\x01\x00\x00" + string(bins[3])},
		{`{"a":{"_placeholder":true,"num":1},"b":[]}`, "\x82\xa1a\xc4\x02hi\xa1b\x90"},

		// Objects that stand for no attachment.
		{`{"_placeholder":true,"num":4}`, "\x82\xac_placeholder\xc3\xa3num\x04"},
		{`{"_placeholder":true,"num":18446744073709551616}`, "\x82\xac_placeholder\xc3\xa3num" + be("\xcb", float64(1<<64))},
		{`{"_placeholder":true,"num":-1}`, "\x82\xac_placeholder\xc3\xa3num\xff"},
		{`{"_placeholder":true,"num":1,"a":[2]}`, "\x83\xac_placeholder\xc3\xa3num\x01\xa1a\x91\x02"},
		{`{"_placeholder":false,"num":1}`, "\x82\xac_placeholder\xc2\xa3num\x01"},
	} {
		p := parser.Packet{Type: parser.TypeAck, Namespace: "/", Data: []byte(tt.in), Attachments: bins}
		want := "\x83\xa4type\x03\xa4data" + tt.want + "\xa3nsp\xa1/"
		if got := encode(t, p); string(got) != want {
			t.Errorf("%.60s: %.80s, want %.80s", tt.in, hex.EncodeToString(got), hex.EncodeToString([]byte(want)))
		}
	}
}

func TestEncodePackets(t *testing.T) {
	for _, tt := range []struct {
		p    parser.Packet
		want string
	}{
		{parser.Packet{Type: parser.TypeDisconnect, Namespace: "/chat"}, "\x82\xa4type\x01\xa3nsp\xa5/chat"},
		{parser.Packet{Type: parser.TypeEvent, Namespace: "/", Data: []byte("[]"), ID: 0, HasID: true}, "\x84\xa4type\x02\xa4data\x90\xa2id\x00\xa3nsp\xa1/"},
		{parser.Packet{Type: parser.TypeBinaryEvent, Namespace: "/", Data: []byte("[]")}, "\x83\xa4type\x02\xa4data\x90\xa3nsp\xa1/"},
		{parser.Packet{Type: parser.TypeBinaryAck, Namespace: "/", Data: []byte("[]"), ID: maxID, HasID: true}, "\x84\xa4type\x03\xa4data\x90\xa2id\xcf\x00\x1f\xff\xff\xff\xff\xff\xff\xa3nsp\xa1/"},
	} {
		if got := encode(t, tt.p); string(got) != tt.want {
			t.Errorf("%+v: %x, want %x", tt.p, got, tt.want)
		}
	}
}

// A codec that does not append JSON is not to make the process end.
func TestEncodeGarbage(t *testing.T) {
	for _, in := range []string{
		" ", "[", "]", "{", "[}", "{]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "{1:2}", `{"a"}`, `{"a":}`, `{"a",1}`, `{"a":1,}`,
		`"`, `"a`, `"\`, `["\"]`, "1[2]", "nul", "+", "tru\x00", ",", ":", `"a""b"`, `{"_placeholder":true,"num":0`, `{"_placeholder":true,"num":}`, "[[1,2],3",
	} {
		p := parser.Packet{Type: parser.TypeAck, Namespace: "/", Data: []byte(in), Attachments: [][]byte{{1}}}
		if _, _, err := (Parser{}).Encode(nil, p); err != errJSON {
			t.Errorf("%s: %v, want %v", in, err, errJSON)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Node))
		f.Add([]byte(v.Browser))
	}
	for _, h := range hostile {
		if len(h.in) < 1000 {
			f.Add([]byte(h.in))
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		kept := bytes.Clone(message)
		p, err := decode(message)
		if !bytes.Equal(message, kept) {
			t.Fatal("the message has been changed")
		}
		if err != nil {
			if _, ok := err.(parser.Error); !ok {
				t.Fatalf("%v is not a parser.Error", err)
			}
			return
		}
		size := 0
		for _, b := range p.Attachments {
			size += len(b)
		}
		if len(p.Data) > maxGrowth*len(message)+maxExtra || size > len(message) || 2*len(p.Attachments) > len(message) || p.ID > maxID {
			t.Fatalf("out of bounds: %d bytes, attachments of %d, id %d", len(p.Data), size, p.ID)
		}
		if len(p.Data) > 0 {
			// The codec takes it as well, but for the sake of a number.
			var args []any
			if err := (parser.JSON{}).Unmarshal(p.Data, p.Attachments, &args); err != nil && p.Data[0] == '[' {
				t.Fatalf("%s: %v", p.Data, err)
			}
		}
		again, err := decode(encode(t, p))
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		equal(t, "again", again, p)
	})
}

func FuzzEncode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Packet.Data), []byte("attachment"))
	}
	f.Fuzz(func(t *testing.T, data, attachment []byte) {
		p := parser.Packet{Type: parser.TypeAck, Namespace: "/", Data: data, Attachments: [][]byte{attachment}}
		var w writer
		if err := w.packet(p); err == nil && len(w.out) > 9*len(data)+(len(data)/len(parser.Placeholder)+1)*(len(attachment)+5)+64 {
			t.Fatalf("%d bytes of %d and %d", len(w.out), len(data), len(attachment))
		}
	})
}
