package load

import (
	"bytes"
	"strings"
	"testing"
)

// TestUnpack reads packets in whatever order their fields come.
func TestUnpack(t *testing.T) {
	const data = "\x91\x82\xa1n\xce\x00\x0f\x42\x40\xa4text\xa2hi"
	for name, tt := range map[string]struct{ packet, want string }{
		"ack":        {"\x84\xa4type\x03\xa2id\xcd\x03\xe8\xa4data" + data + "\xa3nsp\xa1/", "\x03\xcd\x03\xe8" + data},
		"other way":  {"\x84\xa3nsp\xa1/\xa4data" + data + "\xa2id\xcd\x03\xe8\xa4type\x03", "\x03\xcd\x03\xe8" + data},
		"null as id": {"\x84\xa4type\x02\xa2id\xc0\xa4data" + data + "\xa3nsp\xa1/", "\x02" + data},
		"undefined":  {"\x83\xa4type\x00\xa4data\x81\xa3pid\xd4\x00\x00\xa3nsp\xa1/", "\x00\x81\xa3pid\xd4\x00\x00"},
		"no data":    {"\x82\xa4type\x00\xa3nsp\xa1/", "\x00"},
		"all kinds": {
			"\x82\xa4type\x02\xa4data\x98\xc3\xcb12345678\xd0\xff\xc4\x01x\xd9\x01y\xdc\x00\x01\xc0\xde\x00\x01\xa1k\x01\xff",
			"\x02\x98\xc3\xcb12345678\xd0\xff\xc4\x01x\xd9\x01y\xdc\x00\x01\xc0\xde\x00\x01\xa1k\x01\xff",
		},
	} {
		if got, err := unpack(nil, []byte(tt.packet)); string(got) != tt.want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		for n := range len(tt.packet) {
			if got, err := unpack(nil, []byte(tt.packet[:n])); err == nil {
				t.Errorf("%s, %d bytes of it: %q", name, n, got)
			}
		}
	}
}

func TestPattern(t *testing.T) {
	for _, text := range []string{`43@@@@[{"n":#######}]`, "\x03\xcd@@\x91\x81\xa1n\xce####"} {
		p := newPattern(opText, text)
		message := bytes.Clone(p.fill(4321))
		if n, err := p.number(message); n != 4321 || err != nil {
			t.Errorf("%q: read as %d, %v", message, n, err)
		}
		if bytes.ContainsAny(message, "@#") {
			t.Errorf("not filled in: %q", message)
		}
	}
}

func TestDeflate(t *testing.T) {
	d, in := newDeflater(), newInflater()
	for _, text := range []string{"", "hello", sentence(pageSize), sentence(largeSize), "hello", "hello"} {
		z := bytes.Clone(d.message([]byte(text)))
		if got, err := in.message(z); string(got) != text || err != nil {
			t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
		}
	}
	if z := d.message([]byte(sentence(pageSize))); len(z) < pageSize/10 || len(z) > pageSize/2 {
		t.Errorf("%d bytes became %d, which is not as JSON is", pageSize, len(z))
	}
	if got, err := in.message([]byte("\xff\xff\xff")); err == nil {
		t.Errorf("what is broken was read as %q", got)
	}
}

// TestFragments puts messages together that come in parts, with a ping in between.
func TestFragments(t *testing.T) {
	var got []string
	l := &loop{onMessage: func(_ *conn, op byte, message []byte) {
		got = append(got, string([]byte{'0' + op})+string(message))
	}}
	c := &conn{state: ready}
	for _, frame := range []struct {
		first   byte
		message string
	}{
		{opText, "ab"}, {0, ""}, {finBit | opPong, "x"}, {finBit, "c"}, {finBit | opBinary, "whole"},
	} {
		if err := l.frame(c, frame.first, []byte(frame.message)); err != nil {
			t.Fatal(err)
		}
	}
	if all := strings.Join(got, " "); all != "1abc 2whole" {
		t.Errorf("got %s", all)
	}
	for _, first := range []byte{finBit, 0, finBit | compressed | opText} {
		if err := l.frame(c, first, []byte("x")); err == nil {
			t.Errorf("%x: no error", first)
		}
	}
}
