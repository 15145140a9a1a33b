package parser

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

type (
	named    []byte
	withText struct{ s string }
	withJSON struct{ s string }
	embedded struct {
		Inner int
		same
	}
	same struct{ Shared string }
	tree struct {
		Name string
		Kids []*tree `json:",omitempty"`
		Data []byte  `json:",omitempty"`
	}
	tagged struct {
		Renamed   int               `json:"renamed"`
		Omitted   string            `json:"omitted,omitempty"`
		OmitZero  time.Time         `json:"omitzero,omitzero"`
		Dropped   int               `json:"-"`
		Quoted    int64             `json:"quoted,string"`
		NilSlice  []string          `json:"nilSlice"`
		NilMap    map[string]int    `json:"nilMap"`
		NilPtr    *int              `json:"nilPtr"`
		Any       any               `json:"any"`
		Raw       json.RawMessage   `json:"raw"`
		Number    json.Number       `json:"number"`
		Time      time.Time         `json:"time"`
		Duration  time.Duration     `json:"duration"`
		Array     [3]byte           `json:"array"`
		Named     named             `json:"named"`
		Map       map[int]string    `json:"map"`
		Ordered   map[string]uint8  `json:"ordered"`
		Text      withText          `json:"text"`
		JSON      withJSON          `json:"json"`
		PtrText   *withText         `json:"ptrText"`
		Addr      netip.Addr        `json:"addr"`
		Big       *big.Int          `json:"big"`
		Float     float64           `json:"float"`
		Float32   float32           `json:"float32"`
		Interface interface{ M() }  `json:"interface"`
		Numbers   map[string]any    `json:"numbers"`
		Keys      map[withText]bool `json:"keys"`
		embedded
		unexported int //nolint:unused // to be passed over
	}
)

func (t withText) MarshalText() ([]byte, error) { return []byte("text:" + t.s), nil }
func (t *withText) UnmarshalText(b []byte) error {
	t.s = strings.TrimPrefix(string(b), "text:")
	return nil
}
func (j withJSON) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]string{"s": j.s}) }
func (j *withJSON) UnmarshalJSON(b []byte) error {
	var m map[string]string
	err := json.Unmarshal(b, &m)
	j.s = m["s"]
	return err
}

