package agreement_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract"
	"github.com/siokit/sio/socketio/parser"
)

// schemas are those of the packets of an event with an argument, as the server sends it
// and as clients may send it.
type schemas struct{ out, in *jsonschema.Schema }

// schemasOf returns those of an event for each type, as the AsyncAPI document has them.
func schemasOf(all []reflect.Type) ([]schemas, error) {
	n := sio.NamespaceContract{Name: "/"}
	for i, t := range all {
		name := fmt.Sprintf("e%d", i)
		n.Send = append(n.Send, sio.SentEvent{Name: name, Typed: true, Arg: t})
		n.Receive = append(n.Receive, sio.ReceivedEvent{Name: name, Typed: true, Arg: t})
	}
	data, err := contract.AsyncAPI(sio.Contract{Namespaces: []sio.NamespaceContract{n}}, nil)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource("contract.json", doc); err != nil {
		return nil, err
	}
	compiled := make([]schemas, len(all))
	for i := range all {
		at := func(side string) (s *jsonschema.Schema) {
			if err == nil {
				s, err = c.Compile(fmt.Sprintf("contract.json#/channels/root/messages/%s.e%d/payload", side, i))
			}
			return s
		}
		compiled[i] = schemas{at("send"), at("receive")}
	}
	return compiled, err
}

// packet returns the JSON of an event number i with an argument.
func packet(i int, arg []byte) []byte { return fmt.Appendf(nil, `["e%d",%s]`, i, arg) }

func valid(s *jsonschema.Schema, data []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// FuzzSchemas checks that what the server writes is what its schema says, and that what
// the schema of what clients may send accepts can be decoded.
func FuzzSchemas(f *testing.F) {
	all, err := schemasOf(types)
	if err != nil {
		f.Fatal(err)
	}
	seed(f, 20)
	f.Fuzz(func(t *testing.T, data []byte) {
		fill := &filler{data: data, enum: constants}
		i := fill.below(len(types))
		keeps(t, all[i], i, fill.value(types[i], 0), fill)
	})
}

// FuzzSchemasOfTypes is the same for types that nobody has thought of.
func FuzzSchemasOfTypes(f *testing.F) {
	seed(f, 2)
	f.Fuzz(func(t *testing.T, data []byte) {
		fill := &filler{data: data}
		typ := fill.randomType(0)
		all, err := schemasOf([]reflect.Type{typ})
		if err != nil {
			t.Fatalf("%v: %v", typ, err)
		}
		for range 3 {
			keeps(t, all[0], 0, fill.value(typ, 0), fill)
		}
	})
}

// keeps fails if the JSON of a value, or a variant of it, is not what a schema promises.
func keeps(t *testing.T, s schemas, i int, v reflect.Value, fill *filler) {
	encoded, attachments, ok := encode(v)
	if !ok {
		return
	}
	if err := valid(s.out, packet(i, encoded)); err != nil {
		t.Errorf("%v: what the server sends is refused: %v\n%s", v.Type(), err, encoded)
	}
	decodes := func(arg []byte) {
		if hasTexts(v.Type(), make(map[reflect.Type]bool)) || valid(s.in, packet(i, arg)) != nil {
			return
		}
		ptr := reflect.New(v.Type()).Interface()
		if err := (parser.JSON{}).Unmarshal(arg, attachments, ptr); err != nil {
			t.Errorf("%v: accepted, but not decoded: %v\n%s", v.Type(), err, arg)
		}
	}
	decodes(encoded)
	for range 3 {
		decodes(fill.mutate(encoded))
	}
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// hasTexts reports whether there is something in a type of which only its own method
// knows which texts it can decode.
func hasTexts(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[*big.Int]() {
		return false
	}
	seen[t] = true
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.Map:
		return hasTexts(t.Key(), seen) || hasTexts(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hasTexts(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if hasTexts(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// mutate changes a value somewhere inside JSON, or leaves it out.
func (f *filler) mutate(data []byte) []byte {
	v := unmarshal(data)
	mutated, err := json.Marshal(f.change(v, maxDepth))
	if err != nil {
		panic(err)
	}
	return mutated
}

func (f *filler) change(v any, depth int) any {
	if depth > 0 && f.byte()&3 != 0 {
		switch v := v.(type) {
		case []any:
			if len(v) > 0 {
				i := f.below(len(v))
				if f.below(4) == 0 {
					return append(v[:i:i], v[i+1:]...)
				}
				v[i] = f.change(v[i], depth-1)
				return v
			}
		case map[string]any:
			if v["_placeholder"] != nil || len(v) == 0 {
				break
			}
			keys := make([]string, 0, len(v))
			for key := range v {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			key := keys[f.below(len(keys))]
			if f.below(4) == 0 {
				delete(v, key)
			} else {
				v[key] = f.change(v[key], depth-1)
			}
			return v
		}
	}
	return []any{
		nil, true, json.Number("0"), json.Number("-1"), json.Number("1.5"), json.Number("300"), json.Number("100000000000000000000"), "", "0", "1e3", "x", "AAE=", "2024-02-29T00:00:00Z",
		"2023-02-29T00:00:00Z", "true", `"quoted"`, []any{}, map[string]any{}, []any{nil}, map[string]any{"x": nil}, map[string]any{"else": 1},
	}[f.below(21)]
}
