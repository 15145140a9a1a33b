package siovalidate_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/siokit/sio"
	siovalidate "github.com/siokit/sio/validate"
)

type node struct {
	Name string           `json:"name" validate:"min=1"`
	Next *node            `json:"next"`
	All  []*node          `json:"all" validate:"dive"`
	By   map[string]*node `json:"by" validate:"dive,keys,alpha,endkeys,required"`
}

type typo struct {
	Price int `json:"price" validate:"mn=1"`
}

func TestCheckType(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
	}{
		{order{}, ""},
		{node{}, ""},
		{[]node{}, ""},
		{0, ""},
		{new(any), ""},
		{time.Time{}, ""},
		{typo{}, `price: there is no rule "mn"`},
		{&typo{}, `price: there is no rule "mn"`},
		{[]map[string]*typo{}, `[][].price: there is no rule "mn"`},
		{struct {
			Items []typo `json:"items" validate:"dive"`
		}{}, `items[].price: there is no rule "mn"`},
		{struct {
			Items []typo `json:"items"` // its rules are not asked
		}{}, ""},
		{struct {
			T *typo `json:"t"`
		}{}, `t.price: there is no rule "mn"`},
		{struct{ typo }{}, `price: there is no rule "mn"`},
		{struct {
			T *typo `json:"t" validate:"-"`
		}{}, ""},
		{struct {
			T typo `json:"t" validate:"structonly"`
		}{}, ""},
		{struct {
			A []string `json:"a" validate:"max=3,dive,oops"`
		}{}, `a[]: there is no rule "oops"`},
		{struct {
			A map[string]int `json:"a" validate:"dive,keys,oops,endkeys,min=1"`
		}{}, `a[]: there is no rule "oops"`},
		{struct {
			A int `json:"a" validate:"omitempty,min=abc"`
		}{}, `a: rule min=abc: strconv.ParseInt: parsing "abc": invalid syntax`},
		{struct {
			A int `json:"a" validate:"omitempty,email|min=abc"`
		}{}, `a: rule min=abc: strconv.ParseInt: parsing "abc": invalid syntax`},
		{struct {
			A *bool `json:"a" validate:"omitempty,min=1"`
		}{}, `a: rule min=1: Bad field type bool`},
		{struct {
			A float64 `json:"a" validate:"oneof=1 2"`
		}{}, `a: rule oneof=1 2: Bad field type float64`},
		{struct {
			A int `json:"a" validate:"origin"`
		}{}, `a: rule origin: Bad field type int`},
		{struct {
			A []string `json:"a" validate:"dive,urn_rfc8141,mimetype"`
			B bool     `json:"b" validate:"mimetype"`
		}{}, `b: rule mimetype: Bad field type bool`},
		{struct {
			A []int `json:"a" validate:"dive,urn_rfc8141"`
		}{}, `a[]: rule urn_rfc8141: Bad field type int`},
		{struct {
			A struct {
				B string `json:"-" validate:"max=3,required"`
			} `json:"a"`
		}{}, `a.B: it is required, and not in JSON`},
		{struct {
			A item `json:"a" validate:"min=1"`
		}{}, `a: rule min=1: Bad field type siovalidate_test.item`},
		{struct {
			A *item `json:"a" validate:"omitempty,eq=1"`
		}{}, `a: rule eq=1: Bad field type siovalidate_test.item`},
		{struct {
			A item `json:"a" validate:"required"`
		}{}, ""},
		{struct {
			A string `json:"a" validate:"skip_unless=B"`
			B string
		}{}, `a: rule skip_unless: its parameter is incomplete`},
		{struct {
			A any `json:"a" validate:"min=1"`
		}{}, ""},
		{struct {
			A string `json:"a" validate:"eqfield=Nope"`
		}{}, `a: rule eqfield: there is no field Nope beside it`},
		{struct {
			A string `json:"a" validate:"required_if=B"`
			B string
		}{}, `a: rule required_if: its parameter is incomplete`},
		{struct {
			A string `json:"a" validate:"required_if=B 'x y' C 1"`
			B string
			C int
		}{}, ""},
		{struct {
			A string `json:"a" validate:"required_with=B.C D"`
			B struct{ C int }
		}{}, `a: rule required_with: there is no field D beside it`},
		{struct {
			A string `json:"a" validate:"required,,min=1"`
		}{}, `Invalid validation tag on field 'A'`},
		{struct {
			A string `json:"a" validate:"dive"`
		}{}, `a: dive is for slices, arrays and maps`},
		{struct {
			A []string `json:"a" validate:"dive,keys,min=1,endkeys"`
		}{}, `a: keys is for maps, and needs endkeys`},
		{struct {
			A any `json:"a" validate:"dive,keys,min=1,endkeys"`
		}{}, `a: keys is for maps, and an interface may have others`},
		{struct {
			A map[string]int `json:"a" validate:"dive,keys,min=1"`
		}{}, `a: keys is for maps, and needs endkeys`},
		{struct {
			A map[string]int `json:"a" validate:"keys,min=1,endkeys"`
		}{}, `a: 'keys' tag must be immediately preceded by the 'dive' tag`},
		{struct {
			A [][]int `json:"a" validate:"unique"`
		}{}, `a: rule unique: []int can't be compared`},
		{struct {
			A []item `json:"a" validate:"unique=Price"`
			B []node `json:"b" validate:"unique=Nope"`
		}{}, `b: rule unique=Nope: there is no field Nope`},
	} {
		got := ""
		if err := siovalidate.New().CheckType(reflect.TypeOf(tt.v)); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%T: %q, want %q", tt.v, got, tt.want)
		}
	}
}

