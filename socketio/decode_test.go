package socketio

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDecodeText(t *testing.T) {
	long := "/" + strings.Repeat("n", maxNamespace-1)
	tests := []struct {
		text string
		want Packet
	}{
		{`0`, Packet{Type: TypeConnect, Namespace: "/"}},
		{`0{}`, Packet{Type: TypeConnect, Namespace: "/", Data: []byte(`{}`)}},
		{`0{"token":"x"}`, Packet{Type: TypeConnect, Namespace: "/", Data: []byte(`{"token":"x"}`)}},
		{`0/`, Packet{Type: TypeConnect, Namespace: "/"}},
		{`0/,`, Packet{Type: TypeConnect, Namespace: "/"}},
		{`0/chat`, Packet{Type: TypeConnect, Namespace: "/chat"}},
		{`0/chat,`, Packet{Type: TypeConnect, Namespace: "/chat"}},
		{`0/chat,{"a":1}`, Packet{Type: TypeConnect, Namespace: "/chat", Data: []byte(`{"a":1}`)}},
		{`0/ns?x=1,`, Packet{Type: TypeConnect, Namespace: "/ns?x=1"}},
		{`0/ns{"a":1}`, Packet{Type: TypeConnect, Namespace: `/ns{"a":1}`}},
		{`0//,`, Packet{Type: TypeConnect, Namespace: "//"}},
		{`0` + long, Packet{Type: TypeConnect, Namespace: long}},
		{`1`, Packet{Type: TypeDisconnect, Namespace: "/"}},
		{`1/chat,`, Packet{Type: TypeDisconnect, Namespace: "/chat"}},
		// White space in front of the JSON, also of none.
		{`0 {"a":1}`, Packet{Type: TypeConnect, Namespace: "/", Data: []byte(`{"a":1}`)}},
		{"0/chat, \t\r\n{}", Packet{Type: TypeConnect, Namespace: "/chat", Data: []byte(`{}`)}},
		{`0 `, Packet{Type: TypeConnect, Namespace: "/"}},
		{"0/chat, \n", Packet{Type: TypeConnect, Namespace: "/chat"}},
		{`1 `, Packet{Type: TypeDisconnect, Namespace: "/"}},
		{`2 ["a"]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`["a"]`)}},
		{"2\n[\"a\"]", Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`["a"]`)}},
		{`21 ["a"]`, Packet{Type: TypeEvent, Namespace: "/", ID: 1, HasID: true, Data: []byte(`["a"]`)}},
		{`2/chat, ["a"]`, Packet{Type: TypeEvent, Namespace: "/chat", Data: []byte(`["a"]`)}},
		{`2/chat,12 ["a"]`, Packet{Type: TypeEvent, Namespace: "/chat", ID: 12, HasID: true, Data: []byte(`["a"]`)}},
		{`31 []`, Packet{Type: TypeAck, Namespace: "/", ID: 1, HasID: true, Data: []byte(`[]`)}},
		{`2[7,"x"]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`[7,"x"]`)}},
		{`2["a"]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`["a"]`)}},
		{`2[""]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`[""]`)}},
		{"2[ \"a\" , 1 ]\n ", Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`[ "a" , 1 ]`)}},
		{`2["__proto__",{"constructor":1}]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`["__proto__",{"constructor":1}]`)}},
		{`2["error"]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`["error"]`)}},
		{`212["a",1,null]`, Packet{Type: TypeEvent, Namespace: "/", ID: 12, HasID: true, Data: []byte(`["a",1,null]`)}},
		{`20["a"]`, Packet{Type: TypeEvent, Namespace: "/", HasID: true, Data: []byte(`["a"]`)}},
		{`2007["a"]`, Packet{Type: TypeEvent, Namespace: "/", ID: 7, HasID: true, Data: []byte(`["a"]`)}},
		{`2` + strings.Repeat("0", 100) + `7["a"]`, Packet{Type: TypeEvent, Namespace: "/", ID: 7, HasID: true, Data: []byte(`["a"]`)}},
		{`29007199254740991["a"]`, Packet{Type: TypeEvent, Namespace: "/", ID: 1<<53 - 1, HasID: true, Data: []byte(`["a"]`)}},
		{`2/chat,5["a"]`, Packet{Type: TypeEvent, Namespace: "/chat", ID: 5, HasID: true, Data: []byte(`["a"]`)}},
		{`2["a",{"_placeholder":true,"num":3}]`, Packet{Type: TypeEvent, Namespace: "/", Data: []byte(`["a",{"_placeholder":true,"num":3}]`)}},
		{`30[]`, Packet{Type: TypeAck, Namespace: "/", HasID: true, Data: []byte(`[]`)}},
		{`3[]`, Packet{Type: TypeAck, Namespace: "/", Data: []byte(`[]`)}}, // answers nothing
		{`3/chat,12["connect"]`, Packet{Type: TypeAck, Namespace: "/chat", ID: 12, HasID: true, Data: []byte(`["connect"]`)}},
	}
	for _, tt := range tests {
		var d Decoder
		got, done, err := d.Text([]byte(tt.text))
		if err != nil || !done || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Text(%q) = %+v, %v, %v, want %+v", tt.text, got, done, err, tt.want)
		}
		if d.Pending() {
			t.Errorf("Text(%q): pending", tt.text)
		}
	}
}

