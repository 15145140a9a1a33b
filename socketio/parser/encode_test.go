package parser

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestEncodeEvent(t *testing.T) {
	type file struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	zero, one := []byte("zero"), []byte("one")
	tests := []struct {
		nsp, name   string
		args        []any
		id          uint64
		hasID       bool
		want        string
		attachments [][]byte
	}{
		{"/", "a", nil, 0, false, `2["a"]`, nil},
		{"", "a", nil, 0, false, `2["a"]`, nil},
		{"/", "a", nil, 0, true, `20["a"]`, nil},
		{"/chat", "a", nil, 0, false, `2/chat,["a"]`, nil},
		{"/chat", "a", []any{1, "x", nil, true}, 12, true, `2/chat,12["a",1,"x",null,true]`, nil},
		{"/", "", nil, 0, false, `2[""]`, nil},
		{"/", "quote\"\n<é\u2028", nil, 0, false, "2[\"quote\\\"\\n<é\u2028\"]", nil},
		{"/", "error", nil, 0, false, `2["error"]`, nil},
		{"/", "a", []any{[]byte(nil)}, 0, false, `2["a",null]`, nil},

		{"/", "a", []any{zero}, 0, false, `51-["a",{"_placeholder":true,"num":0}]`, [][]byte{zero}},
		{"/", "a", []any{[]byte{}}, 0, false, `51-["a",{"_placeholder":true,"num":0}]`, [][]byte{{}}},
		{"/chat", "a", []any{zero, 1, one}, 7, true,
			`52-/chat,7["a",{"_placeholder":true,"num":0},1,{"_placeholder":true,"num":1}]`, [][]byte{zero, one}},
		{"/", "a", []any{file{"f", zero}, []any{map[string]any{"x": &one}}}, 0, false,
			`52-["a",{"name":"f","data":{"_placeholder":true,"num":0}},[{"x":{"_placeholder":true,"num":1}}]]`, [][]byte{zero, one}},
		{"/", "a", []any{[][]byte{zero, one, nil, zero}}, 0, false,
			`53-["a",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},null,{"_placeholder":true,"num":2}]]`, [][]byte{zero, one, zero}},
		{"/", "a", []any{make([][]byte, 3), file{Name: "f"}}, 0, false, `2["a",[null,null,null],{"name":"f","data":null}]`, nil},
	}
	for _, tt := range tests {
		for _, prefix := range []string{"", "before"} {
			got, attachments, err := EncodeEvent(nil, []byte(prefix), tt.nsp, tt.name, tt.args, tt.id, tt.hasID)
			if err != nil || string(got) != prefix+tt.want || !reflect.DeepEqual(attachments, tt.attachments) {
				t.Errorf("EncodeEvent(%q, %q, %v) = %s, %q, %v, want %s, %q",
					tt.nsp, tt.name, tt.args, got, attachments, err, prefix+tt.want, tt.attachments)
			}
		}
	}

	many := make([][]byte, 12)
	for i := range many {
		many[i] = []byte{byte(i)}
	}
	text, attachments, err := EncodeEvent(nil, nil, "/", "a", []any{many}, 0, false)
	if err != nil || len(attachments) != 12 || string(text[:9]) != `512-["a",` {
		t.Errorf("twelve attachments: %s, %d, %v", text, len(attachments), err)
	}
}

func TestEncodeEventErrors(t *testing.T) {
	bad := errors.New("bad")
	tests := []struct {
		name  string
		nsp   string
		args  []any
		is    error
		index int // of the argument to blame, or -1
	}{
		{"connect", "/", nil, ErrReservedEvent, -1},
		{"disconnecting", "/", nil, ErrReservedEvent, -1},
		{"a\xff", "/", nil, ErrInvalidUTF8, -1},
		{"a", "/\xff", nil, ErrInvalidUTF8, -1},
		{"a", "/", []any{json.RawMessage("\"\xff\"")}, ErrInvalidUTF8, -1},
		{"a", "/", []any{1, json.RawMessage("{")}, nil, 1},
		{"a", "/", []any{func() {}}, nil, 0},
		{"a", "/", []any{[]byte("x"), "y", map[string]any{"a": []byte("x"), "b": math.NaN()}}, nil, 2},
		{"a", "/", []any{failing{bad}}, bad, 0},
	}
	for _, tt := range tests {
		dst := []byte("before")
		got, attachments, err := EncodeEvent(nil, dst, tt.nsp, tt.name, tt.args, 0, false)
		if err == nil || string(got) != "before" || attachments != nil || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("EncodeEvent(%q, %v) = %s, %v, %v, want %v", tt.name, tt.args, got, attachments, err, tt.is)
		}
		var arg *ArgError
		if found := errors.As(err, &arg); found != (tt.index >= 0) || found && arg.Index != tt.index {
			t.Errorf("EncodeEvent(%q, %v): %v blames %+v, want %d", tt.name, tt.args, err, arg, tt.index)
		}
		body, attachments, err := AppendEvent(nil, dst, tt.name, tt.args)
		if tt.is != ErrInvalidUTF8 && err == nil || err != nil && (string(body) != "before" || attachments != nil) {
			t.Errorf("AppendEvent(%q, %v) = %s, %v, %v", tt.name, tt.args, body, attachments, err)
		}
	}
}

