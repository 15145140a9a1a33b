package model_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/model"
	"github.com/siokit/sio/socketio/parser"
)

// cases are types that values of are made at random, beside some that can't be.
var cases = []any{
	plain{}, optional{}, nullable{}, quoted{}, keys{}, embedding{}, embeddedTag{}, diamond{}, tagWins{}, embedsHidden{}, embedsPointer{&unexported{}},
	embedsKind{}, methods{}, either{}, enums{}, inline{}, generics{}, empty{}, node{}, ping{}, pong{},
	true, 1, "", 1.5, []byte(nil), []string(nil), [2]bool{}, map[string]int(nil), (*int)(nil), (*node)(nil), children(nil), index(nil),
	color("red"), Low, open, good, userID(""), blob(nil), json.RawMessage("1"), json.Number("1"), time.Time{}, time.Second, struct{ A, B int }{},
}

// models returns what each of the cases is.
var models = sync.OnceValues(func() (*model.Model, error) {
	n := sio.NamespaceContract{Name: "/"}
	for _, zero := range cases {
		t := reflect.TypeOf(zero)
		n.Receive = append(n.Receive, sio.ReceivedEvent{Name: t.String(), Typed: true, Arg: t, Ack: t})
	}
	return model.New(sio.Contract{Namespaces: []sio.NamespaceContract{n}}, model.Options{})
})

func modelOf(t *testing.T, i int) (out, in *model.Type) {
	t.Helper()
	m, err := models()
	if err != nil {
		t.Fatal(err)
	}
	e := m.Namespaces[0].Receive[i]
	return e.Ack, e.Arg
}

