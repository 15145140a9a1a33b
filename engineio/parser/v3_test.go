package parser

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

// readable is a packet as a string, type and data, binary in hex.
func readable(p Packet) string {
	if p.Binary {
		return fmt.Sprintf("%c %x", p.Type, p.Data)
	}
	return string(rune(p.Type)) + string(p.Data)
}

// decodeV3 returns the packets of a payload, joined, and the error that ends it.
func decodeV3(payload string, binary bool) (string, error) {
	var found []string
	for p, err := range PacketsV3([]byte(payload), binary) {
		if err != nil {
			return strings.Join(found, "|"), err
		}
		found = append(found, readable(p))
	}
	return strings.Join(found, "|"), nil
}

func TestPayloadV3(t *testing.T) {
	for _, test := range []struct {
		payload string
		want    string // separated by "|"
		bad     bool   // an error follows
	}{
		{"1:2", "2", false},
		{"6:4hello2:42", "4hello|42", false},
		{"4:4€uro", "4€ur", true}, // one short
		{"5:4€uro", "4€uro", false},
		{"3:4🎉", "4🎉", false},
		{"5:4🎉🎉3:4é!", "4🎉🎉|4é!", false},
		{"2:4🎉", "", true}, // between the surrogates
		{"4:4🎉", "", true}, // past the end
		{"3:4🎉x", "4🎉", true},
		{"9:4a:b:4\x1ec1:3", "4a:b:4\x1ec1", true},
		{"8:4a:b:4\x1ec1:3", "4a:b:4\x1ec|3", false},
		{"0:", "", false},
		{"0:0:1:60:", "6", false},
		{"001:6", "6", false},
		{"6:b4AQID", "4 010203", false},
		{"7:b4AQID=", "4 010203", false},    // as in revision 4, any padding will do
		{"8:b4AQ\nID\n", "4 010203", false}, // and any lines
		{"6:b4-_-_", "4 fbffbf", false},
		{"2:b4", "4 ", false},
		{"1:b", "", true},
		{"6:b2AQID", "", true},
		{"5:bAQID", "", true}, // as in revision 4
		{"", "", true},
		{":", "", true},
		{":4", "", true},
		{"1", "", true},
		{"1:", "", true},
		{"4hello", "", true},
		{"4a\x1e4b", "", true},
		{"-1:2", "", true},
		{"+1:2", "", true},
		{" 1:2", "", true},
		{"1e0:2", "", true},
		{"0x1:2", "", true},
		{"1.0:2", "", true},
		{"١:2", "", true},
		{"\ufeff1:2", "", true},
		{"1:22:", "2", true},
		{"1:2garbage", "2", true},
		{"1:7", "", true},
		{"1:\x00", "", true},
		{"3:4\xff\xfe", "", true},
		{"99999999999:4", "", true},
		{"18446744073709551617:4", "", true}, // 2^64+1
		{strings.Repeat("9", 1000) + ":4", "", true},
		{strings.Repeat("9", 1000), "", true},
	} {
		if got, err := decodeV3(test.payload, false); got != test.want || (err != nil) != test.bad {
			t.Errorf("%.40q decodes to %q, %v; want %q, bad %t", test.payload, got, err, test.want, test.bad)
		}
	}
}

func TestBinaryPayloadV3(t *testing.T) {
	for _, test := range []struct {
		payload string
		want    string
		bad     bool
	}{
		{"\x00\x01\xff2", "2", false},
		{"\x01\x04\xff\x04\x01\x02\x03", "4 010203", false},
		{"\x01\x01\xff\x04", "4 ", false},
		{"\x00\x05\xff4🎉\x01\x02\xff\x04\xff\x00\x01\xff3", "4🎉|4 ff|3", false}, // bytes are counted
		{"\x00\x01\x00\xff4123456789", "4123456789", false},
		{"\x00\x06\xffb4AQID", "4 010203", false},
		{"\x00\x00\x01\xff6", "6", false},
		{"", "", true},
		{"\x00", "", true},
		{"\x00\xff", "", true},
		{"\x00\x01", "", true},
		{"\x00\x01\xff", "", true},
		{"\x00\x09\xff2", "", true},
		{"\x00\x00\xff", "", true},
		{"\x01\x00\xff", "", true},
		{"\x01\x01\xff\x02", "", true}, // only messages are binary
		{"\x01\x02\xff4a", "", true},
		{"\x02\x01\xff2", "", true},
		{"\x00\x0a\xff0123456789", "", true},
		{"\x001\xff2", "", true}, // the digit is a character
		{"\x00\x02\xff4\xff", "", true},
		{"\x00\x01\xff2\x00", "2", true},
		{"1:2", "", true},
		{"\x00" + strings.Repeat("\x09", 400) + "\xff4", "", true},
		{"\x00" + strings.Repeat("\x09", 400), "", true},
	} {
		if got, err := decodeV3(test.payload, true); got != test.want || (err != nil) != test.bad {
			t.Errorf("%.40q decodes to %q, %v; want %q, bad %t", test.payload, got, err, test.want, test.bad)
		}
	}
}

func TestUTF16Len(t *testing.T) {
	for _, s := range []string{"", "a", "é", "€", "🎉", "a🎉é€\U0010ffff", "\u07ff\u0800\uffff\U00010000"} {
		if got, want := utf16Len([]byte(s)), len(utf16.Encode([]rune(s))); got != want {
			t.Errorf("length of %q is %d, want %d", s, got, want)
		}
	}
}
