package siovalidate_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
	siovalidate "github.com/siokit/sio/validate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t *testing.T, v sio.Validator) *sio.Server {
	t.Helper()
	nop := zerolog.Nop()
	srv := sio.New(&sio.Options{Validator: v, Logger: &nop})
	siotest.Cleanup(t, srv)
	return srv
}

type (
	item struct {
		Price float64 `json:"price" validate:"gt=0"`
		Tags  []tag   `json:"tags" validate:"dive"`
	}
	tag struct {
		Name string `json:"name" validate:"required"`
	}
	shelf struct {
		Next *shelf            `json:"next"`
		By   map[string]string `json:"by" validate:"dive,required"`
	}
	Base struct {
		ID string `json:"id" validate:"required"`
	}
	box[T any] struct {
		Inner T `json:"inner"`
	}
	order struct {
		Base
		Named    Base             `json:"named"`
		Pointer  *item            `json:"pointer,omitempty"`
		Must     *item            `json:"must" validate:"required"`
		Items    []item           `json:"items" validate:"max=3,dive"`
		Lax      []item           `json:"lax"` // not checked, for want of dive
		Pointers []*item          `json:"pointers" validate:"dive,required"`
		Prices   map[string]item  `json:"prices" validate:"dive,keys,min=2,endkeys"`
		Matrix   [][]item         `json:"matrix" validate:"dive,dive"`
		Runes    string           `json:"runes" validate:"omitempty,len=2"`
		Color    string           `json:"color" validate:"omitempty,oneof=red green"`
		Password string           `json:"password"`
		Again    string           `json:"again" validate:"eqfield=Password"`
		Card     string           `json:"card" validate:"required_if=Color red"`
		Mail     string           `json:"mail" validate:"omitempty,email"`
		Either   string           `json:"either" validate:"omitempty,alpha|eqfield=Password"`
		At       time.Time        `json:"at" validate:"omitempty,gt"`
		For      time.Duration    `json:"for" validate:"max=1h"`
		Any      any              `json:"any" validate:"omitempty,min=3"`
		Boxed    box[box[tag]]    `json:"boxed"`
		Anon     struct{ A int }  `json:"anon" validate:"structonly"`
		GoName   string           `validate:"max=1"`
		Rest     map[string][]tag `json:"rest" validate:"dive,dive"`
		Skipped  tag              `json:"skipped" validate:"-"`
	}
)

// valid is an order that keeps all rules, with changes.
func valid(changes string) string {
	var o map[string]any
	if err := json.Unmarshal([]byte(`{"id":"1","named":{"id":"2"},"must":{"price":1},"boxed":{"inner":{"inner":{"name":"x"}}},"skipped":{}}`), &o); err != nil {
		panic(err)
	}
	if err := json.Unmarshal([]byte(changes), &o); err != nil {
		panic(err)
	}
	b, _ := json.Marshal(o)
	return string(b)
}

var orderCases = []struct{ changes, want string }{
	{`{}`, ``},
	{`{"id":""}`, `id: required`},
	{`{"id":null}`, `id: required`},
	{`{"named":{}}`, `named.id: required`},
	{`{"pointer":{"price":0}}`, `pointer.price: gt=0`},
	{`{"pointer":null}`, ``},
	{`{"must":null}`, `must: required`},
	{`{"items":[{"price":1},{"price":-1,"tags":[{"name":"x"},{}]}]}`, `items[1].price: gt=0; items[1].tags[1].name: required`},
	{`{"items":[{},{},{},{}]}`, `items: max=3`},
	{`{"lax":[{}]}`, ``},
	{`{"pointers":[{"price":1},null]}`, `pointers[1]: required`},
	{`{"prices":{"secret":{"price":0}}}`, `prices[…].price: gt=0`},
	{`{"prices":{"s":{"price":1}}}`, `prices[…]: min=2`},
	{`{"prices":{"a].price":{"price":0}}}`, `prices[…].price: gt=0`},
	{`{"matrix":[[],[{"price":1},{}]]}`, `matrix[1][1].price: gt=0`},
	{`{"runes":"äö"}`, ``},
	{`{"runes":"ä"}`, `runes: len=2`},
	{`{"color":"blue"}`, `color: oneof=red green`},
	{`{"password":"a","again":"b"}`, `again: eqfield=password`},
	{`{"color":"red"}`, `card: required_if=color red`},
	{`{"mail":"x"}`, `mail: email`},
	{`{"either":"1"}`, `either: alpha|eqfield=password`},
	{`{"at":"2001-01-01T00:00:00Z"}`, `at: gt`},
	{`{"for":3600000000001}`, `for: max=1h`},
	{`{"any":2}`, `any: min=3`},
	{`{"any":true}`, `invalid`},
	{`{"boxed":{}}`, `boxed.inner.inner.name: required`},
	{`{"anon":{}}`, ``},
	{`{"GoName":"ab"}`, `GoName: max=1`},
	{`{"rest":{"a][b":[{}]}}`, `rest[…][0].name: required`},
}

func TestValidate(t *testing.T) {
	named := validator.New() // as applications set it up
	named.RegisterTagNameFunc(func(f reflect.StructField) string { return "the " + f.Name })
	for name, v := range map[string]*siovalidate.Validator{
		"New":        siovalidate.New(),
		"With":       siovalidate.With(validator.New()),
		"With names": siovalidate.With(named),
	} {
		for _, tt := range orderCases {
			var o order
			if err := json.Unmarshal([]byte(valid(tt.changes)), &o); err != nil {
				t.Fatal(err)
			}
			if got := errorText(v.Validate(&o)); got != tt.want {
				t.Errorf("%s: %s: %q, want %q", name, tt.changes, got, tt.want)
			}
		}
	}
}