// TestOut compares the model with what the codec writes: every value is as the model
// says, and what the model says may be missing or null is so for some.
func TestOut(t *testing.T) {
	for i, zero := range cases {
		typ := reflect.TypeOf(zero)
		t.Run(typ.String(), func(t *testing.T) {
			out, _ := modelOf(t, i)
			seen := make(map[string]bool)
			f := filler{rand.New(rand.NewPCG(1, 2))}
			for i := range 1000 {
				v := reflect.New(typ).Elem()
				if i%2 == 0 {
					v.Set(reflect.ValueOf(zero))
				}
				f.fill(v, 0)
				text, _, err := parser.JSON{}.Append(nil, v.Interface(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := conforms(out, decode(t, text), "", seen); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
			}
			var unseen []string
			expect(out, "", make(map[*model.Type]bool), func(what string) {
				if !seen[what] {
					unseen = append(unseen, what)
				}
			})
			if len(unseen) > 0 {
				t.Errorf("never seen: %q", unseen)
			}
		})
	}
}

// TestIn makes values as the model says: all are decoded without an error, and come out
// again as they were.
func TestIn(t *testing.T) {
	for i, zero := range cases {
		typ := reflect.TypeOf(zero)
		if typ == reflect.TypeFor[either]() {
			continue // it does not come out as it went in
		}
		t.Run(typ.String(), func(t *testing.T) {
			out, in := modelOf(t, i)
			g := generator{r: rand.New(rand.NewPCG(3, 4))}
			for range 500 {
				g.attachments = nil
				sent, err := json.Marshal(g.value(in, 0))
				if err != nil {
					t.Fatal(err)
				}
				v := reflect.New(typ)
				if err := (parser.JSON{}).Unmarshal(sent, g.attachments, v.Interface()); err != nil {
					t.Fatalf("%s: %v", sent, err)
				}
				back, attachments, err := parser.JSON{}.Append(nil, v.Elem().Interface(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(attachments) != len(g.attachments) {
					t.Fatalf("%d attachments have become %d", len(g.attachments), len(attachments))
				}
				if err := conforms(out, decode(t, back), "", map[string]bool{}); err != nil {
					t.Fatalf("%s: %v", back, err)
				}
				if err := contains(decode(t, back), decode(t, sent), in, ""); err != nil {
					t.Fatalf("%s has become %s: %v", sent, back, err)
				}
			}
		})
	}
}

func decode(t *testing.T, text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// conforms compares a value with a type, and notes what it has seen: "a.b null", "a.b absent".
func conforms(t *model.Type, v any, path string, seen map[string]bool) error {
	if v == nil {
		seen[path+" null"] = true
		if t.Nullable || t.Kind == model.Any {
			return nil
		}
		return fmt.Errorf("%s is null", path)
	}
	t = t.Deref()
	bad := fmt.Errorf("%s is %v, which is not of kind %d", path, v, t.Kind)
	text, isString := v.(string)
	number, isNumber := v.(json.Number)
	object, isObject := v.(map[string]any)
	array, isArray := v.([]any)
	if len(t.Enum) > 0 {
		j := string(number)
		if isString {
			j = strconv.Quote(text)
		}
		for _, e := range t.Enum {
			if e.JSON == j {
				return nil
			}
		}
		return bad
	}
	switch t.Kind {
	case model.Any:
	case model.Boolean:
		if _, ok := v.(bool); !ok {
			return bad
		}
	case model.Integer:
		n, ok := new(big.Float).SetString(string(number))
		if !ok || !n.IsInt() || t.Min != nil && n.Cmp(big.NewFloat(*t.Min)) < 0 || t.Max != nil && n.Cmp(big.NewFloat(*t.Max)) > 0 {
			return bad
		}
	case model.Number:
		if !isNumber {
			return bad
		}
	case model.String:
		if !isString {
			return bad
		}
		if t.Format == "date-time" {
			if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
				return err
			}
		}
		if t.Quoted && !json.Valid([]byte(text)) {
			return bad
		}
	case model.Binary:
		if object["_placeholder"] != true {
			return bad
		}
	case model.Array:
		if !isArray || t.Len >= 0 && len(array) != t.Len {
			return bad
		}
		for _, e := range array {
			if err := conforms(t.Elem, e, path+"[]", seen); err != nil {
				return err
			}
		}
	case model.Map:
		if !isObject {
			return bad
		}
		for k, e := range object {
			if _, err := strconv.ParseInt(k, 10, 64); err != nil && t.Key.Kind == model.Integer {
				return bad
			}
			if err := conforms(t.Elem, e, path+"{}", seen); err != nil {
				return err
			}
		}
	case model.Object:
		if !isObject {
			return bad
		}
		known := make(map[string]bool)
		for _, f := range t.Fields {
			known[f.Name] = true
			e, there := object[f.Name]
			if !there {
				seen[path+"."+f.Name+" absent"] = true
				if !f.Optional {
					return fmt.Errorf("%s.%s is not there", path, f.Name)
				}
				continue
			}
			seen[path+"."+f.Name+" there"] = true
			if err := conforms(f.Type, e, path+"."+f.Name, seen); err != nil {
				return err
			}
		}
		for name := range object {
			if !known[name] {
				return fmt.Errorf("%s.%s is unknown", path, name)
			}
		}
	}
	return nil
}

// expect tells of all that has to be seen of a type.
func expect(t *model.Type, path string, inside map[*model.Type]bool, tell func(string)) {
	if t.Nullable && t.Kind != model.Any {
		tell(path + " null")
	}
	t = t.Deref()
	if inside[t] {
		return // recursive
	}
	inside[t] = true
	defer delete(inside, t)
	if t.Elem != nil && t.Len != 0 {
		expect(t.Elem, path+map[model.Kind]string{model.Array: "[]", model.Map: "{}"}[t.Kind], inside, tell)
	}
	for _, f := range t.Fields {
		if f.Optional {
			tell(path + "." + f.Name + " absent")
		}
		if f.Type.Kind == model.Array && f.Type.Len == 0 {
			continue
		}
		tell(path + "." + f.Name + " there")
		expect(f.Type, path+"."+f.Name, inside, tell)
	}
}

// contains reports whether what was sent is part of what has come back.
func contains(back, sent any, t *model.Type, path string) error {
	if t.Kind == model.Any {
		return nil
	}
	t = t.Deref()
	switch s := sent.(type) {
	case map[string]any:
		b, ok := back.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: %v is no object", path, back)
		}
		fields := make(map[string]*model.Type)
		for _, f := range t.Fields {
			fields[f.Name] = f.Type
		}
		for name, v := range s {
			if v == nil || t.Kind == model.Binary || isEmpty(v) {
				continue
			}
			elem := t.Elem
			if t.Kind == model.Object {
				elem = fields[name]
			}
			if err := contains(b[name], v, elem, path+"."+name); err != nil {
				return err
			}
		}
	case []any:
		b, _ := back.([]any)
		if len(b) != len(s) {
			return fmt.Errorf("%s: %v is not as long as %v", path, back, sent)
		}
		for i := range s {
			if err := contains(b[i], s[i], t.Elem, path+"[]"); err != nil {
				return err
			}
		}
	default:
		if !reflect.DeepEqual(back, sent) {
			return fmt.Errorf("%s: %v is not %v", path, back, sent)
		}
	}
	return nil
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
