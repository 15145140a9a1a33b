package model_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/model"
	"github.com/siokit/sio/contract/internal/shop"
)

// contractOf has an event "x" with an argument and an answer.
func contractOf(arg, ack any) sio.Contract {
	e := sio.ReceivedEvent{Name: "x", Typed: true}
	if arg != nil {
		e.Arg = reflect.TypeOf(arg)
	}
	if ack != nil {
		e.Ack = reflect.TypeOf(ack)
	}
	return sio.Contract{Namespaces: []sio.NamespaceContract{{Name: "/chat", Receive: []sio.ReceivedEvent{e}}}}
}

func TestErrors(t *testing.T) {
	type tagged struct {
		Quote int `json:"it's"`
	}
	type endless *endless
	const at = `namespace /chat, argument of "x": `
	for _, c := range []struct {
		v    any
		want string
	}{
		{make(chan int), at + "chan int: chan int has no JSON"},
		{[]func(){}, at + "[]func()[]: func() has no JSON"},
		{struct {
			A struct{ B []map[string]complex128 }
		}{}, "A.B[][key]: complex128 has no JSON"},
		{map[[2]int]string{}, "[2]int can't be the key of a JSON object"},
		{map[bool]string{}, "bool can't be the key of a JSON object"},
		{struct{ E error }{}, "nothing can be decoded into the interface error"},
		{tagged{}, `the field Quote has a tag with the name "it's"`},
		{endless(nil), "has no JSON"},
	} {
		_, err := model.New(contractOf(c.v, nil), model.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v, not %s", c.v, err, c.want)
		}
	}
	_, err := model.New(contractOf(nil, struct{ F func() }{}), model.Options{})
	if want := `answer to "x": struct { F func() }.F: func() has no JSON`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, not %s", err, want)
	}
	_, err = model.New(contractOf(1, nil), model.Options{Overrides: map[string]model.Replacement{"a.B": {}}})
	if err == nil || !strings.Contains(err.Error(), "a.B") {
		t.Errorf("an override for nothing: %v", err)
	}
}

// names returns those of the types of an answer.
func names(t *testing.T, arg, ack any, reserved ...string) []string {
	t.Helper()
	m, err := model.New(contractOf(arg, ack), model.Options{Reserved: reserved})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range m.Types {
		all = append(all, d.Name)
	}
	return all
}

type User struct{ U string }

func TestNames(t *testing.T) {
	type local struct{ A int }
	first := local{}
	second := func() any {
		type local struct{ B int }
		return local{}
	}()
	for _, c := range []struct {
		v        any
		reserved []string
		want     string
	}{
		{v: node{}, want: "Children Node"},
		{v: page[int]{}, want: "PageOfInt"},
		{v: page[[]shop.Item]{}, want: "Item PageOfListOfItem Price"},
		{v: page[map[string]Base]{}, want: "Base PageOfMapOfStringBase"},
		{v: page[page[*Base]]{}, want: "Base PageOfBase PageOfPageOfBase"},
		{v: pair[string, page[color]]{}, want: "Color PageOfColor PairOfStringPageOfColor"},
		{v: page[struct{ X int }]{}, want: "PageOfStructXInt"},
		{v: struct {
			A User
			B shop.User
		}{}, want: "ModelTestUser ShopUser"},
		{v: struct {
			A local
			B any
		}{}, want: "Local"},
		{v: User{}, reserved: []string{"User"}, want: "ModelTestUser"},
		{v: User{}, reserved: []string{"User", "ModelTestUser", "InternalModelTestUser", "ContractInternalModelTestUser"},
			want: "SioContractInternalModelTestUser"},
		{v: reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: reflect.TypeOf(first)}, {Name: "B", Type: reflect.TypeOf(second)},
		})).Elem().Interface(), want: "Local Local2"},
	} {
		if got := strings.Join(names(t, nil, c.v, c.reserved...), " "); got != c.want {
			t.Errorf("%T: %s, not %s", c.v, got, c.want)
		}
	}
}

// TestVariants looks at which types clients send otherwise than they get them.
func TestVariants(t *testing.T) {
	type same struct{ A []string }
	type file struct{ Data []byte }
	type holds struct{ Files map[string]file }
	type pointer struct{ P *int }
	type omitted struct {
		P *int `json:",omitempty"`
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{same{}, "Same"},
		{node{}, "Children ChildrenInput Node NodeInput"}, // a pointer
		{file{}, "File FileInput"},
		{holds{}, "File FileInput Holds HoldsInput"},
		{pointer{}, "Pointer PointerInput"},
		{omitted{}, "Omitted"},
		{embedsPointer{}, "EmbedsPointer EmbedsPointerInput"}, // it can't be decoded
	} {
		if got := strings.Join(names(t, c.v, c.v), " "); got != c.want {
			t.Errorf("%T: %s, not %s", c.v, got, c.want)
		}
		if got := names(t, c.v, nil); slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "Input") }) {
			t.Errorf("%T, only sent: %s", c.v, got)
		}
	}
}

// A documented type has
// two lines.
type documented[T any] struct {
	// Above is above.
	Above T
	Right int // right of it
	A, B  int // both
	/*
	   Block has
	   	lines.
	*/
	Block int
	//go:directive is none
	Directive int
	None      int
	*shop.Base
	Inline struct {
		Inside []*struct {
			Deep int // deep inside
		}
	}
}