func TestDecodeTextRefused(t *testing.T) {
	tests := []struct {
		text string
		want ParseError
	}{
		{``, errEmpty},
		{`7`, errType}, {`9`, errType}, {`a`, errType}, {`-1`, errType}, {` `, errType}, {"\x00", errType}, {"\xff", errType},

		{`0[]`, errConnectPayload}, {`0"a"`, errConnectPayload}, {`0null`, errConnectPayload}, {`0,`, errConnectPayload},
		{"0\x00", errConnectPayload}, {`0-1`, errConnectPayload}, {`0true`, errConnectPayload},
		{`0{`, errTruncated}, {`0{}{}`, errTrailing}, {`0{}x`, errTrailing}, {`0{a:1}`, errJSON},
		{`0/` + strings.Repeat("n", maxNamespace), errNamespace}, {`0/` + strings.Repeat("n", maxNamespace) + `,`, errNamespace},

		{`1{}`, errDisconnectPayload}, {`1null`, errDisconnectPayload}, {`1[]`, errDisconnectPayload}, {`1/chat,[]`, errDisconnectPayload},
		{`1 {}`, errDisconnectPayload}, {`0 []`, errConnectPayload}, {`0/chat, null`, errConnectPayload},

		{`2`, errNoArray}, {`212`, errNoArray}, {`2/chat,`, errNoArray}, {`2/["a"]`, errNoArray},
		{`2null`, errNoArray}, {`2{}`, errNoArray}, {`2"a"`, errNoArray}, {`2 `, errNoArray}, {`2 1["a"]`, errNoArray}, {"2\u00a0[\"a\"]", errNoArray},
		{`2-1["a"]`, errNoArray}, {`2+1["a"]`, errNoArray}, {`21.5["a"]`, errNoArray}, {`21e3["a"]`, errNoArray},
		{`20x1["a"]`, errNoArray},
		{`29007199254740992["a"]`, errID}, {`2` + strings.Repeat("9", 1000) + `["a"]`, errID},
		{`2[]`, errEventName}, {`2[null]`, errEventName}, {`2[{}]`, errEventName}, {`2[-]`, errJSON}, {`2[["a"]]`, errEventName},
		{`2[{"toString":"x"}]`, errEventName}, {`2[true]`, errEventName},
		{`2["connect"]`, errReservedName}, {`2["connect_error"]`, errReservedName}, {`2["disconnect"]`, errReservedName},
		{`2["disconnecting"]`, errReservedName}, {`2["newListener"]`, errReservedName}, {`2["removeListener"]`, errReservedName},
		{`2["\u0063onnect"]`, errReservedName}, {`2[ "disconnect",1]`, errReservedName},
		{`2["a"`, errTruncated}, {`2["a",`, errTruncated}, {`2["a`, errTruncated}, {`2["a",tru`, errTruncated},
		{`2["a"]]`, errTrailing}, {`2["a"]["b"]`, errTrailing}, {"2[\"a\"]\x00", errTrailing}, {`2["a"]//`, errTrailing},
		{`2["a",NaN]`, errJSON}, {`2["a",/**/1]`, errJSON}, {"2[\"a\nb\"]", errJSON}, {`2["a",01]`, errJSON}, {`2["a",]`, errJSON},
		{`2["a",` + strings.Repeat("[", 1024), errDepth},

		{`3`, errNoArray}, {`31`, errNoArray}, {`31{}`, errNoArray},
		{`3-1[]`, errNoArray}, {`31[`, errTruncated}, {`31[]x`, errTrailing},

		{`4`, errConnectError}, {`4{"message":"x"}`, errConnectError}, {`4-1`, errConnectError},

		{`5`, errAttachmentCount}, {`5-`, errAttachmentCount}, {`50-["a"]`, errAttachmentCount}, {`501-["a"]`, errAttachmentCount},
		{`51`, errAttachmentCount}, {`51["a"]`, errAttachmentCount}, {`5["a"]`, errAttachmentCount}, {`5-1-["a"]`, errAttachmentCount},
		{`5+1-["a"]`, errAttachmentCount}, {`5 1-["a"]`, errAttachmentCount}, {`51 -["a"]`, errAttachmentCount},
		{`51.0-["a"]`, errAttachmentCount}, {`51e0-["a"]`, errAttachmentCount}, {`50x1-["a"]`, errAttachmentCount},
		{`511-["a"]`, errTooManyAttachments}, {`54294967296-["a"]`, errTooManyAttachments},
		{`5` + strings.Repeat("9", 1000) + `-["a"]`, errTooManyAttachments},
		{`51-`, errNoArray}, {`51-{}`, errNoArray}, {`51-[]`, errEventName}, {`51-["connect"]`, errReservedName}, {`51-["a"`, errTruncated},
		{`51-[{"_placeholder":true,"num":0}]`, errEventName},
		{`51-["a",{"_placeholder":true,"num":1}]`, errPlaceholder}, {`51-["a",{"_placeholder":true}]`, errPlaceholder},
		{`61-1`, errNoArray}, {`61-1[{"_placeholder":true,"num":-1}]`, errPlaceholder},
	}
	for _, tt := range tests {
		var d Decoder
		p, done, err := d.Text([]byte(tt.text))
		if err != tt.want || done || !reflect.DeepEqual(p, Packet{}) {
			t.Errorf("Text(%.60q) = %+v, %v, %v, want %v", tt.text, p, done, err, tt.want)
		}
		if d.Pending() {
			t.Errorf("Text(%.60q): pending", tt.text)
		}
	}
}

