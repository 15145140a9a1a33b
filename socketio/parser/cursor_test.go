package parser

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for text, want := range map[string]error{
		`{"a":[1,"ü"]}`: nil, ` null `: nil, nested(1024): nil,
		nested(1025): errDepth, ``: errTruncated, `[1,]`: errJSON, `1 2`: errTrailing, "\"\xff\"": ErrInvalidUTF8,
	} {
		if err := Validate([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

func TestCursor(t *testing.T) {
	const text = ` { "a" : [ 1 , {} ] , "\u0062" : -0 , "c":"\"x\"", "d": [ ] , "e":7.50,"f":true,"g":{"h":[]} } `
	var got []string
	c := Walk([]byte(text))
	for c.More() {
		switch name := string(c.Name()); name {
		case "a":
			for c.More() {
				got = append(got, "element "+string(c.Value()))
			}
		case "g":
			for c.More() {
				got = append(got, string(c.Name())+" "+string(c.Value()))
			}
		default:
			first := c.Peek()
			if s, ok := c.Text(); ok {
				got = append(got, fmt.Sprintf("%s %c %s", name, first, s))
			} else {
				got = append(got, fmt.Sprintf("%s %c no text", name, first))
			}
		}
	}
	if want := `element 1, element {}, b - 0, c " "x", d [ no text, e 7 7.5, f t no text, h []`; strings.Join(got, ", ") != want {
		t.Errorf("%s, want\n%s", strings.Join(got, ", "), want)
	}
}

func TestCutPlaceholder(t *testing.T) {
	for _, tt := range []struct {
		s    string
		num  int
		rest string
		ok   bool
	}{
		{string(AppendPlaceholder(nil, 2)) + ",1]", 2, ",1]", true},
		{`{"_placeholder":true,"num":0}`, 0, "", true}, {`{"_placeholder":true,"num":002}`, 2, "", true},
		{`{"_placeholder":true,"num":3}`, 0, "", false}, {`{"_placeholder":true,"num":99999999999999999999}`, 0, "", false},
		{`{"_placeholder":true,"num":}`, 0, "", false}, {`{"_placeholder":true,"num":-0}`, 0, "", false}, {`{"_placeholder":true,"num":1.0}`, 0, "", false},
		{`{"_placeholder":true,"num":1`, 0, "", false}, {`{"_placeholder":true,"num":`, 0, "", false}, {`{"num":1,"_placeholder":true}`, 0, "", false}, {``, 0, "", false},
	} {
		if num, rest, ok := CutPlaceholder([]byte(tt.s), 3); num != tt.num || string(rest) != tt.rest || ok != tt.ok {
			t.Errorf("%s: %d, %q, %t", tt.s, num, rest, ok)
		}
	}
}
