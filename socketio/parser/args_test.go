package parser

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

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
		`"secret"`:                         ": string where parser.message is due",
		`{"user":"secret"}`:                ", field user: string where parser.deep is due",
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
		if want = "socketio: argument 1: cannot decode into *parser.message" + want; err == nil || err.Error() != want {
			t.Errorf("%s:\n%v, want\n%s", sent, err, want)
		}
	}
	var keys map[int]int
	if err := NewArgs(nil, []byte(`[{"secret":1}]`), nil, 0).Bind(&keys); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("keys: %v", err)
	}
}

func TestArgsBindAttachments(t *testing.T) {
	var d TextDecoder
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
