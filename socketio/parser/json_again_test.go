package parser

import (
	stdjson "encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// appending is decoded by a method that adds to what is there.
type appending []string

func (a *appending) UnmarshalJSON(b []byte) error {
	*a = append(*a, string(b))
	return nil
}

// TestJSONMethodsOnce has methods see each value once, as encoding/json does, even where
// decoding fails, or where it has to be done with its semantics.
func TestJSONMethodsOnce(t *testing.T) {
	type counts struct {
		List  appending
		ID    int
		Other int `json:"id"`
	}
	for _, tt := range []struct {
		json string
		ptr  any
	}{
		{`{"List":1,"iD":2}`, new(counts)}, // which ID?
		{`{"List":1,"ID":"wrong"}`, new(counts)},
		{`[{"List":1},{"ID":"wrong"}]`, new([]*counts)},
		{`{"a":{"List":1,"ID":"wrong"}}`, new(map[string]counts)},
		{`{"A":{"List":1},"B":2,"C":"wrong"}`, &struct {
			A counts
			B any
			C int
		}{}},
		{`{"A":1,"B":"wrong"}`, &struct {
			A stdjson.Unmarshaler
			B int
		}{A: new(appending)}},
	} {
		want := reflect.New(reflect.TypeOf(tt.ptr).Elem())
		want.Elem().Set(reflect.ValueOf(tt.ptr).Elem())
		if s, ok := reflect.TypeAssert[*struct {
			A stdjson.Unmarshaler
			B int
		}](want); ok {
			s.A = new(appending)
		}
		wantErr := stdjson.Unmarshal([]byte(tt.json), want.Interface())
		err := JSON{}.Unmarshal([]byte(tt.json), nil, tt.ptr)
		if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(tt.ptr, want.Interface()) {
			t.Errorf("Unmarshal(%s) into %T = %+v, %v, want %+v, %v", tt.json, tt.ptr, tt.ptr, err, want, wantErr)
		}
	}
}

// TestJSONRestOnce has a field that takes all other members get each once, even where decoding
// fails. Before Go 1.27 methods of its type see to that.
func TestJSONRestOnce(t *testing.T) {
	var embed struct {
		A    int
		Rest jsontext.Value `json:",embed"`
	}
	var inline struct {
		A    int
		Rest jsontext.Value `json:",inline"`
	}
	const once = `{"q":1}`
	for _, v := range []any{&embed, &inline} { // the library knows one of the two, by its version
		if err := (JSON{}).Unmarshal([]byte(`{"q":1,"A":"wrong"}`), nil, v); err == nil {
			t.Errorf("%T: no error", v)
		}
	}
	if e, i := string(embed.Rest), string(inline.Rest); e+i != once {
		t.Errorf("the rest is %q, or %q, want %s in one of them", e, i, once)
	}
}

type (
	againItem struct {
		A int
		B string
		L []int
	}
	AgainEmbedded struct{ E int }
	againHidden   struct{ U int }
	again         struct {
		A     int
		B     string
		C     []int
		D     []againItem
		F     map[string]*againItem
		G     *againItem
		H     [2]againItem
		Q     int            `json:",string"`
		Qp    *int           `json:",string"`
		Qpp   **int          `json:",string"` //nolint:staticcheck // the option is to be passed over
		Qs    string         `json:",string"`
		Qst   againItem      `json:",string"` //nolint:staticcheck // the option is to be passed over
		Qm    map[string]int `json:",string"` //nolint:staticcheck // the option is to be passed over
		Qt    time.Time      `json:",string"` //nolint:staticcheck // the option is to be passed over
		Ch    chan int
		ID    int
		Other string `json:"id"`
		Mi    map[int]string
		Mf    map[float64]int
		Mt    map[time.Time]int
		Named named
		Array [4]byte
		Raw   stdjson.RawMessage
		Pp    **againItem
		SS    [][]int
		SM    []map[string]int
		*AgainEmbedded
		*againHidden
	}
	againNumbers struct {
		Again  again
		Any    any
		Qa     any `json:",string"` //nolint:staticcheck // the option is to be passed over
		Bytes  []byte
		Number stdjson.Number
		SA     []any
		MA     map[string]any
	}
)

// TestJSONUnmarshalAgain decodes JSON that fits here and there into values with contents, and
// wants the result, the error and what is left there of one pass with the semantics of
// encoding/json.
func TestJSONUnmarshalAgain(t *testing.T) {
	targets := []reflect.Type{
		reflect.TypeFor[again](), reflect.TypeFor[againNumbers](), reflect.TypeFor[[]againItem](),
		reflect.TypeFor[map[string][]againItem](), reflect.TypeFor[string](), reflect.TypeFor[*string](), reflect.TypeFor[[]any](),
	}
	failed, runs := 0, 20000
	for seed := range int64(runs) {
		r := rand.New(rand.NewSource(seed))
		target := targets[r.Intn(len(targets))]
		input := []byte(randomJSON(r, target, 0))
		before := r.Int63()
		fresh := func() any {
			ptr := reflect.New(target)
			fill(rand.New(rand.NewSource(before)), ptr.Elem(), 0)
			return ptr.Interface()
		}
		how := plainDecode
		if meetsHooks(target) {
			how = numbersDecode
		}
		want, got := fresh(), fresh()
		wantErr := json.Unmarshal(input, want, how...)
		err := JSON{}.Unmarshal(input, nil, got)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: Unmarshal(%s) into %T\n= %+v, %v, want\n%+v, %v", seed, input, want, got, err, want, wantErr)
		}
		if err != nil {
			failed++
		}
	}
	if failed < runs/5 || failed > runs*4/5 {
		t.Errorf("%d of %d do not fit", failed, runs)
	}
}

