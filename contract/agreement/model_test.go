package agreement_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/model"
	"github.com/siokit/sio/socketio/parser"
)

// arguments returns what the model says of the argument of an event of each type, as the
// server sends it.
func arguments(all []reflect.Type) ([]*model.Type, error) {
	n := sio.NamespaceContract{Name: "/"}
	for i, t := range all {
		n.Send = append(n.Send, sio.SentEvent{Name: fmt.Sprint(i), Typed: true, Arg: t})
	}
	m, err := model.New(sio.Contract{Namespaces: []sio.NamespaceContract{n}}, model.Options{})
	if err != nil {
		return nil, err
	}
	out := make([]*model.Type, len(all))
	for i, e := range m.Namespaces[0].Send {
		out[i] = e.Arg
	}
	return out, nil
}

// encode returns a value as the server sends it, or false if it has no JSON.
func encode(v reflect.Value) (data []byte, attachments [][]byte, ok bool) {
	data, attachments, err := parser.JSON{}.Append(nil, v.Interface(), nil)
	return data, attachments, err == nil
}

// A reader compares JSON with the model, and notes what is used of what the model allows.
type reader struct {
	null    map[*model.Type]bool
	missing map[member]bool
}

type member struct {
	of   *model.Type
	name string
}

func newReader() *reader { return &reader{make(map[*model.Type]bool), make(map[member]bool)} }

// fits tells why JSON is not what the model says of a type: TypeScript says the same.
func (r *reader) fits(t *model.Type, v any) error {
	if v == nil {
		r.null[t] = true
		if t.Nullable || t.Kind == model.Any || t.Kind == model.Ref && r.fits(t.Elem, v) == nil {
			return nil
		}
		return fmt.Errorf("null for %v", t.Go)
	}
	if t.Kind == model.Ref {
		return r.fits(t.Elem, v)
	}
	wrong := fmt.Errorf("%.100v (%T) for kind %d, %v", v, v, t.Kind, t.Go)
	if len(t.Enum) > 0 {
		data, _ := json.Marshal(v)
		for _, e := range t.Enum {
			if e.JSON == string(data) {
				return nil
			}
		}
		return wrong
	}
	ok := true
	switch t.Kind {
	case model.Boolean:
		_, ok = v.(bool)
	case model.Integer:
		n, isNumber := v.(json.Number)
		i, isInteger := new(big.Float).SetString(n.String())
		if !isNumber || !isInteger || !i.IsInt() {
			return wrong
		}
		x, _ := i.Float64()
		ok = (t.Min == nil || x >= *t.Min) && (t.Max == nil || x <= *t.Max)
	case model.Number:
		_, ok = v.(json.Number)
	case model.String:
		var s string
		if s, ok = v.(string); ok && t.Format == "date-time" {
			_, err := time.Parse(time.RFC3339, s)
			ok = err == nil
		}
	case model.Binary:
		m, isObject := v.(map[string]any)
		ok = isObject && m["_placeholder"] == true
	case model.Array:
		list, isList := v.([]any)
		if !isList || t.Len >= 0 && len(list) != t.Len {
			return wrong
		}
		for _, e := range list {
			if err := r.fits(t.Elem, e); err != nil {
				return err
			}
		}
	case model.Map:
		m, isObject := v.(map[string]any)
		if !isObject {
			return wrong
		}
		for key, e := range m {
			if t.Key.Deref().Kind == model.Integer {
				if err := r.fits(t.Key, json.Number(key)); err != nil {
					return err
				}
			} else if err := r.fits(t.Key, key); err != nil {
				return err
			}
			if err := r.fits(t.Elem, e); err != nil {
				return err
			}
		}
	case model.Object:
		m, isObject := v.(map[string]any)
		if !isObject {
			return wrong
		}
		for _, f := range t.Fields {
			e, there := m[f.Name]
			if !there && !f.Optional {
				return fmt.Errorf("no field %q of %v", f.Name, t.Go)
			}
			if !there {
				r.missing[member{t, f.Name}] = true
			} else {
				if err := r.fits(f.Type, e); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
			}
			delete(m, f.Name)
		}
		if len(m) > 0 {
			return fmt.Errorf("fields %v that %v does not have", m, t.Go)
		}
	}
	if !ok {
		return wrong
	}
	return nil
}

func unmarshal(data []byte) any {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// agrees fails if the JSON of a value is not what the model says of its type.
func agrees(t *testing.T, typ *model.Type, v reflect.Value) {
	encoded, _, ok := encode(v)
	if !ok {
		return
	}
	if err := newReader().fits(typ, unmarshal(encoded)); err != nil {
		t.Errorf("%v: %v\n%s", v.Type(), err, encoded)
	}
}

func FuzzModel(f *testing.F) {
	outs, err := arguments(types)
	if err != nil {
		f.Fatal(err)
	}
	seed(f, 20)
	f.Fuzz(func(t *testing.T, data []byte) {
		fill := &filler{data: data, enum: constants}
		i := fill.below(len(types))
		agrees(t, outs[i], fill.value(types[i], 0))
	})
}

// FuzzModelOfTypes is the same for types that nobody has thought of.
func FuzzModelOfTypes(f *testing.F) {
	seed(f, 2)
	f.Fuzz(func(t *testing.T, data []byte) {
		fill := &filler{data: data}
		typ := fill.randomType(0)
		outs, err := arguments([]reflect.Type{typ})
		if err != nil {
			t.Fatalf("%v: %v", typ, err)
		}
		for range 3 {
			agrees(t, outs[0], fill.value(typ, 0))
		}
	})
}

// TestModelIsTight checks that what the model allows happens: null wherever a type is
// nullable, and each optional field is left out now and then.
func TestModelIsTight(t *testing.T) {
	outs, err := arguments(types)
	if err != nil {
		t.Fatal(err)
	}
	r := newReader()
	random := rand.NewChaCha8([32]byte{})
	for n := range 200 * len(types) {
		data := make([]byte, 200)
		_, _ = random.Read(data) // never fails
		i := n % len(types)
		v := (&filler{data: data, enum: constants}).value(types[i], 0)
		if encoded, _, ok := encode(v); ok {
			if err := r.fits(outs[i], unmarshal(encoded)); err != nil {
				t.Errorf("%v: %v", types[i], err)
			}
		}
	}
	done := make(map[*model.Type]bool)
	for _, out := range outs {
		r.tight(t, out, done)
	}
}

func (r *reader) tight(t *testing.T, typ *model.Type, done map[*model.Type]bool) {
	if typ == nil || done[typ] {
		return
	}
	done[typ] = true
	if typ.Nullable && !r.null[typ] {
		t.Errorf("%v is never null", typ.Go)
	}
	r.tight(t, typ.Elem, done)
	for _, f := range typ.Fields {
		if f.Optional && !r.missing[member{typ, f.Name}] {
			t.Errorf("%q of %v is never left out", f.Name, typ.Go)
		}
		r.tight(t, f.Type, done)
	}
}