// Types that have themselves as elements, and no structs.
type (
	forest map[string]forest
	nest   []nest
	twice  []map[string]*twice
	grove  []struct {
		Name  string `json:"name" validate:"required"`
		Trees grove  `json:"trees" validate:"dive"`
	}
)

func TestRecursiveElements(t *testing.T) {
	v := siovalidate.New()
	deep := nest{}
	for range 1000 {
		deep = nest{deep}
	}
	for _, tt := range []struct {
		ptr  any
		want string
	}{
		{&forest{"a": {"b": nil}}, ""},
		{&deep, ""},
		{&twice{{"a": &twice{}}}, ""},
		{&grove{{Name: "x", Trees: grove{{}}}}, "[0].trees[0].name: required"},
		{&struct {
			F forest `json:"f" validate:"min=1"`
			N nest   `json:"n" validate:"dive,dive,max=1"`
		}{nil, nest{nest{deep, nest{nil, nil}}}}, "f: min=1; n[0][1]: max=1"},
	} {
		if err := v.CheckType(reflect.TypeOf(tt.ptr)); err != nil {
			t.Errorf("%T: %v", tt.ptr, err)
		}
		if got := errorText(v.Validate(tt.ptr)); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.ptr, got, tt.want)
		}
	}
}

// Rules and functions of the application are not called before there is a value.
func TestCheckTypeCallsNothing(t *testing.T) {
	own := validator.New()
	if err := own.RegisterValidation("own", func(validator.FieldLevel) bool { panic("called") }, true); err != nil {
		t.Fatal(err)
	}
	v := siovalidate.With(own)
	type form struct {
		A string `json:"a" validate:"own=1"`
		B *int   `json:"b" validate:"own"`
	}
	own.RegisterStructValidation(func(validator.StructLevel) { panic("called") }, form{})
	if err := v.CheckType(reflect.TypeFor[form]()); err != nil {
		t.Error(err)
	}
}