type failing struct{ err error }

func (f failing) MarshalJSON() ([]byte, error) { return nil, f.err }

func TestEncodeOthers(t *testing.T) {
	type answer struct {
		SID string `json:"sid"`
	}
	encode := func(text []byte, err error) string {
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	ack := func(text []byte, attachments [][]byte, err error) string { return encode(text, err) }
	for _, tt := range []struct{ got, want string }{
		{ack(EncodeAck(nil, nil, "/", 0, nil)), `30[]`},
		{ack(EncodeAck(nil, nil, "/chat", 1<<53-1, []any{"connect", 1})), `3/chat,9007199254740991["connect",1]`},
		{ack(EncodeAck(nil, nil, "/", 12, []any{[]byte("x")})), `61-12[{"_placeholder":true,"num":0}]`},
		{ack(EncodeAck(nil, nil, "/", 12, []any{func() {}})), "socketio: argument 1: json: unsupported type: func()"},

		{encode(EncodeConnect(nil, nil, "/", nil)), `0`},
		{encode(EncodeConnect(nil, nil, "/chat", nil)), `0/chat,`},
		{encode(EncodeConnect(nil, nil, "/", answer{"x"})), `0{"sid":"x"}`},
		{encode(EncodeConnect(nil, nil, "/chat", map[string]any{"sid": "x"})), `0/chat,{"sid":"x"}`},
		{encode(EncodeConnect(nil, nil, "/", "x")), errNotObject.Error()},
		{encode(EncodeConnect(nil, nil, "/", []byte("x"))), errBinaryPayload.Error()},
		{encode(EncodeConnect(nil, nil, "/", map[string]any(nil))), errNotObject.Error()},

		{encode(EncodeConnectError(nil, nil, "/chat", "no <\"> here", nil)), `4/chat,{"message":"no <\"> here"}`},
		{encode(EncodeConnectError(nil, nil, "/", "a\xffb", nil)), "4{\"message\":\"a\ufffdb\"}"},
		{encode(EncodeConnectError(nil, nil, "/", "no", map[string]any{"code": 401})), `4{"message":"no","data":{"code":401}}`},
		{encode(EncodeConnectError(nil, nil, "/", "no", []byte("x"))), errBinaryPayload.Error()},

		{string(EncodeDisconnect(nil, "/")), `1`},
		{string(EncodeDisconnect(nil, "/chat")), `1/chat,`},
		{string(AppendHeader(nil, TypeBinaryEvent, 3, "/chat", 4, true)), `53-/chat,4`},
		{string(AppendHeader([]byte("x"), TypeAck, 3, "/", 4, true)), `x34`},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
	dst := []byte("before")
	if text, err := EncodeConnect(nil, dst, "/", 1); err == nil || string(text) != "before" {
		t.Errorf("EncodeConnect = %s, %v", text, err)
	}
	if text, err := EncodeConnectError(nil, dst, "/", "no", func() {}); err == nil || string(text) != "before" {
		t.Errorf("EncodeConnectError = %s, %v", text, err)
	}
}

// TestEncodeDecode sends binary through both halves.
func TestEncodeDecode(t *testing.T) {
	sent := []any{map[string]any{"list": []any{[]byte("one"), map[string]any{"two": []byte("two")}}}, []byte{}, "end"}
	text, attachments, err := EncodeEvent(nil, nil, "/chat", "up", sent, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	var d TextDecoder
	p, done, err := d.Text(text)
	for _, b := range attachments {
		if err != nil || done {
			t.Fatal(done, err)
		}
		p, done, err = d.Binary(b)
	}
	if err != nil || !done || p.Namespace != "/chat" || p.ID != 5 || !p.HasID || p.Type != TypeBinaryEvent {
		t.Fatalf("decoded %+v, %v, %v", p, done, err)
	}
	got := make([]any, 3)
	if err := NewArgs(nil, p.Data, p.Attachments, 1).Bind(&got[0], &got[1], &got[2]); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("got %v, want %v", got, sent)
	}
}
