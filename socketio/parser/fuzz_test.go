package parser

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostileTexts are text messages as clients should never send them, and a few as
// they should.
var hostileTexts = []string{
	``, `7`, `a`, `-1`, `0`, `0[]`, `0"a"`, `0null`, `0{}`, `0/`, `0/chat,{"token":"x"}`, `0/ns?x=1,`, `1`, `1{}`, `1/chat,`,
	`2`, `212`, `2null`, `2{}`, `2[]`, `2[null]`, `2[{}]`, `2"a"`, `2[{"toString":"x"}]`, `2[1]`,
	`2["connect"]`, `2["\u0064isconnect"]`, `2["__proto__"]`, `2["a"`, `2["a"]x`, `2["a",NaN]`, `2["a"/**/]`, "2[\"a\x01\"]",
	`2["message",{"id":1,"text":"hello"}]`, `2/chat,12["a",[1.5e-3,true,null,"\ud83d\ude00"]]`, ` 2["a"]`, `2 ["a"]`, "2[\"a\"] \r\n",
	`2007["a"]`, `29007199254740991["a"]`, `29007199254740992["a"]`, `2-1["a"]`, `21.5["a"]`, `21e3["a"]`,
	`3[]`, `31[]`, `31`, `31{}`, `3/chat,5["x"]`, `4{"message":"x"}`, `4`,
	`50-["a"]`, `501-["a"]`, `5-["a"]`, `511-["a"]`, `599999999999999999999-["a"]`, `5+1-["a"]`, `51-`,
	`51-["a",{"_placeholder":true,"num":0}]`, `52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`,
	`51-["a",{"_placeholder":true,"num":1}]`, `51-["a",{"_placeholder":true,"num":-1}]`, `51-["a",{"_placeholder":true,"num":0.5}]`,
	`51-["a",{"_placeholder":true,"num":"0"}]`, `51-["a",{"_placeholder":true}]`, `61-/chat,7[{"num":0,"_placeholder":true}]`,
	`2["a",` + strings.Repeat(`[`, 600), `0{"a":` + strings.Repeat(`{"a":`, 600), `2["` + strings.Repeat(`\`, 101),
}

func FuzzDecode(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add([]byte(text), []byte("attachment"), false)
		f.Add([]byte(text), []byte{}, true)
	}
	f.Fuzz(func(t *testing.T, text, attachment []byte, fromServer bool) {
		d := TextDecoder{FromServer: fromServer}
		p, announced, err := decodeAll(&d, text, attachment)
		if err != nil {
			if d.Pending() || !reflect.DeepEqual(p, Packet{}) {
				t.Fatalf("error %v leaves %+v, pending %v", err, p, d.Pending())
			}
			return
		}
		if announced != len(p.Attachments) || announced > DefaultMaxAttachments || p.Type.binary() != (announced > 0) {
			t.Fatalf("%v with %d attachments of %d", p.Type, len(p.Attachments), announced)
		}
		if len(p.Data) > 0 && !json.Valid(p.Data) {
			t.Fatalf("payload %q is not JSON", p.Data)
		}
		if len(p.Data) > len(text) || len(p.Namespace) > MaxNamespace || p.ID > maxID {
			t.Fatalf("out of bounds: %+v", p)
		}

		again := AppendHeader(nil, p.Type, len(p.Attachments), p.Namespace, p.ID, p.HasID)
		again = append(again, p.Data...)
		p2, _, err := decodeAll(&d, again, attachment)
		if err != nil || !reflect.DeepEqual(p, p2) {
			t.Fatalf("%+v\nencoded as %q decodes to\n%+v, %v", p, again, p2, err)
		}
	})
}

// decodeAll decodes one packet, with the same bytes for each attachment.
func decodeAll(d *TextDecoder, text, attachment []byte) (p Packet, announced int, err error) {
	p, done, err := d.Text(text)
	for err == nil && !done {
		announced++
		p, done, err = d.Binary(attachment)
	}
	return p, announced, err
}

func FuzzScan(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add([]byte(strings.TrimLeft(text, "0123456789-")))
	}
	for _, text := range []string{`-0.0e-0`, `"\u00e9\\"`, ` { "a" : [ 1 , { } ] } `, `"1234567` + "\x1f" + `"`, `"é\ud800"`, "\"\xff\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := validate(data, maxDepth)
		if err == errDepth {
			return
		}
		if valid := json.Valid(data); valid != (err == nil) {
			t.Fatalf("scanValue: %v, json.Valid: %v", err, valid)
		}
		if err != nil {
			return
		}
		// Valid JSON can be walked by the cursor, to its end.
		c := Cursor{data: data}
		if err := c.checkPlaceholders(3); err != nil {
			if err != errPlaceholder {
				t.Fatal(err)
			}
		} else if skipSpace(data, c.i) != len(data) {
			t.Fatalf("the cursor stops at %d of %d", c.i, len(data))
		}
	})
}

func FuzzBind(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add([]byte(strings.TrimLeft(text, "0123456789-")), []byte("attachment"))
	}
	for _, v := range samples() {
		raw, err := json.Marshal([]any{"name", v, v})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, []byte{})
	}
	f.Fuzz(func(t *testing.T, raw, attachment []byte) {
		var elems []json.RawMessage
		std := json.Unmarshal(raw, &elems)
		args := NewArgs(nil, raw, [][]byte{attachment}, 1)
		if std == nil && len(elems) > 0 && !tooDeep(elems[1:]) {
			if args.Len() != len(elems)-1 {
				t.Fatalf("Len = %d, want %d", args.Len(), len(elems)-1)
			}
			for i, want := range elems[1:] {
				if !bytes.Equal(args.Raw(i), want) {
					t.Fatalf("Raw(%d) = %q, want %q", i, args.Raw(i), want)
				}
			}
		}
		for i := range min(args.Len(), 4) {
			ptrs := make([]any, i+1)
			for _, ptr := range []any{new(any), new([]byte), new(string), new(float64), new(tagged), new(tree), new(map[string]any), new([]any), new(map[string][]byte)} {
				ptrs[i] = ptr
				args.Bind(ptrs...) // an error is as good as any other end
			}

			// Without attachments an any becomes what encoding/json makes of it.
			var got, want any
			ptrs[i] = &got
			err := NewArgs(nil, raw, nil, 1).Bind(ptrs...)
			wantErr := json.Unmarshal(args.Raw(i), &want)
			if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("Bind(%q) = %#v, %v, want %#v, %v", args.Raw(i), got, err, want, wantErr)
			}
			if err != nil || !utf8.Valid(raw) {
				continue
			}
			// And what is sent again is the same.
			text, attachments, err := EncodeAck(nil, nil, "/", 1, []any{got, attachment})
			if err != nil || len(attachments) != 1 {
				t.Fatalf("EncodeAck(%#v): %q, %v", got, attachments, err)
			}
			p, _, err := decodeAll(new(TextDecoder), text, attachment)
			if slices.Contains([]error{errPlaceholder, errDepth}, err) {
				continue // got looks like a placeholder, or is one level deeper now
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			var again, last any
			if err := NewArgs(nil, p.Data, p.Attachments, 0).Bind(&again, &last); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if !bytes.Contains(p.Data[1:len(p.Data)-len(`,{"_placeholder":true,"num":0}]`)], []byte(`"_placeholder"`)) &&
				!reflect.DeepEqual(again, got) || !bytes.Equal(last.([]byte), attachment) {
				t.Fatalf("sent %#v, got %#v and %q", got, again, last)
			}
		}
	})
}

// tooDeep reports whether one of the values is nested beyond maxDepth.
func tooDeep(values []json.RawMessage) bool {
	return slices.ContainsFunc(values, func(v json.RawMessage) bool { return validate(v, maxDepth) != nil })
}

// FuzzRevision4 decodes what clients of Engine.IO 3 send: no namespace has a query,
// and what a CONNECT carries is an object of strings.
func FuzzRevision4(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add([]byte(text))
	}
	for _, text := range []string{"0/chat?", "0/chat?a=b,", "0/?a=%ff&b=%zz&c;d&=e&a=f,{}", "0/chat?a=%22%5C%00\x7f", "2/chat?x,[\"a\"]", "0/a?b?c=d", "1/chat?x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		d := TextDecoder{Revision4: true}
		p, _, err := decodeAll(&d, text, []byte("attachment"))
		if err != nil {
			return
		}
		if strings.Contains(p.Namespace, "?") || len(p.Namespace) > MaxNamespace {
			t.Fatalf("namespace %q", p.Namespace)
		}
		if p.Type == TypeConnect && p.Data != nil {
			var query map[string]string
			if err := json.Unmarshal(p.Data, &query); err != nil || len(query) == 0 || len(p.Data) > 8*len(text) {
				t.Fatalf("%q has the payload %q: %v", text, p.Data, err)
			}
		}
	})
}