// Registration names the event, the namespace and the field.
func TestRegistrationPanics(t *testing.T) {
	srv := newServer(t, siovalidate.New())
	defer func() {
		const want = `sio: On("price") in namespace /shop: [].price: there is no rule "mn"`
		if got := recover(); got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	sio.On(srv.Of("/shop"), "price", func(*sio.Context, []typo) error { return nil })
	t.Error("registered")
}

// What a hostile client sends, within a megabyte, is refused within bounds of time, of
// memory, and of what the client is told.
func TestHostile(t *testing.T) {
	deep := func(depth int, end node) *node {
		for range depth {
			inner := end
			end = node{Next: &inner}
		}
		return &end
	}
	type texts struct {
		A []string `validate:"dive,email"`
	}
	type text struct {
		A string `validate:"email|url|uri|hostname|fqdn|semver|html|datauri|cron|jwt"`
	}
	type lists struct {
		A map[string][]string `json:"a" validate:"dive,dive,email"`
	}
	type sets struct {
		A []any          `json:"a" validate:"unique"`
		M map[string]any `json:"m" validate:"unique"`
	}
	type address struct {
		A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P string `validate:"required"`
	}
	type rows struct {
		A [20]int `validate:"dive,min=1"`
	}
	type addresses struct {
		All []address `json:"all" validate:"dive"`
	}
	type wide struct {
		address
		Z string `validate:"required"`
	}
	type texted struct {
		A any `json:"a" validate:"eq=x"`
		B any `json:"b" validate:"omitempty,ssn"`
	}
	key := strings.Repeat("].Price[", 60_000)
	all := []byte("[" + strings.Repeat("{},", 340_000) + "{}]") // a megabyte
	var many []address
	var arrays []rows
	if err := errors.Join(json.Unmarshal(all, &many), json.Unmarshal(all, &arrays)); err != nil {
		t.Fatal(err)
	}
	v := siovalidate.New()
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"many broken fields", &[]item{299_999: {}}, "[0].price: gt=0; "},
		{"many texts", &texts{strings.Split(strings.Repeat("a@,", 250_000), ",")}, "A[0]: email; "},
		{"a long text", &text{strings.Repeat("a.", 500_000)}, "A: email|url|uri"},
		{"a long key", &map[string]item{key: {}}, "[…].price: gt=0"},
		{"much behind a long key", &map[string][]item{key: make([]item, 200_000)}, "size"},
		{"texts behind a long key", &lists{map[string][]string{key: make([]string, 200_000)}}, "size"},
		{"a deep list", deep(1_000, node{}), "name: min=1; next.name: min=1; "},
		{"much in the depth", deep(1_000, node{All: make([]*node, 200_000)}), "size"},
		{"many fields left out", &many, "size"},
		{"many fields left out, deeper", &addresses{many}, "size"},
		{"arrays left out", &arrays, "size"},
		{"a key with many ends", &map[string]wide{strings.Repeat("].x", 300_000): {}}, "[…].A: required; "},
		{"what can't be compared", &sets{A: []any{[]any{}, []any{}}}, "invalid"},
		{"what can't be compared in a map", &sets{M: map[string]any{"a": []any{}, "b": []any{}}}, "invalid"},
		{"what is no number", &texted{A: 1.0}, "invalid"},
		{"what has no length", &texted{A: "x", B: 1.0}, "invalid"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		got := errorText(v.Validate(tt.value))
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		took, allocated := took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20
		t.Logf("%s: %v, %d MB", tt.name, took, allocated)
		if took > 10*time.Second || allocated > 200 {
			t.Errorf("%s: %v, %d MB", tt.name, took, allocated)
		}
		if !strings.HasPrefix(got, tt.want) || len(got) > 10_000 {
			t.Errorf("%s: %d bytes %.200q, want %q", tt.name, len(got), got, tt.want)
		}
	}
}

// What is large, but no attack, is checked.
func TestLarge(t *testing.T) {
	v := siovalidate.New()
	all := make([]*node, 100_000)
	for i := range all {
		all[i] = &node{Name: "x"}
	}
	if err := v.Validate(&node{Name: "x", All: all}); err != nil {
		t.Error(err)
	}
	all[99_999].Name = ""
	if got := errorText(v.Validate(&node{Name: "x", All: all})); got != "all[99999].name: min=1" {
		t.Error(got)
	}
}
