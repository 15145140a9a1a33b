package contract_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio/contract"
	"github.com/siokit/sio/socketio/parser"
)

type (
	parcel struct {
		Name   string    `json:"name" validate:"required,min=2,max=40"`
		Weight uint8     `json:"weight,omitempty" validate:"omitempty,min=1,max=20"`
		To     *parcel   `json:"to"`
		Items  []parcel  `json:"items" validate:"max=5,dive"`
		Loose  []parcel  `json:"loose,omitempty"`
		At     time.Time `json:"at,omitzero"`
	}
	names []string
	ruled struct {
		N names `validate:"required,dive,min=2"`
	}
	choice struct {
		Size  string         `validate:"oneof=S M"`
		Maybe *string        `validate:"omitempty,oneof=S M"`
		Count int64          `validate:"gt=3"`
		By    map[string]int `validate:"dive,keys,max=3,endkeys,min=1"`
	}
	nothing struct{}
)

// TestSchemas has what the server writes, and what clients may send under the rules of the tag validate.
func TestSchemas(t *testing.T) {
	const int64s = `"exclusiveMinimum":-9223372036854775808,"exclusiveMaximum":9223372036854775808`
	for _, test := range []struct {
		of      any
		out, in string // in is "" if it is as out
	}{
		{of: true, out: `{"type":"boolean"}`},
		{of: 1, out: `{"type":"integer",` + int64s + `}`},
		{of: int8(1), out: `{"type":"integer","minimum":-128,"maximum":127}`},
		{of: uint32(1), out: `{"type":"integer","minimum":0,"maximum":4294967295}`},
		{of: uint64(1), out: `{"type":"integer","minimum":0,"exclusiveMaximum":18446744073709551616}`},
		{of: 1.5, out: `{"type":"number"}`},
		{of: "", out: `{"type":"string"}`},
		{of: time.Time{}, out: `{"type":"string","format":"date-time"}`},
		{of: json.RawMessage(`{}`), out: `{"description":"Any JSON."}`},
		{of: []int8{}, out: `{"type":["array","null"],"items":{"type":"integer","minimum":-128,"maximum":127}}`},
		{of: [2]string{}, out: `{"type":"array","items":{"type":"string"},"minItems":2,"maxItems":2}`},
		{of: map[string]bool{}, out: `{"type":["object","null"],"additionalProperties":{"type":"boolean"}}`},
		{of: map[int]bool{}, out: `{"type":["object","null"],"additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^-?(0|[1-9][0-9]*)$"}}`},
		{of: map[uint8]bool{}, out: `{"type":["object","null"],"additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^(0|[1-9][0-9]*)$"}}`},
		{of: new(string), out: `{"type":["string","null"]}`},
		{of: []byte{}, out: `{"anyOf":[{"$ref":"#/definitions/sio.Attachment"},{"type":"null"}],"definitions":{"sio.Attachment":{
			"type":"object","format":"binary","properties":{"_placeholder":{"const":true},"num":{"type":"integer","minimum":0}},"required":["_placeholder","num"]}}}`},
		{of: nothing{}, out: `{"allOf":[{"$ref":"#/definitions/Nothing"}],"definitions":{"Nothing":{"type":"object","properties":{}}}}`},
		{of: struct {
			A int     `json:",string"`
			B float32 `json:"b,string"`
			C bool    `json:",string,omitempty"`
			D string  `json:"d,omitempty,string"`
		}{D: "\"\n\\é<"}, out: `{"type":"object","properties":{"A":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)$"},
			"b":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$"},"C":{"type":"string","enum":["true","false"]},"d":{"type":"string","pattern":"^\"([^\"\\\\\\x00-\\x1f]|\\\\([\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*\"$"}},"required":["A","b"]}`,
			in: `{"type":"object","properties":{"A":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)$"},
			"b":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$"},"C":{"type":"string","enum":["true","false"]},"d":{"type":"string","pattern":"^\"([^\"\\\\\\x00-\\x1f]|\\\\([\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*\"$"}}}`},
		{of: parcel{}, out: `{"allOf":[{"$ref":"#/definitions/Parcel"}],"definitions":{"Parcel":{"type":"object","properties":{
			"name":{"type":"string"},"weight":{"type":"integer","minimum":0,"maximum":255},
			"to":{"anyOf":[{"$ref":"#/definitions/Parcel"},{"type":"null"}]},
			"items":{"type":["array","null"],"items":{"$ref":"#/definitions/Parcel"}},
			"loose":{"type":"array","items":{"$ref":"#/definitions/Parcel"}},
			"at":{"type":"string","format":"date-time"}},"required":["name","to","items"]}}}`,
			in: `{"allOf":[{"$ref":"#/definitions/Parcel"}],"definitions":{"Parcel":{"type":"object","properties":{
			"name":{"type":"string","minLength":2,"maxLength":40},
			"weight":{"type":"integer","minimum":0,"maximum":255,"anyOf":[{"const":0},{"minimum":1,"maximum":20}]},
			"to":{"anyOf":[{"$ref":"#/definitions/Parcel"},{"type":"null"}]},
			"items":{"type":["array","null"],"maxItems":5,"items":{"$ref":"#/definitions/Parcel"}},
			"loose":{"type":"array","items":{"$ref":"#/definitions/ParcelUnchecked"}},
			"at":{"type":"string","format":"date-time"}},"required":["name"]},
			"ParcelUnchecked":{"description":"This is what clients may send where rules are not checked.","type":"object","properties":{
			"name":{"type":"string"},"weight":{"type":"integer","minimum":0,"maximum":255},
			"to":{"anyOf":[{"$ref":"#/definitions/ParcelUnchecked"},{"type":"null"}]},
			"items":{"type":["array","null"],"items":{"$ref":"#/definitions/ParcelUnchecked"}},
			"loose":{"type":"array","items":{"$ref":"#/definitions/ParcelUnchecked"}},
			"at":{"type":"string","format":"date-time"}}}}}`},
		{of: struct{ N names }{}, out: `{"type":"object","properties":{"N":{"anyOf":[{"$ref":"#/definitions/Names"},{"type":"null"}]}},"required":["N"],
			"definitions":{"Names":{"type":"array","items":{"type":"string"}}}}`,
			in: `{"type":"object","properties":{"N":{"anyOf":[{"$ref":"#/definitions/Names"},{"type":"null"}]}},
			"definitions":{"Names":{"type":"array","items":{"type":"string"}}}}`},
		{of: ruled{}, out: `{"allOf":[{"$ref":"#/definitions/Ruled"}],"definitions":{"Names":{"type":"array","items":{"type":"string"}},
			"Ruled":{"type":"object","properties":{"N":{"anyOf":[{"$ref":"#/definitions/Names"},{"type":"null"}]}},"required":["N"]}}}`,
			in: `{"allOf":[{"$ref":"#/definitions/Ruled"}],"definitions":{
			"Ruled":{"type":"object","properties":{"N":{"type":"array","items":{"type":"string","minLength":2}}},"required":["N"]}}}`},
		{of: choice{}, out: `{"allOf":[{"$ref":"#/definitions/Choice"}],"definitions":{"Choice":{"type":"object","properties":{
			"Size":{"type":"string"},"Maybe":{"type":["string","null"]},"Count":{"type":"integer",` + int64s + `},
			"By":{"type":["object","null"],"additionalProperties":{"type":"integer",` + int64s + `}}},"required":["Size","Maybe","Count","By"]}}}`,
			in: `{"allOf":[{"$ref":"#/definitions/Choice"}],"definitions":{"Choice":{"type":"object","properties":{
			"Size":{"type":"string","enum":["S","M"]},"Maybe":{"anyOf":[{"type":"string","enum":["S","M"]},{"type":"null"}]},
			"Count":{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":9223372036854775808},
			"By":{"type":["object","null"],"propertyNames":{"maxLength":3},"additionalProperties":{"type":"integer","minimum":1,"exclusiveMaximum":9223372036854775808}}},
			"required":["Size","Count"]}}}`},
	} {
		typ := reflect.TypeOf(test.of)
		t.Run(typ.String(), func(t *testing.T) {
			output, err := contract.OutputSchema(typ, nil)
			if err != nil {
				t.Fatal(err)
			}
			equalSchemas(t, "output", output, test.out)
			input, err := contract.InputSchema(typ, "validate", nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.in == "" {
				test.in = test.out
			}
			equalSchemas(t, "input", input, test.in)
			fits(t, output, test.of)
		})
	}
}

func TestInputWithoutRules(t *testing.T) {
	input, err := contract.InputSchema(reflect.TypeFor[choice](), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	equalSchemas(t, "input", input, `{"allOf":[{"$ref":"#/definitions/Choice"}],"definitions":{"Choice":{"type":"object","properties":{
		"Size":{"type":"string"},"Maybe":{"type":["string","null"]},"Count":{"type":"integer","exclusiveMinimum":-9223372036854775808,"exclusiveMaximum":9223372036854775808},
		"By":{"type":["object","null"],"additionalProperties":{"type":"integer","exclusiveMinimum":-9223372036854775808,"exclusiveMaximum":9223372036854775808}}}}}}`)
}

func TestSchemaOfNothing(t *testing.T) {
	if _, err := contract.OutputSchema(nil, nil); err == nil {
		t.Error("a nil type has a schema")
	}
	if _, err := contract.InputSchema(reflect.TypeFor[chan int](), "", nil); err == nil {
		t.Error("a channel has a schema")
	}
}

// equalSchemas compares schemas, less what is the same in all, and descriptions of sio's own.
func equalSchemas(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	top := g.(map[string]any)
	if top["$schema"] != "http://json-schema.org/draft-07/schema#" {
		t.Errorf("$schema of the %s is %v", what, top["$schema"])
	}
	delete(top, "$schema")
	defs, _ := top["definitions"].(map[string]any)
	if len(defs) == 0 {
		delete(top, "definitions")
	}
	if a, ok := defs["sio.Attachment"].(map[string]any); ok {
		delete(a, "description")
	}
	if !reflect.DeepEqual(g, w) {
		text, _ := json.MarshalIndent(g, "", " ")
		t.Errorf("%s is\n%s\nwant\n%s", what, text, want)
	}
}

// fits checks that a value, as the server writes it, fits its schema.
func fits(t *testing.T, text []byte, v any) {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	written, _, err := parser.JSON{}.Append(nil, v, nil)
	if err != nil {
		t.Fatal(err)
	}
	var instance any
	if err := json.NewDecoder(bytes.NewReader(written)).Decode(&instance); err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(instance); err != nil {
		t.Errorf("%s does not fit: %v", written, err)
	}
}