func TestDecodeFromServer(t *testing.T) {
	d := Decoder{FromServer: true}
	p, done, err := d.Text([]byte(`4/chat,{"message":"no"}`))
	want := Packet{Type: TypeConnectError, Namespace: "/chat", Data: []byte(`{"message":"no"}`)}
	if err != nil || !done || !reflect.DeepEqual(p, want) {
		t.Errorf("Text = %+v, %v, %v", p, done, err)
	}
	for _, text := range []string{`4`, `4"no"`, `4[]`, `4/chat,`} {
		if _, _, err := d.Text([]byte(text)); err != errErrorPayload {
			t.Errorf("Text(%q): %v, want %v", text, err, errErrorPayload)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	d := Decoder{MaxAttachments: 12, MaxDepth: 3}
	if _, _, err := d.Text([]byte(`2["a",[[1]]]`)); err != nil {
		t.Errorf("depth 3: %v", err)
	}
	if _, _, err := d.Text([]byte(`2["a",[[[1]]]]`)); err != errDepth {
		t.Errorf("depth 4: %v, want %v", err, errDepth)
	}
	if _, _, err := d.Text([]byte(`513-["a"]`)); err != errTooManyAttachments {
		t.Errorf("13 attachments: %v, want %v", err, errTooManyAttachments)
	}
	if _, _, err := d.Text([]byte(`512-["a"]`)); err != nil || !d.Pending() {
		t.Errorf("12 attachments: %v", err)
	}
	d = Decoder{MaxDepth: 100_000}
	if _, _, err := d.Text([]byte("2[\"a\"," + strings.Repeat("[", maxDepth))); err != errDepth {
		t.Errorf("beyond the greatest depth: %v, want %v", err, errDepth)
	}
}

func TestDecodeBinary(t *testing.T) {
	var d Decoder
	text := []byte(`52-/chat,7["up",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`)
	if p, done, err := d.Text(text); err != nil || done || !d.Pending() || !reflect.DeepEqual(p, Packet{}) {
		t.Fatalf("Text = %+v, %v, %v", p, done, err)
	}
	data := []byte{1, 2, 3}
	if p, done, err := d.Binary(data); err != nil || done || !d.Pending() || !reflect.DeepEqual(p, Packet{}) {
		t.Fatalf("first Binary = %+v, %v, %v", p, done, err)
	}
	clear(text)
	clear(data)
	p, done, err := d.Binary(nil)
	want := Packet{
		Type: TypeBinaryEvent, Namespace: "/chat", ID: 7, HasID: true,
		Data:        []byte(`["up",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`),
		Attachments: [][]byte{{1, 2, 3}, {}},
	}
	if err != nil || !done || d.Pending() || !reflect.DeepEqual(p, want) {
		t.Errorf("second Binary = %+v, %v, %v, want %+v", p, done, err, want)
	}

	// The decoder goes on with the next packet.
	if _, done, err := d.Text([]byte(`61-3[]`)); err != nil || done {
		t.Errorf("Text: %v, %v", done, err)
	}
	p, done, err = d.Binary([]byte("x"))
	want = Packet{Type: TypeBinaryAck, Namespace: "/", ID: 3, HasID: true, Data: []byte(`[]`), Attachments: [][]byte{[]byte("x")}}
	if err != nil || !done || !reflect.DeepEqual(p, want) {
		t.Errorf("Binary = %+v, %v, %v, want %+v", p, done, err, want)
	}
	if _, _, err := d.Binary([]byte("x")); err != errBinary {
		t.Errorf("unannounced Binary: %v, want %v", err, errBinary)
	}
}

func TestDecodeTextWhilePending(t *testing.T) {
	var d Decoder
	if _, _, err := d.Text([]byte(`52-["a"]`)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Binary([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Text([]byte(`2["a"]`)); err != errTextPending {
		t.Errorf("Text while pending: %v, want %v", err, errTextPending)
	}
	if d.Pending() {
		t.Error("still holds the packet")
	}
}

func TestDecodeMaxBytes(t *testing.T) {
	const text = `53-["a"]` // 8 bytes
	tests := []struct {
		max   int
		sizes []int
		want  error // of the last message
	}{
		{7, nil, errTooLarge},
		{8, []int{0, 0, 0}, nil},
		{8, []int{0, 1}, errTooLarge},
		{20, []int{6, 6, 0}, nil},
		{20, []int{6, 6, 1}, errTooLarge},
		{20, []int{13}, errTooLarge},
	}
	for _, tt := range tests {
		d := Decoder{MaxBytes: tt.max}
		_, _, err := d.Text([]byte(text))
		for _, size := range tt.sizes {
			if err != nil {
				t.Fatalf("%+v: %v early", tt, err)
			}
			_, _, err = d.Binary(make([]byte, size))
		}
		if err != tt.want || d.Pending() {
			t.Errorf("%+v: %v, pending %v", tt, err, d.Pending())
		}
	}
	// A packet without attachments is bounded by the transport alone.
	d := Decoder{MaxBytes: 8}
	if _, done, err := d.Text([]byte(`2["longer"]`)); err != nil || !done {
		t.Errorf("text packet: %v, %v", done, err)
	}
}

func TestParseErrorHoldsNoPayload(t *testing.T) {
	var d Decoder
	_, _, err := d.Text([]byte(`2["secret",x]`))
	var parse ParseError
	if !errors.As(err, &parse) || err.Error() != "socketio: malformed JSON" {
		t.Errorf("error %q (%T)", err, err)
	}
}

func TestEventName(t *testing.T) {
	tests := []struct {
		data, want string
		err        error
	}{
		{`["message",1]`, "message", nil},
		{` [ "a b" ] `, "a b", nil},
		{`["\u0061\n\ud83d\ude00\ud800"]`, "a\n😀\ufffd", nil},
		{`["é"]`, "é", nil},
		{``, "", errNoArray}, {`{}`, "", errNoArray}, {`[]`, "", errEventName}, {`[true]`, "", errEventName}, {`[`, "", errEventName},
		{`["a`, "", errTruncated}, {"[\"\x01\"]", "", errJSON},
		// What String makes of a number in JavaScript.
		{`[7,"x"]`, "7", nil}, {` [ 7 ] `, "7", nil}, {`[0]`, "0", nil}, {`[-7]`, "-7", nil},
		{`[7.0]`, "7", nil}, {`[7e0]`, "7", nil}, {`[70E-1]`, "7", nil}, {`[-0]`, "0", nil}, {`[-0.0]`, "0", nil}, {`[1e-400]`, "0", nil},
		{`[1.50]`, "1.5", nil}, {`[0.1]`, "0.1", nil}, {`[0.000001]`, "0.000001", nil}, {`[0.0000001]`, "1e-7", nil}, {`[-1.5e-10]`, "-1.5e-10", nil},
		{`[999999999999999]`, "999999999999999", nil}, {`[9007199254740993]`, "9007199254740992", nil}, {`[123456789012345678]`, "123456789012345680", nil},
		{`[999999999999999999999]`, "1e+21", nil}, {`[100000000000000000000]`, "100000000000000000000", nil}, {`[1e21]`, "1e+21", nil},
		{`[123456789012345678901234567890]`, "1.2345678901234568e+29", nil}, {`[5e-324]`, "5e-324", nil},
		{`[1e400]`, "Infinity", nil}, {`[-1e400]`, "-Infinity", nil}, {`[` + strings.Repeat("9", 5000) + `]`, "Infinity", nil},
		{`[-`, "", errTruncated}, {`[-x]`, "", errJSON}, {`[1.]`, "", errJSON}, {`[+1]`, "", errEventName}, {`[NaN]`, "", errEventName}, {`[.5]`, "", errEventName},
	}
	for _, tt := range tests {
		if got, err := EventName([]byte(tt.data)); string(got) != tt.want || err != tt.err {
			t.Errorf("EventName(%s) = %q, %v, want %q, %v", tt.data, got, err, tt.want, tt.err)
		}
	}
}

func TestArgs(t *testing.T) {
	a := NewArgs(nil, []byte(` [ "name", 1 , {"a":[2]},"three" ] `), nil, 1)
	if got := a.Len(); got != 3 {
		t.Errorf("Len = %d, want 3", got)
	}
	for i, want := range []string{`1`, `{"a":[2]}`, `"three"`} {
		if got := a.Raw(i); string(got) != want {
			t.Errorf("Raw(%d) = %s, want %s", i, got, want)
		}
	}
	for _, i := range []int{-1, 3, 1 << 30} {
		if got := a.Raw(i); got != nil {
			t.Errorf("Raw(%d) = %s, want nil", i, got)
		}
	}
	var n int
	var s string
	if err := a.Bind(&n, nil, &s); err != nil || n != 1 || s != "three" {
		t.Errorf("Bind: %d, %q, %v", n, s, err)
	}
	if err := a.Bind(); err != nil {
		t.Errorf("Bind(): %v", err)
	}
	if err := a.Bind(nil, nil, nil, nil); err != nil {
		t.Errorf("Bind of nils: %v", err)
	}

	for _, raw := range []string{``, `{}`, `[`, `[]`, `["name"]`, `["name" 1]`, `["name",]`, `["name",x,1]`, `null`} {
		a := NewArgs(nil, []byte(raw), nil, 1)
		if a.Len() != 0 || a.Raw(0) != nil || a.Raw(1) != nil {
			t.Errorf("arguments of %q: %d, %s", raw, a.Len(), a.Raw(0))
		}
	}
	if got := (Args{}).Len(); got != 0 {
		t.Errorf("Len of the zero Args = %d", got)
	}
	if a := NewArgs(nil, []byte(`[1,2]`), nil, 0); a.Len() != 2 || string(a.Raw(0)) != "1" {
		t.Errorf("arguments of an ack: %d, %s", a.Len(), a.Raw(0))
	}
}

func TestArgsBindErrors(t *testing.T) {
	a := NewArgs(nil, []byte(`["name","x",2]`), nil, 1)
	var n int
	var s string
	tests := []struct {
		ptrs  []any
		index int
		text  string
	}{
		{[]any{&n, &s}, 0, "socketio: argument 1: cannot decode into *int: string where int is due"},
		{[]any{&s, &s}, 1, "socketio: argument 2: cannot decode into *string: number where string is due"},
		{[]any{&s, &n, &n}, 2, "socketio: argument 3: not sent"},
	}
	for _, tt := range tests {
		err := a.Bind(tt.ptrs...)
		var arg *ArgError
		if !errors.As(err, &arg) || arg.Index != tt.index || err.Error() != tt.text {
			t.Errorf("Bind: %v, want %s", err, tt.text)
		}
		if missing := errors.Is(err, ErrMissing); missing != strings.HasSuffix(tt.text, "not sent") {
			t.Errorf("errors.Is(%v, ErrMissing) = %v", err, missing)
		}
	}
}

// What is bound to is the caller's mistake, whatever was sent.
func TestBindNeedsPointers(t *testing.T) {
	var s string
	for _, raw := range []string{`["name","x",2]`, `["name"]`} {
		a := NewArgs(nil, []byte(raw), nil, 1)
		for want, ptrs := range map[string][]any{
			"socketio: no pointer for argument 1, but a string":                      {s},
			"socketio: no pointer for argument 2, but a map[string]int":              {&s, map[string]int{}},
			"socketio: no pointer for argument 3, but a nil *interface {}":           {nil, &s, (*any)(nil)},
			"socketio: no pointer for argument 1, but a struct { N int }":            {struct{ N int }{}},
			"socketio: no pointer for argument 9, but a func()":                      {nil, nil, nil, nil, nil, nil, nil, nil, func() {}},
			"socketio: no pointer for argument 1, but a nil *struct { S []*string }": {(*struct{ S []*string })(nil)},
		} {
			err := a.Bind(ptrs...)
			if !errors.Is(err, ErrNoPointer) || errors.As(err, new(*ArgError)) || err.Error() != want {
				t.Errorf("Bind: %v, want %s", err, want)
			}
		}
	}
}

// The error of an argument says which field is wrong, in names that the type has, and
// nothing else of what was sent.
func TestBindErrorNamesTheField(t *testing.T) {
	type deep struct {
		Age  int8 `json:"age"`
		List []struct{ X int }
		Map  map[string]int `json:"map,omitempty"`
		Any  any
	}
	type inner struct{ Promoted int }
	type message struct {
		User  deep `json:"user"`
		Users []*deep
		Dots  int `json:"a.b"`
		Bytes []byte
		inner
	}
	for sent, want := range map[string]string{
		`"secret"`:                         ": string where socketio.message is due",
		`{"user":"secret"}`:                ", field user: string where socketio.deep is due",
		`{"user":{"age":"secret"}}`:        ", field user.age: string where int8 is due",
		`{"USER":{"AGE":true}}`:            ", field user.age: bool where int8 is due",
		`{"user":{"age":3005550}}`:         ", field user.age: number where int8 is due",
		`{"user":{"age":5550.25}}`:         ", field user.age: number where int8 is due",
		`{"user":{"List":[{},{"X":"s"}]}}`: ", field user.List.1.X: string where int is due",
		`{"Users":[null,{"age":[]}]}`:      ", field Users.1.age: array where int8 is due",
		`{"user":{"map":{"secret":{}}}}`:   ", field user.map.…: object where int is due",
		`{"user":{"map":{"a.secret":""}}}`: ", field user.map.…: string where int is due",
		`{"a.b":"secret"}`:                 ", field a.b: string where int is due",
		`{"Promoted":"secret"}`:            ", field Promoted: string where int is due",
		`{"Bytes":{"secret":1}}`:           ", field Bytes: object where []uint8 is due",
	} {
		var m message
		err := NewArgs(nil, []byte("["+sent+"]"), nil, 0).Bind(&m)
		if want = "socketio: argument 1: cannot decode into *socketio.message" + want; err == nil || err.Error() != want {
			t.Errorf("%s:\n%v, want\n%s", sent, err, want)
		}
	}
	var keys map[int]int
	if err := NewArgs(nil, []byte(`[{"secret":1}]`), nil, 0).Bind(&keys); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("keys: %v", err)
	}
}

func TestArgsBindAttachments(t *testing.T) {
	var d Decoder
	_, _, err := d.Text([]byte(`52-["up",{"_placeholder":true,"num":0},{"meta":{"_placeholder":true,"num":1},"n":1},{"_placeholder":true,"num":0}]`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = d.Binary([]byte("zero")); err != nil {
		t.Fatal(err)
	}
	p, _, err := d.Binary([]byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	var second struct {
		Meta []byte
		N    int
	}
	var third any
	if err := NewArgs(nil, p.Data, p.Attachments, 1).Bind(&first, &second, &third); err != nil {
		t.Fatal(err)
	}
	if string(first) != "zero" || string(second.Meta) != "one" || second.N != 1 || !reflect.DeepEqual(third, []byte("zero")) {
		t.Errorf("bound %q, %+v, %v", first, second, third)
	}
	// An append must not reach into memory behind the attachment.
	if cap(first) != len(first) || cap(third.([]byte)) != len("zero") {
		t.Error("attachment with room behind it")
	}
}

// upperCodec stands for a codec of the application.
type upperCodec struct{ JSON }

func (upperCodec) Append(dst []byte, v any, attachments [][]byte) ([]byte, [][]byte, error) {
	dst, attachments, err := JSON{}.Append(dst, v, attachments)
	return bytes.ToUpper(dst), attachments, err
}

func (upperCodec) Unmarshal(data []byte, attachments [][]byte, v any) error {
	return JSON{}.Unmarshal(bytes.ToLower(data), attachments, v)
}

func TestCustomCodec(t *testing.T) {
	text, _, err := EncodeAck(upperCodec{}, nil, "/", 1, []any{"abc"})
	if err != nil || string(text) != `31["ABC"]` {
		t.Errorf("EncodeAck = %s, %v", text, err)
	}
	var s string
	if err := NewArgs(upperCodec{}, []byte(`["ABC"]`), nil, 0).Bind(&s); err != nil || s != "abc" {
		t.Errorf("Bind: %q, %v", s, err)
	}
}

func TestDecoderNames(t *testing.T) {
	var d Decoder
	for range 3 {
		for _, nsp := range []string{"/a", "/b", "/c", "/d", "/e", "/f"} {
			p, _, err := d.Text([]byte("0" + nsp + ","))
			if err != nil || p.Namespace != nsp {
				t.Fatalf("namespace %q, %v, want %q", p.Namespace, err, nsp)
			}
		}
	}
	if slices.Contains(d.names.last[:], "") {
		t.Error("names are not kept")
	}
}
