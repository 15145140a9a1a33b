package rules_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/siokit/sio/contract/internal/rules"
)

type (
	nested struct {
		Must string `validate:"required"`
		May  string
	}
	optional struct{ May string }
	textual  struct{ N int }
)

func (*textual) UnmarshalText([]byte) error { return nil }

func TestOfField(t *testing.T) {
	for _, tt := range []struct {
		of     any // a struct whose first field is asked for
		schema string
		flags  string // r: required, n: not null, c: checked
		text   []string
	}{
		{struct{ A string }{}, `null`, "c", nil},
		{struct {
			A string `validate:"required"`
		}{}, `{"minLength":1}`, "rnc", nil},
		{struct {
			A *string `validate:"required"`
		}{}, `null`, "rnc", nil},
		{struct {
			A string `validate:"required,min=3,max=20"`
		}{}, `{"allOf":[{"maxLength":20,"minLength":1},{"minLength":3}]}`, "rnc", nil},
		{struct {
			A string `validate:"min=3"`
		}{}, `{"minLength":3}`, "rnc", nil},
		{struct {
			A string `validate:"max=3"`
		}{}, `{"maxLength":3}`, "c", nil},
		{struct {
			A string `validate:"omitempty,min=3"`
		}{}, `{"anyOf":[{"const":""},{"minLength":3}]}`, "c", nil},
		{struct {
			A *string `validate:"omitempty,min=3"`
		}{}, `{"minLength":3}`, "c", nil},
		{struct {
			A *string `validate:"min=3,omitempty"`
		}{}, `{"minLength":3}`, "rnc", nil},
		{struct {
			A *string `validate:"own,min=3"`
		}{}, `{"minLength":3}`, "c", []string{"own"}},
		{struct {
			A string `validate:"oneof=red 'red' red"`
		}{}, `{"enum":["red"]}`, "rnc", nil},
		{struct {
			A int `validate:"oneof=1 2 1"`
		}{}, `{"enum":[1,2]}`, "rnc", nil},
		{struct {
			A string `validate:"oneof=red 'dark green'"`
		}{}, `{"enum":["red","dark green"]}`, "rnc", nil},
		{struct {
			A string `validate:"omitempty,oneof=1 2"`
		}{}, `{"anyOf":[{"const":""},{"enum":["1","2"]}]}`, "c", nil},
		{struct {
			A string `validate:"alpha|numeric"`
		}{}, `{"anyOf":[{"pattern":"^[a-zA-Z]+$"},{"pattern":"^[-+]?[0-9]+(?:\\.[0-9]+)?$"}]}`, "rnc", nil},
		{struct {
			A string `validate:"alpha|own"`
		}{}, `null`, "c", []string{"alpha|own"}},
		{struct {
			A string `validate:"email"`
		}{}, `{"format":"email"}`, "rnc", []string{"email"}},
		{struct {
			A string `validate:"contains=a0x2Cb."`
		}{}, `{"pattern":"a,b\\."}`, "rnc", nil},
		{struct {
			A int `validate:"required,gte=-1,lt=0x10"`
		}{}, `{"exclusiveMaximum":16,"minimum":-1,"not":{"const":0}}`, "rnc", nil},
		{struct {
			A uint64 `validate:"max=18446744073709551615"`
		}{}, `{"maximum":18446744073709551615}`, "c", nil},
		{struct {
			A float64 `validate:"gt=0.5,ne=1"`
		}{}, `{"exclusiveMinimum":0.5,"not":{"const":1}}`, "rnc", nil},
		{struct {
			A time.Duration `validate:"max=1h"`
		}{}, `{"maximum":3600000000000}`, "c", nil},
		{struct {
			A int `validate:"min=abc"`
		}{}, `null`, "c", []string{"min=abc"}},
		{struct {
			A bool `validate:"required"`
		}{}, `{"const":true}`, "rnc", nil},
		{struct {
			A []int `validate:"required,max=2,unique"`
		}{}, `{"maxItems":2,"uniqueItems":true}`, "rnc", nil},
		{struct {
			A []int `validate:"omitempty,len=2"`
		}{}, `{"maxItems":2,"minItems":2}`, "c", nil},
		{struct {
			A []int `validate:"omitzero,len=2"`
		}{}, `{"anyOf":[{"maxItems":0},{"maxItems":2,"minItems":2}]}`, "c", nil},
		{struct {
			A map[string]int `validate:"min=1,max=2"`
		}{}, `{"maxProperties":2,"minProperties":1}`, "rnc", nil},
		{struct {
			A map[int]int `validate:"min=1,max=2"`
		}{}, `{"minProperties":1}`, "rnc", []string{"max=2"}},
		{struct {
			A []byte `validate:"required,max=20"`
		}{}, `null`, "rnc", []string{"max=20"}},
		{struct {
			A any `validate:"required"`
		}{}, `null`, "rnc", nil},
		{struct {
			A time.Time `validate:"required"`
		}{}, `null`, "rc", nil},
		{struct {
			A textual `validate:"max=3"`
		}{}, `null`, "c", []string{"max=3"}},
		{struct {
			A int `json:",string" validate:"required,max=3"`
		}{}, `null`, "rnc", []string{"max=3"}},
		{struct{ A nested }{}, `null`, "rnc", nil},
		{struct{ A *nested }{}, `null`, "c", nil},
		{struct {
			A nested `validate:"omitempty"`
		}{}, `null`, "", nil},
		{struct {
			A *nested `validate:"omitempty"`
		}{}, `null`, "c", nil},
		{struct {
			A nested `validate:"structonly"`
		}{}, `null`, "", nil},
		{struct {
			A nested `validate:"-"`
		}{}, `null`, "", nil},
		{struct {
			A optional `validate:"required"`
		}{}, `null`, "c", []string{"required"}},
		{struct {
			A string `validate:"eqfield=B"`
			B string `json:"b"`
		}{}, `null`, "c", []string{"eqfield=b"}},
		{struct {
			A string `validate:"required_if=B B C x"`
			B string `json:"b"`
			C string `json:"c"`
		}{}, `null`, "c", []string{"required_if=b B c x"}},
	} {
		r := rules.OfField(reflect.TypeOf(tt.of), []int{0}, "")
		name := reflect.TypeOf(tt.of).Field(0)
		got, err := json.Marshal(r.Schema)
		if err != nil {
			t.Fatal(err)
		}
		flags := ""
		for _, f := range []struct {
			on   bool
			name string
		}{{r.Required, "r"}, {r.NotNull, "n"}, {r.Checked, "c"}} {
			if f.on {
				flags += f.name
			}
		}
		if string(got) != tt.schema || flags != tt.flags || !slices.Equal(r.Text, tt.text) {
			t.Errorf("%s %q: %s %q %q, want %s %q %q", name.Type, name.Tag, got, flags, r.Text, tt.schema, tt.flags, tt.text)
		}
	}
}

