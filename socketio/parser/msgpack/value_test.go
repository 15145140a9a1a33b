package msgpack

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		json        string
		attachments [][]byte
		packed      string
	}{
		{`null`, nil, "\xc0"},
		{`[1,"ü"]`, nil, "\x92\x01\xa2ü"},
		{`{"_placeholder":true,"num":0}`, [][]byte{{1, 2}}, "\xc4\x02\x01\x02"},
		{`{"a":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}`, [][]byte{{}, {7}}, "\x81\xa1a\x92\xc4\x00\xc4\x01\x07"},
		{`{"_placeholder":true,"num":0}`, nil, "\x82\xac_placeholder\xc3\xa3num\x00"},
	} {
		packed, err := AppendValue([]byte("before"), []byte(tt.json), tt.attachments)
		if err != nil || string(packed) != "before"+tt.packed {
			t.Errorf("%s: %q, %v", tt.json, packed, err)
		}
		in := []byte(tt.packed)
		json, attachments, err := ReadValue(in)
		if err != nil || string(json) != tt.json || !slices.EqualFunc(attachments, tt.attachments, bytes.Equal) {
			t.Errorf("%q: %s, %v, %v", tt.packed, json, attachments, err)
		}
		for _, b := range attachments {
			_ = append(b, 0xff)
		}
		if string(in) != tt.packed {
			t.Errorf("%q: who appends to an attachment writes behind it", tt.packed)
		}
	}
}

func TestBadValues(t *testing.T) {
	for _, packed := range []string{
		"", "\xc1", "\x01\x01", "\x91", "\xc4\x05a", "\xa1\xff", "\x81\x01\x01", "\xd5\x07ab", strings.Repeat("\x91", 1025) + "\x00",
		"\x92\xc4\x00\x82\xac_placeholder\xc3\xa3num\x00", // which of the two is it?
	} {
		if json, _, err := ReadValue([]byte(packed)); err == nil {
			t.Errorf("%.40q is %s", packed, json)
		} else if _, ok := err.(parser.Error); !ok {
			t.Errorf("%.40q: %v", packed, err)
		}
	}
	for _, json := range []string{"", "[", "1 2", strings.Repeat("[", 1025) + strings.Repeat("]", 1025)} {
		if packed, err := AppendValue([]byte("before"), []byte(json), nil); err == nil || string(packed) != "before" {
			t.Errorf("%.40q is %q, %v", json, packed, err)
		}
	}
}

// TestStrings has strings of every length with every character at every place.
func TestStrings(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range math.MaxUint8 + 1 {
				s := bytes.Repeat([]byte("a"), n)
				s[at] = byte(c)
				want := c >= ' ' && c != '"' && c != '\\' && c < 0x80
				if plain(s) != want {
					t.Fatalf("plain(%q) = %t", s, !want)
				}
			}
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Node))
		f.Add([]byte(v.Answer))
	}
	for _, h := range hostile {
		f.Add([]byte(h.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := bytes.Clone(data)
		json, attachments, err := ReadValue(data)
		if !bytes.Equal(data, kept) {
			t.Fatal("the input has been changed")
		}
		if err != nil {
			return
		}
		if err := parser.Validate(json); err != nil {
			t.Fatalf("%q: %v", json, err)
		}
		if len(json) > maxGrowth*len(data)+maxExtra+64 {
			t.Fatalf("%d bytes of JSON of %d", len(json), len(data))
		}
		packed, err := AppendValue(nil, json, attachments)
		if err != nil {
			t.Fatalf("%q: %v", json, err)
		}
		again, attached, err := ReadValue(packed)
		if err != nil || !bytes.Equal(again, json) || !slices.EqualFunc(attached, attachments, bytes.Equal) {
			t.Fatalf("%q, packed as %q, is %q: %v", json, packed, again, err)
		}
	})
}
