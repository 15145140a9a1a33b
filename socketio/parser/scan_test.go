package parser

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestScanValue(t *testing.T) {
	valid := []string{
		`null`, `true`, `false`, `0`, `-0`, `10`, `-1.5e+10`, `1E5`, `0.5`, `1e-7`, `""`, `"a"`,
		`"\"\\\/\b\f\n\r\t\u00e9\uD834\uDD1E"`, `"\ud800"`, "\"\x7f\u2028é\"",
		`[]`, `{}`, `[ ]`, `{ }`, `[1,2]`, `[[],{},[{}]]`, `{"a":[1,{"b":null}],"c":"d"}`,
		" [ 1 , 2 ] ", "\t{\n\"a\"\r:\t1 , \"b\" : [ ] }\n",
		`"1234567"`, `"12345678"`, `"1234567\"9"`, `"12345678\u0041"`, `"ÿÿÿÿÿÿÿÿ!"`,
		`{"a":1,"a":2}`,
	}
	for _, s := range valid {
		end, err := scanValue([]byte(s), 0, maxDepth)
		if err != nil || skipSpace([]byte(s), end) != len(s) {
			t.Errorf("scanValue(%q) = %d, %v", s, end, err)
		}
		if !json.Valid([]byte(s)) {
			t.Errorf("encoding/json refuses %q", s)
		}
	}

	invalid := []struct {
		json string
		want error
	}{
		{``, errTruncated}, {` `, errTruncated}, {`t`, errTruncated}, {`nul`, errTruncated},
		{`nulL`, errJSON}, {`True`, errJSON}, {`undefined`, errJSON}, {`NaN`, errJSON},
		{`Infinity`, errJSON}, {`-`, errTruncated}, {`-a`, errJSON}, {`-Infinity`, errJSON},
		{`+1`, errJSON}, {`.5`, errJSON}, {`1.`, errTruncated}, {`1.e5`, errJSON},
		{`1e`, errTruncated}, {`1e+`, errTruncated}, {`1e+x`, errJSON},
		{`"`, errTruncated}, {`"abc`, errTruncated}, {`"\`, errTruncated}, {`"\"`, errTruncated},
		{`"\x"`, errJSON}, {`"\'"`, errJSON}, {`"\u12`, errTruncated}, {`"\u12g4"`, errJSON},
		{`"\U0041"`, errJSON}, {`"\u00:0"`, errJSON}, {`"\u00@0"`, errJSON},
		{"\"\n\"", errJSON}, {"\"\x00\"", errJSON}, {"\"1234567\x1f\"", errJSON}, {`'a'`, errJSON},
		{`[`, errTruncated}, {`[1`, errTruncated}, {`[1,`, errTruncated}, {`[1,]`, errJSON},
		{`[,1]`, errJSON}, {`[1 2]`, errJSON}, {`[1}`, errJSON}, {`]`, errJSON}, {`[}`, errJSON},
		{`{`, errTruncated}, {`{"a"`, errTruncated}, {`{"a":`, errTruncated}, {`{"a":1`, errTruncated},
		{`{"a":1,`, errTruncated}, {`{"a":1,}`, errJSON}, {`{a:1}`, errJSON}, {`{1:1}`, errJSON},
		{`{"a",1}`, errJSON}, {`{"a":1]`, errJSON}, {`{"a" 1}`, errJSON}, {`{"a":}`, errJSON},
		{`[1/**/]`, errJSON}, {`//`, errJSON}, {"\ufeff[]", errJSON}, {"[\u00a0]", errJSON}, {"[\v]", errJSON},
	}
	for _, tt := range invalid {
		if _, err := scanValue([]byte(tt.json), 0, maxDepth); err != tt.want {
			t.Errorf("scanValue(%q): %v, want %v", tt.json, err, tt.want)
		}
		if json.Valid([]byte(tt.json)) {
			t.Errorf("encoding/json takes %q", tt.json)
		}
	}

	// What follows the value is the caller's affair.
	for s, want := range map[string]int{`01`: 1, `1 2`: 1, `nullx`: 4, `[] []`: 2, `""x`: 2, `1.0.0`: 3} {
		if end, err := scanValue([]byte(s), 0, maxDepth); end != want || err != nil {
			t.Errorf("scanValue(%q) = %d, %v, want %d", s, end, err, want)
		}
	}
}

func TestScanValueDepth(t *testing.T) {
	nest := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			b.WriteString([]string{`[`, `{"a":`}[i%2])
		}
		b.WriteString("1")
		for i := n - 1; i >= 0; i-- {
			b.WriteString([]string{`]`, `}`}[i%2])
		}
		return []byte(b.String())
	}
	for _, limit := range []int{0, 1, 2, 63, 64, 65, 127, 128, maxDepth} {
		data := nest(limit)
		if end, err := scanValue(data, 0, limit); err != nil || end != len(data) {
			t.Errorf("depth %d with limit %d: %v", limit, limit, err)
		}
		if _, err := scanValue(nest(limit+1), 0, limit); err != errDepth {
			t.Errorf("depth %d with limit %d: %v, want %v", limit+1, limit, err, errDepth)
		}
	}
	// The level is given back at the end of an array or object, empty ones too.
	flat := "[" + strings.Repeat(`[],{},[{}],{"a":[]},`, 1000) + "0]"
	if _, err := scanValue([]byte(flat), 0, 3); err != nil {
		t.Errorf("flat array: %v", err)
	}
	if _, err := scanValue([]byte(strings.Repeat("[", 1<<20)), 0, maxDepth); err != errDepth {
		t.Errorf("a million brackets: %v, want %v", err, errDepth)
	}
}