// randomJSON returns JSON for a value of the type, with something else in a few places.
func randomJSON(r *rand.Rand, t reflect.Type, depth int) string {
	if depth > 5 || r.Intn(16) == 0 {
		odd := []string{
			`null`, `7`, `true`, `1e999`, `"a"`, `"12"`, `"null"`, `[]`, `{}`, `[1,"a",null,{"A":1}]`, `{"A":1,"b":"a","L":[1,2]}`,
			"\"\xff\\ud800" + strings.Repeat("é", r.Intn(2*longString)) + `"`,
		}
		return odd[r.Intn(len(odd))]
	}
	list := func(one func() string) string {
		var all []string
		for range r.Intn(5) {
			all = append(all, one())
		}
		return strings.Join(all, ",")
	}
	if t == timeType {
		return `"2024-01-02T03:04:05Z"`
	}
	switch t.Kind() {
	case reflect.Struct:
		return "{" + list(func() string {
			f := t.Field(r.Intn(t.NumField()))
			name, value := f.Name, randomJSON(r, f.Type, depth+1)
			switch {
			case f.Anonymous:
				name, value = f.Type.Elem().Field(0).Name, "3"
			case f.Name == "Other":
				name = "id"
			case f.Tag == `json:",string"` && r.Intn(4) > 0:
				value = fmt.Sprintf("%q", value)
			}
			if r.Intn(6) == 0 {
				name = strings.ToLower(name[:1]) + strings.ToUpper(name[1:])
			}
			return fmt.Sprintf("%q:%s", name, value)
		}) + "}"
	case reflect.Slice, reflect.Array:
		return "[" + list(func() string { return randomJSON(r, t.Elem(), depth+1) }) + "]"
	case reflect.Map:
		names := []string{"a", "b", "1", "2.5", "2024-01-02T03:04:05Z"}
		return "{" + list(func() string {
			return fmt.Sprintf("%q:%s", names[r.Intn(len(names))], randomJSON(r, t.Elem(), depth+1))
		}) + "}"
	case reflect.Pointer:
		return randomJSON(r, t.Elem(), depth)
	case reflect.String:
		return `"` + strings.Repeat("b", r.Intn(2*longString)) + `"`
	case reflect.Int, reflect.Uint8:
		return fmt.Sprint(r.Intn(100))
	}
	return `{"a":[1,{"b":null}]}`
}

// fill puts something in here and there, and behind the ends of slices.
func fill(r *rand.Rand, v reflect.Value, depth int) {
	if !v.CanSet() || depth > 5 || r.Intn(3) == 0 {
		return
	}
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(7, 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(r, field, depth+1)
		}
	case reflect.Slice:
		n := r.Intn(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n+r.Intn(3)))
		behind := v.Slice(0, v.Cap())
		for i := range behind.Len() {
			fill(r, behind.Index(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if v.Type().Key().Kind() == reflect.String {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(r, value, depth+1)
			v.SetMapIndex(reflect.ValueOf("a"), value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem(), depth+1)
	case reflect.Int:
		v.SetInt(r.Int63n(1000))
	case reflect.Uint8:
		v.SetUint(5)
	case reflect.String:
		if v.Type() == numberType {
			v.SetString("5")
		} else {
			v.SetString("before")
		}
	case reflect.Interface:
		pointed := &againItem{A: 5, L: []int{6}}
		held := []any{5, pointed, &pointed, map[string]any{"a": 1}}
		v.Set(reflect.ValueOf(held[r.Intn(len(held))]))
	}
}