// A type that has itself as elements has no end.
func TestOfArgumentRecursive(t *testing.T) {
	type nest []map[string]*nest
	elem := rules.OfArgument(reflect.TypeFor[nest]()).Elem
	if elem == nil || elem.Elem == nil || !elem.Elem.Checked || elem.Elem.Elem != nil {
		t.Errorf("elements %+v", elem)
	}
}

type (
	Embedded struct {
		ID string `validate:"required"`
	}
	values struct {
		Items  []nested            `validate:"min=1,dive"`
		Lax    []nested            `validate:"min=1"`
		Names  []string            `validate:"dive,required,max=3"`
		ByName map[string][]nested `validate:"dive,keys,alpha,endkeys,max=2,dive"`
		Skips  []nested            `validate:"dive,structonly"`
	}
)

// What is in slices and maps is checked under "dive".
func TestElements(t *testing.T) {
	of := func(i int) *rules.Rules { return rules.OfField(reflect.TypeFor[values](), []int{i}, "validate") }
	if r := of(0); !r.Required || r.Elem == nil || !r.Elem.Checked || !r.Elem.NotNull {
		t.Errorf("Items: %+v", r)
	}
	if r := of(1); r.Elem != nil {
		t.Errorf("Lax: %+v", r.Elem)
	}
	if r := of(2); r.Required || !r.Elem.NotNull || fmt.Sprint(r.Elem.Schema) != "map[maxLength:3 minLength:1]" {
		t.Errorf("Names: %+v", r.Elem)
	}
	if r := of(3); fmt.Sprint(r.Keys.Schema) != "map[pattern:^[a-zA-Z]+$]" || fmt.Sprint(r.Elem.Schema) != "map[maxItems:2]" || !r.Elem.Elem.Checked {
		t.Errorf("ByName: %+v %+v", r.Keys, r.Elem)
	}
	if r := of(4); r.Elem.Checked {
		t.Errorf("Skips: %+v", r.Elem)
	}
	if r := rules.OfArgument(reflect.TypeFor[*[]map[string]*nested]()); !r.Elem.Elem.Checked {
		t.Errorf("an argument: %+v", r)
	}
}

// Fields of an embedded struct have their rules, but where that may be absent or is let
// through.
func TestEmbedded(t *testing.T) {
	for _, tt := range []struct {
		of       any
		required bool
		schema   string
	}{
		{struct{ Embedded }{}, true, "map[minLength:1]"},
		{struct{ *Embedded }{}, false, "map[minLength:1]"},
		{struct {
			Embedded `validate:"required"`
		}{}, true, "map[minLength:1]"},
		{struct {
			Embedded `validate:"omitempty"`
		}{}, false, "map[]"},
		{struct {
			Embedded `validate:"-"`
		}{}, false, "map[]"},
	} {
		r := rules.OfField(reflect.TypeOf(tt.of), []int{0, 0}, "")
		if r.Required != tt.required || fmt.Sprint(r.Schema) != tt.schema {
			t.Errorf("%T: %+v", tt.of, r)
		}
	}
}

// The tag is the validator's.
func TestOtherTag(t *testing.T) {
	type form struct {
		A string `binding:"required" validate:"max=3"`
	}
	if r := rules.OfField(reflect.TypeFor[form](), []int{0}, "binding"); !r.Required || fmt.Sprint(r.Schema) != "map[minLength:1]" {
		t.Errorf("%+v", r)
	}
}