type (
	// grouped is in a group.
	grouped  documented[int]
	trailing int // is behind it
)

func TestComments(t *testing.T) {
	type local struct {
		F int // in a function
	}
	m, err := model.New(contractOf(nil, struct {
		A documented[string]
		B grouped
		C trailing
		D local
	}{}), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range m.Types {
		all = append(all, d.Name+": "+d.Doc)
		var fields func(t *model.Type)
		fields = func(t *model.Type) {
			for _, f := range t.Fields {
				all = append(all, d.Name+"."+f.Name+": "+f.Doc)
				inner := f.Type
				for inner.Kind == model.Array {
					inner = inner.Elem
				}
				if inner.Kind == model.Object {
					fields(inner)
				}
			}
		}
		fields(d)
	}
	got := strings.Join(all, "\n")
	body := func(name string) string {
		return strings.ReplaceAll(`
X.Above: Above is above.
X.Right: right of it
X.A: both
X.B: both
X.Block: Block has
lines.
X.Directive: 
X.None: 
X.created: once
X.Inline: 
X.Inside: 
X.Deep: deep inside`, "X.", name+".")
	}
	want := "DocumentedOfString: A documented type has\ntwo lines." + body("DocumentedOfString") +
		"\nGrouped: grouped is in a group." + body("Grouped") +
		"\nLocal: \nLocal.F: in a function\nTrailing: is behind it"
	if got != want {
		t.Errorf("got\n%s\n\nwant\n%s", got, want)
	}
}

func TestConstants(t *testing.T) {
	m, err := model.New(contractOf(nil, struct {
		enums
		State state
		Mood  mood
		Took  any
	}{}), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, d := range m.Types {
		for _, v := range d.Enum {
			got[d.Name] += v.Name + "=" + v.JSON + " "
		}
	}
	want := map[string]string{
		"Color": `red="red" green="green" `,
		"Level": `Low=2 High=3 `,
		"State": `open="open" closed="closed" `,
		"Mood":  `good="good" bad="bad" `,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestNoSource makes a model where the go command finds none of the packages.
func TestNoSource(t *testing.T) {
	m, err := model.New(contractOf(nil, enums{}), model.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"github.com/siokit/sio/contract/internal/model_test"}; !slices.Equal(m.NoSource, want) {
		t.Errorf("without sources: %q, not %q", m.NoSource, want)
	}
	t.Setenv("PATH", "")
	if _, err = model.New(contractOf(nil, enums{}), model.Options{}); err != nil {
		t.Errorf("without the go command: %v", err)
	}
}

// TestRules makes types of which a validator sees that rules are kept.
func TestRules(t *testing.T) {
	type item struct {
		Name string `validate:"required"`
	}
	type order struct {
		Must    string   `json:",omitempty" validate:"required"`
		Pointer *int     `validate:"required"`
		List    []string `validate:"required"`
		May     string   `validate:"omitempty,max=3"`
		Plain   string
		Dived   []item `validate:"dive"`
		Not     []item
		One     item
	}
	c := contractOf(order{}, order{})
	c.Validated, c.RuleTag = true, "validate"
	m, err := model.New(c, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range m.Types {
		for _, f := range d.Fields {
			kind := f.Type.Deref().Name
			if f.Type.Kind == model.Array {
				kind = "[]" + f.Type.Elem.Deref().Name
			}
			got = append(got, fmt.Sprintf("%s.%s %s optional=%t nullable=%t rules=%t", d.Name, f.Name, kind, f.Optional, f.Type.Nullable, f.Rules != nil))
		}
	}
	want := []string{
		"Item.Name  optional=false nullable=false rules=false",
		"ItemInput.Name  optional=false nullable=false rules=true",
		"Order.Must  optional=true nullable=false rules=false",
		"Order.Pointer  optional=false nullable=true rules=false",
		"Order.List [] optional=false nullable=true rules=false",
		"Order.May  optional=false nullable=false rules=false",
		"Order.Plain  optional=false nullable=false rules=false",
		"Order.Dived []Item optional=false nullable=true rules=false",
		"Order.Not []Item optional=false nullable=true rules=false",
		"Order.One Item optional=false nullable=false rules=false",
		"OrderInput.Must  optional=false nullable=false rules=true",
		"OrderInput.Pointer  optional=false nullable=false rules=true",
		"OrderInput.List [] optional=false nullable=false rules=true",
		"OrderInput.May  optional=true nullable=false rules=true",
		"OrderInput.Plain  optional=false nullable=false rules=true",
		"OrderInput.Dived []ItemInput optional=false nullable=true rules=true",
		"OrderInput.Not []Item optional=false nullable=true rules=true",
		"OrderInput.One ItemInput optional=false nullable=false rules=true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\n\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// A validator that does not say which tag it reads may have other rules.
	c.RuleTag = ""
	if m, err = model.New(c, model.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Types {
		for _, f := range d.Fields {
			if f.Rules != nil {
				t.Errorf("%s.%s has rules", d.Name, f.Name)
			}
		}
	}
}