func TestCheckPlaceholders(t *testing.T) {
	tests := []struct {
		json string
		n    int
		want error
	}{
		{`{"_placeholder":true,"num":0}`, 1, nil},
		{`{"num":0,"_placeholder":true}`, 1, nil},
		{` { "_placeholder" : true , "num" : 9 } `, 10, nil},
		{`[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, 1, nil},
		{`{"_placeholder":true,"num":0,"more":[{}]}`, 1, nil},
		{`{"_placeholder":false,"num":7}`, 1, nil},
		{`{"_placeholder":1,"num":7}`, 1, nil},
		{`{"_placeholder":"true"}`, 1, nil},
		{`{"_placeholder":true,"_placeholder":false}`, 1, nil},
		{`{"_placeholder":true,"_placeholder":{}}`, 1, nil},
		{`{"_placeholder":true,"num":7,"num":0}`, 1, nil},
		{`{"Num":0,"_Placeholder":true}`, 1, nil},
		{`{"num":7}`, 1, nil}, {`["_placeholder",true]`, 1, nil}, {`[]`, 1, nil}, {`"x"`, 1, nil},

		{`{"_placeholder":true,"num":1}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":-1}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":-0}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":0.5}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":0.0}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":0e0}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":"0"}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":null}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":[0]}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":0,"num":{}}`, 1, errPlaceholder},
		{`{"_placeholder":true}`, 1, errPlaceholder},
		{`{"_placeholder":true,"num":18446744073709551616}`, 10, errPlaceholder},
		{`{"_pl\u0061ceholder":true,"num":1}`, 1, errPlaceholder},
		{`[[{"a":[{"_placeholder":true,"num":2}]}]]`, 2, errPlaceholder},
		{`{"_placeholder":true,"num":0,"more":[{"_placeholder":true}]}`, 1, errPlaceholder},
	}
	for _, tt := range tests {
		c := Cursor{data: []byte(tt.json)}
		if err := c.checkPlaceholders(tt.n); err != tt.want {
			t.Errorf("checkPlaceholders(%s, %d): %v, want %v", tt.json, tt.n, err, tt.want)
		}
	}
}
