package parser

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDecodeText(t *testing.T) {
	long := "/" + strings.Repeat("n", MaxNamespace-1)
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
		var d TextDecoder
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
		want Error
	}{
		{``, errEmpty},
		{`7`, errType}, {`9`, errType}, {`a`, errType}, {`-1`, errType}, {` `, errType}, {"\x00", errType}, {"\xff", errType},

		{`0[]`, errConnectPayload}, {`0"a"`, errConnectPayload}, {`0null`, errConnectPayload}, {`0,`, errConnectPayload},
		{"0\x00", errConnectPayload}, {`0-1`, errConnectPayload}, {`0true`, errConnectPayload},
		{`0{`, errTruncated}, {`0{}{}`, errTrailing}, {`0{}x`, errTrailing}, {`0{a:1}`, errJSON},
		{`0/` + strings.Repeat("n", MaxNamespace), errNamespace}, {`0/` + strings.Repeat("n", MaxNamespace) + `,`, errNamespace},

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
		var d TextDecoder
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
	d := TextDecoder{FromServer: true}
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
	d := TextDecoder{MaxAttachments: 12, MaxDepth: 3}
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
	d = TextDecoder{MaxDepth: 100_000}
	if _, _, err := d.Text([]byte("2[\"a\"," + strings.Repeat("[", maxDepth))); err != errDepth {
		t.Errorf("beyond the greatest depth: %v, want %v", err, errDepth)
	}
}

func TestDecodeBinary(t *testing.T) {
	var d TextDecoder
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
	var d TextDecoder
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
		d := TextDecoder{MaxBytes: tt.max}
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
	d := TextDecoder{MaxBytes: 8}
	if _, done, err := d.Text([]byte(`2["longer"]`)); err != nil || !done {
		t.Errorf("text packet: %v, %v", done, err)
	}
}

func TestErrorHoldsNoPayload(t *testing.T) {
	var d TextDecoder
	_, _, err := d.Text([]byte(`2["secret",x]`))
	var parse Error
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

func TestDecoderNames(t *testing.T) {
	var d TextDecoder
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