// errorText returns the text of an InvalidError, and "invalid" for another one.
func errorText(err error) string {
	var invalid *sio.InvalidError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid):
		return invalid.Error()
	}
	return "invalid"
}

// What is no struct is checked where it contains some.
func TestValidateTopLevel(t *testing.T) {
	v := siovalidate.New()
	bad := &item{}
	var none *item
	for _, tt := range []struct {
		ptr  any
		want string
	}{
		{bad, "price: gt=0"},
		{&bad, "price: gt=0"},
		{&none, ""},
		{none, ""},
		{new([]item), ""},
		{&[]item{{Price: 1}, {}}, "[1].price: gt=0"},
		{&[]*item{nil, {}}, "[1].price: gt=0"},
		{&[][]item{nil, {{}}}, "[1][0].price: gt=0"},
		{&[2]tag{{"x"}}, "[1].name: required"},
		{&map[string]item{"secret": {}}, "[…].price: gt=0"},
		{&map[string][]item{"secret": {{}}}, "[…][0].price: gt=0"},
		{&map[string]*shelf{"a].Next.zzz": {By: map[string]string{"secret": ""}}}, "[…].next: required"},
		{&map[string]*shelf{"a": {By: map[string]string{"secret": ""}}}, "[…].by[…]: required"},
		{new(string), ""},
		{new(int), ""},
		{new(any), ""},
		{new([]int), ""},
		{new(time.Time), ""},
		{&struct{ T time.Time }{}, ""},
		{new([]byte), ""},
		{&box[[]box[tag]]{}, ""},
		{&box[tag]{}, "inner.name: required"},
		{&struct {
			A string `json:"a" validate:"required"`
		}{}, "a: required"},
	} {
		if got := errorText(v.Validate(tt.ptr)); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.ptr, got, tt.want)
		}
	}
}

// The rules, aliases and functions of an application's own validator, and its tag.
func TestWith(t *testing.T) {
	own := validator.New()
	own.SetTagName("binding")
	if err := own.RegisterValidation("even", func(f validator.FieldLevel) bool { return f.Field().Int()%2 == 0 }); err != nil {
		t.Fatal(err)
	}
	own.RegisterAlias("short", "min=1,max=3")
	type form struct {
		N     int    `json:"n" binding:"even"`
		S     string `json:"s" binding:"short"`
		From  int    `json:"from" validate:"required"` // not the tag
		To    int    `json:"to"`
		Given string `json:"given"`
	}
	own.RegisterStructValidation(func(l validator.StructLevel) {
		if f := l.Current().Interface().(form); f.To < f.From {
			l.ReportError(f.To, "to", "To", "order", "from")
			l.ReportError(f.To, "dates", "Dates", "order", "")
		}
	}, form{})
	v := siovalidate.With(own)
	if v.RuleTag() != "binding" || siovalidate.New().RuleTag() != "validate" {
		t.Errorf("tags %q, %q", v.RuleTag(), siovalidate.New().RuleTag())
	}
	if got := errorText(v.Validate(&form{N: 1, S: "abcd", From: 2})); got != "n: even; s: short=3; to: order=from; dates: order" {
		t.Error(got)
	}
	if err := v.CheckType(reflect.TypeFor[form]()); err != nil {
		t.Error(err)
	}
	// Elsewhere it is as it was.
	err := own.Struct(form{N: 1, S: "a"})
	if want := "Key: 'form.N' Error:Field validation for 'N' failed on the 'even' tag"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	other := validator.New()
	other.SetTagName("other")
	if tag := siovalidate.With(other).RuleTag(); tag != "" {
		t.Errorf("tag %q of a validator that reads another one", tag)
	}
	defer func() {
		if got := recover(); got != "siovalidate: With: nil validator" {
			t.Errorf("panic %v", got)
		}
	}()
	siovalidate.With(nil)
}

// A broken rule never tells a client more than it has to know.
func TestRefusal(t *testing.T) {
	srv := newServer(t, siovalidate.New())
	sio.OnWithAck(srv, "order", func(_ *sio.Context, o order) (string, error) { return o.ID, nil })
	sio.On(srv, "items", func(*sio.Context, []item) error { return nil })
	c := siotest.Connect(t, srv)
	c.Call("order", json.RawMessage(valid(`{}`))).Is("1")
	err := c.CallError("order", json.RawMessage(valid(`{"items":[{"price":1},{"price":-1}]}`)))
	if err.Message != "argument 1 is invalid: items[1].price: gt=0" || string(err.Data) != `{"fields":[{"field":"items[1].price","rule":"gt","param":"0"}]}` {
		t.Errorf("%q %s", err.Message, err.Data)
	}
	err = c.CallError("order", json.RawMessage(valid(`{"items":[{"price":"x"}]}`)))
	if string(err.Data) != `{"fields":[{"field":"items[0].price","rule":"type","param":"number"}]}` {
		t.Errorf("%q %s", err.Message, err.Data)
	}
	err = c.CallError("order", json.RawMessage(valid(`{"any":true}`)))
	if err.Message != "argument 1 is invalid" || err.Data != nil {
		t.Errorf("%q %s", err.Message, err.Data)
	}
}

// A Validator is called by many goroutines at the same time, the first time, too.
func TestValidateConcurrently(t *testing.T) {
	v := siovalidate.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got := errorText(v.Validate(&map[string][]item{"a": {{}}})); got != "[…][0].price: gt=0" {
					t.Error(got)
				}
			}
		})
	}
	wg.Wait()
}