// samples are values of all the kinds that encoding/json tells apart, except for
// the type []byte.
func samples() []any {
	n := 7
	full := tagged{
		Renamed: 1, Quoted: 5, NilSlice: []string{"a"}, NilMap: map[string]int{"x": 1}, NilPtr: &n,
		Any: []any{1.5, "x", nil, true, map[string]any{"k": []any{}}}, Raw: json.RawMessage(`{ "a" : [1, 2] }`),
		Number: "12.50", Time: time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC), Duration: time.Second,
		Array: [3]byte{1, 2, 255}, Named: named("bytes"), Map: map[int]string{-1: "a", 10: "b", 9: "c"},
		Ordered: map[string]uint8{"z": 1, "a": 2}, Text: withText{"t"}, JSON: withJSON{"<j>"}, PtrText: &withText{"p"},
		Addr: netip.MustParseAddr("::1"), Big: new(big.Int).Lsh(big.NewInt(1), 100), Float: 1e21, Float32: 0.1,
		Numbers: map[string]any{"n": json.Number("1e3")}, Keys: map[withText]bool{{"k"}: true},
		embedded: embedded{Inner: 3, same: same{"s"}},
	}
	return []any{
		nil, true, false, 0, -5, int8(-128), int16(1), int32(1), int64(math.MinInt64), uint(1), uint8(255), uint64(math.MaxUint64),
		0.0, 1.0, 1.5, -0.25, 1e20, 1e21, 1e-6, 1e-7, math.MaxFloat64, float32(3.4e38), math.Copysign(0, -1),
		"", "plain", `quotes " and \`, "control \x00\x1f\x7f\t\n\r\b\f", "<b>&amp;</b>", "é 😀 \u2028\u2029", "bad \xff\xc3 bytes",
		[]string(nil), []string{}, []string{"<"}, []int{1, 2}, [2]bool{true}, []any{nil, "x", 2.5, []any{}},
		map[string]any(nil), map[string]any{}, map[string]any{"b": 1, "a": "x\xff"}, map[string]string{"k": "v"},
		map[json.Number]int{"1": 2}, json.Number("5"), json.Number(""), []json.Number{"1", "2.0"},
		struct{}{}, &n, (*int)(nil), tagged{}, full, &full, []tagged{full},
		named("named"), named(nil), [4]byte{1, 2, 3, 4}, json.RawMessage(`[1, "<"]`), json.RawMessage(nil),
		withText{"x"}, &withText{"x"}, withJSON{"x"}, &withJSON{"x"}, time.Unix(0, 0).UTC(), time.Minute,
		tree{Name: "root", Kids: []*tree{{Name: "kid"}, nil}}, [][]int{{1}, nil}, errors.New("error"),
	}
}

func stdEncode(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

// unescape replaces the escape sequences that encoding/json has for characters which
// need none: whether they are used is not part of the contract.
var unescape = strings.NewReplacer(`\ufffd`, "\ufffd", `\u2028`, "\u2028", `\u2029`, "\u2029").Replace

func TestJSONAppendAsEncodingJSON(t *testing.T) {
	for _, v := range samples() {
		want := unescape(stdEncode(t, v))
		got, attachments, err := JSON{}.Append([]byte("x"), v, nil)
		if err != nil || unescape(string(got)) != "x"+want || attachments != nil {
			t.Errorf("Append(%T %+v) =\n%s, %v, %v, want\n%s", v, v, got, attachments, err, want)
		}
		// And so where it meets the functions for attachments.
		got, attachments, err = JSON{}.Append(nil, []any{v, []byte("b")}, nil)
		want = `[` + want + `,{"_placeholder":true,"num":0}]`
		if err != nil || unescape(string(got)) != want || len(attachments) != 1 {
			t.Errorf("Append(%T %+v) =\n%s, %v, %v, want\n%s", v, v, got, attachments, err, want)
		}
	}
}

func TestJSONUnmarshalAsEncodingJSON(t *testing.T) {
	var inputs []string
	for _, v := range samples() {
		inputs = append(inputs, stdEncode(t, v))
	}
	inputs = append(inputs,
		`{"RENAMED":5,"Quoted":"6","unknown":[{}]}`, `{"renamed":1,"renamed":2}`, `{"any":{"a":1,"a":2}}`,
		`{"renamed":"wrong","float":2}`, `{"array":[1]}`, `{"array":[1,2,3,4]}`, `{"named":[1,2]}`, `{"named":"!"}`,
		`{"number":"7"}`, `{"number":"x"}`, `{"interface":null}`, `{"interface":1}`, `{"numbers":{"n":1e999}}`,
		`1e999`, `"\ud800"`, `"\ud83d\ude00\u0000"`, "\"bad \xff\"", ` { "a" : [ ] } `, `{"":{"":""}}`, `[1e2,-0,0.5]`,
		`{"renamed":1`, `[1,]`, `1 2`, ``, `{"a":1,"a":{"b":2}}`,
	)
	targets := []reflect.Type{
		reflect.TypeFor[any](), reflect.TypeFor[map[string]any](), reflect.TypeFor[[]any](), reflect.TypeFor[string](),
		reflect.TypeFor[int](), reflect.TypeFor[float64](), reflect.TypeFor[tagged](), reflect.TypeFor[*tagged](),
		reflect.TypeFor[named](), reflect.TypeFor[[]byte](), reflect.TypeFor[[4]byte](), reflect.TypeFor[json.Number](),
		reflect.TypeFor[map[json.Number]any](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[withText](),
		reflect.TypeFor[withJSON](), reflect.TypeFor[tree](), reflect.TypeFor[[]bool](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[struct{ A *any }](),
	}
	for _, target := range targets {
		for _, input := range inputs {
			want, got, hooked := reflect.New(target), reflect.New(target), reflect.New(target)
			wantErr := json.Unmarshal([]byte(input), want.Interface())
			err := JSON{}.Unmarshal([]byte(input), nil, got.Interface())
			hookedErr := JSON{}.Unmarshal([]byte(input), [][]byte{[]byte("b")}, hooked.Interface())
			if (err == nil) != (wantErr == nil) || (hookedErr == nil) != (wantErr == nil) {
				t.Errorf("Unmarshal(%s) into %v: %v and %v, want %v", input, target, err, hookedErr, wantErr)
				continue
			}
			if wantErr == nil && !(reflect.DeepEqual(got.Interface(), want.Interface()) && reflect.DeepEqual(hooked.Interface(), want.Interface())) {
				t.Errorf("Unmarshal(%s) into %v = %+v and %+v, want %+v", input, target, got.Elem(), hooked.Elem(), want.Elem())
			}
		}
	}
}

// TestJSONUnmarshalMerges checks what is kept of the value before.
func TestJSONUnmarshalMerges(t *testing.T) {
	fresh := func() []any {
		n := 1
		var inPointer any = &struct{ A, B int }{1, 2}
		var inAny any = 5
		m, b := 2, []byte("before")
		var inPointers any = new(&m)
		return []any{
			&map[string]int{"a": 1}, &tagged{Renamed: 9, Float: 2}, &inPointer, &inPointers, &inAny, new(&n), &[]int{1, 2, 3},
			&struct{ A, B any }{&m, 6}, &map[string]any{"A": 1, "C": 2}, &[]any{new(&m), &n}, &b, &[][]byte{b},
		}
	}
	for i := range fresh() {
		for _, input := range []string{`{"renamed":1}`, `{"A":3}`, `{"A":null}`, `null`, `[7]`, `[null,null]`, `4`, `"YQ=="`, `["YQ=="]`} {
			want, got, hooked := fresh()[i], fresh()[i], fresh()[i]
			wantErr := json.Unmarshal([]byte(input), want)
			err := JSON{}.Unmarshal([]byte(input), nil, got)
			hookedErr := JSON{}.Unmarshal([]byte(input), [][]byte{{}}, hooked)
			if (err == nil) != (wantErr == nil) || (hookedErr == nil) != (wantErr == nil) {
				t.Errorf("Unmarshal(%s) into %T: %v and %v, want %v", input, want, err, hookedErr, wantErr)
			}
			if wantErr == nil && !(reflect.DeepEqual(got, want) && reflect.DeepEqual(hooked, want)) {
				t.Errorf("Unmarshal(%s) into %T = %+v and %+v, want %+v", input, want, got, hooked, want)
			}
		}
	}
}

func TestJSONPlaceholders(t *testing.T) {
	attachments := [][]byte{[]byte("zero"), []byte("one")}
	const ph0, ph1 = `{"_placeholder":true,"num":0}`, `{"num":1,"_placeholder":true}`
	zero, one := attachments[0], attachments[1]
	var set any = "before"
	var pointed any = new([]byte)
	tests := []struct {
		json string
		ptr  any
		want any // what ptr points to
	}{
		{ph1, new([]byte), one},
		{ph1, new(*[]byte), &one},
		{ph1, new(any), any(one)},
		{ph1, &set, any(one)},
		{ph1, &pointed, any(&one)},
		{ph1, new(*any), new(any(one))},
		{`[` + ph0 + `,"b25l",[111],null]`, new([][]byte), [][]byte{zero, one, []byte("o"), nil}},
		{`{"a":` + ph0 + `}`, new(map[string][]byte), map[string][]byte{"a": zero}},
		{`{"a":` + ph0 + `,"b":[` + ph1 + `,{"c":` + ph1 + `}]}`, new(map[string]any),
			map[string]any{"a": zero, "b": []any{one, map[string]any{"c": one}}}},
		{`[` + ph0 + `,[` + ph1 + `]]`, new([]any), []any{zero, []any{one}}},
		{`{"name":"n","DATA":` + ph0 + `,"kids":[{"data":` + ph1 + `}]}`, new(tree), tree{Name: "n", Data: zero, Kids: []*tree{{Data: one}}}},
		{`{"X":` + ph0 + `}`, new(struct{ X any }), struct{ X any }{zero}},
		{`{"_placeholder":false,"num":0}`, new(any), any(map[string]any{"_placeholder": false, "num": 0.0})},
		{`{"_placeholder":true,"num":0}`, new(json.RawMessage), json.RawMessage(`{"_placeholder":true,"num":0}`)},
	}
	for _, tt := range tests {
		err := JSON{}.Unmarshal([]byte(tt.json), attachments, tt.ptr)
		if got := reflect.ValueOf(tt.ptr).Elem().Interface(); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Unmarshal(%s) into %T = %v, %v, want %v", tt.json, tt.ptr, got, err, tt.want)
		}
	}

	for _, tt := range []struct {
		json string
		ptr  any
	}{
		{`{"_placeholder":true,"num":2}`, new([]byte)},
		{`{"_placeholder":true,"num":2}`, new(any)},
		{`{"_placeholder":true,"num":-1}`, new(any)},
		{`{"_placeholder":true,"num":0.5}`, new(any)},
		{`{"_placeholder":true,"num":"0"}`, new(any)},
		{`{"_placeholder":true}`, new(any)},
		{`{"a":[{"_placeholder":true,"num":2}]}`, new(map[string]any)},
		{`{"x":{"_placeholder":true,"num":1e300}}`, new(struct{ X any })},
		{`{"num":0}`, new([]byte)},
		{`{}`, new([]byte)},
		{ph0, new(string)},
		{ph0, new(named)},
	} {
		if err := (JSON{}).Unmarshal([]byte(tt.json), attachments, tt.ptr); err == nil {
			t.Errorf("Unmarshal(%s) into %T = %v", tt.json, tt.ptr, reflect.ValueOf(tt.ptr).Elem())
		}
	}

	// In a packet without attachments nothing is a placeholder.
	var v any
	if err := (JSON{}).Unmarshal([]byte(`{"_placeholder":true,"num":9}`), nil, &v); err != nil ||
		!reflect.DeepEqual(v, map[string]any{"_placeholder": true, "num": 9.0}) {
		t.Errorf("Unmarshal without attachments = %v, %v", v, err)
	}
}

func TestJSONDepth(t *testing.T) {
	deep := []byte(strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20))
	for _, attachments := range [][][]byte{nil, {{}}} {
		if err := (JSON{}).Unmarshal(deep, attachments, new(any)); err != errDepth {
			t.Errorf("Unmarshal of a million brackets: %v, want %v", err, errDepth)
		}
		if err := (JSON{}).Unmarshal(deep, attachments, new([]any)); err == nil {
			t.Error("Unmarshal of a million brackets into []any")
		}
	}
}

// TestJSONAfterError checks that a failure leaves nothing behind for the next call.
func TestJSONAfterError(t *testing.T) {
	for range 100 {
		if _, _, err := (JSON{}).Append(nil, []any{map[string]any{"a": []byte("x"), "z": func() {}}}, nil); err == nil {
			t.Fatal("a func was encoded")
		}
		if _, _, err := (JSON{}).Append(nil, struct{ A []failing }{[]failing{{errors.New("bad")}}}, nil); err == nil {
			t.Fatal("a failing value was encoded")
		}
		func() {
			defer func() { recover() }()
			JSON{}.Append(nil, []any{[]byte("x"), panicking{}}, nil)
			t.Fatal("no panic")
		}()
		got, attachments, err := JSON{}.Append(nil, []any{[]byte("y"), "s"}, nil)
		if err != nil || string(got) != `[{"_placeholder":true,"num":0},"s"]` || len(attachments) != 1 || string(attachments[0]) != "y" {
			t.Fatalf("Append = %s, %q, %v", got, attachments, err)
		}
		got, _, err = JSON{}.Append(nil, struct{ A []failing }{}, nil)
		if err != nil || string(got) != `{"A":null}` {
			t.Fatalf("Append = %s, %v", got, err)
		}
	}
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("from MarshalJSON") }

func TestJSONConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			want := []byte{byte(g)}
			for range 500 {
				text, attachments, err := JSON{}.Append(nil, map[string]any{"b": want, "s": strings.Repeat("x", 100*g)}, nil)
				if err != nil || len(attachments) != 1 || !bytes.Equal(attachments[0], want) {
					t.Errorf("Append: %q, %v", attachments, err)
					return
				}
				var v struct{ B []byte }
				if err := (JSON{}).Unmarshal(text, attachments, &v); err != nil || !bytes.Equal(v.B, want) {
					t.Errorf("Unmarshal: %v, %v", v.B, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestJSONLarge(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	for _, v := range []any{[]string{big, "<"}, []any{big, big}, map[string]string{big: big}} {
		want := stdEncode(t, v)
		for range 3 {
			got, _, err := JSON{}.Append(nil, v, nil)
			if err != nil || string(got) != want {
				t.Fatalf("Append(%T): %d bytes, %v, want %d", v, len(got), err, len(want))
			}
		}
	}
}

// TestJSONUnmarshalAttachment has attachments as they come, and what only looks like one.
func TestJSONUnmarshalAttachment(t *testing.T) {
	room := []byte("abc")
	attachments := [][]byte{room[:1], room[1:2]}
	for data, want := range map[string]string{
		`{"_placeholder":true,"num":0}`:   "a",
		`{"_placeholder":true,"num":1}`:   "b",
		` {"num":1, "_placeholder":true}`: "b",
		`{"_placeholder":true,"num":2}`:   "error",
		`{"_placeholder":true,"num":00}`:  "error",
		`{"_placeholder":true,"num":x}`:   "error",
		`{"_placeholder":true,"num":0]`:   "error",
		`"YQ=="`:                          "a",
		`null`:                            "",
	} {
		p := []byte("before")
		err := JSON{}.Unmarshal([]byte(data), attachments, &p)
		got := string(p)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", data, got, want, err)
		}
		if p = append(p, 'x'); string(room) != "abc" {
			t.Fatalf("%s: an append has written behind the attachment", data)
		}
	}
}
