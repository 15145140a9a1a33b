package model_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
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

// A filler makes Go values.
type filler struct{ r *rand.Rand }

func (f filler) fill(v reflect.Value, depth int) {
	if !v.CanSet() {
		return
	}
	set := func(x any) { v.Set(reflect.ValueOf(x).Convert(v.Type())) }
	switch v.Interface().(type) {
	case color:
		set([]color{red, green}[f.r.IntN(2)])
		return
	case level:
		set([]level{Low, High}[f.r.IntN(2)])
		return
	case state, mood:
		v.SetInt(f.r.Int64N(2))
		return
	case time.Time:
		set([]time.Time{{}, time.Unix(f.r.Int64N(1e9), 5)}[f.r.IntN(2)])
		return
	case json.RawMessage:
		set([]json.RawMessage{nil, json.RawMessage(`{"a":1}`)}[f.r.IntN(2)])
		return
	case json.Number:
		set("1" + strconv.Itoa(f.r.IntN(10)))
		return
	case big.Int:
		set(*big.NewInt(f.r.Int64()))
		return
	case netip.Addr:
		set(netip.AddrFrom4([4]byte{1, 2, 3, byte(f.r.IntN(100))}))
		return
	case url.Userinfo:
		return
	}
	switch few := f.r.IntN(3); v.Kind() {
	case reflect.Bool:
		v.SetBool(few > 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.r.Int64() >> (f.r.IntN(2) * (64 - v.Type().Bits())))
		if few == 0 {
			v.SetInt(0)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.r.Uint64())
		if few == 0 {
			v.SetUint(0)
		}
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(few) * f.r.Float64())
	case reflect.String:
		v.SetString(strings.Repeat("ä\n", few))
	case reflect.Pointer:
		v.SetZero()
		if few > 0 && depth < 6 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		v.SetZero()
		if few > 0 && depth < 6 {
			v.Set(reflect.MakeSlice(v.Type(), few, few))
			for i := range few {
				f.fill(v.Index(i), depth+1)
			}
		}
	case reflect.Array:
		v.SetZero()
		for i := range v.Len() * min(few, 1) {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.SetZero()
		if few > 0 && depth < 6 {
			v.Set(reflect.MakeMap(v.Type()))
			for range few {
				k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				f.fill(k, depth+1)
				f.fill(e, depth+1)
				v.SetMapIndex(k, e)
			}
		}
	case reflect.Interface:
		v.SetZero()
		if few > 0 {
			set([]any{"x", 1}[few-1])
		}
	case reflect.Struct:
		if depth > 0 {
			v.SetZero()
		}
		if few > 0 || depth == 0 {
			for _, member := range v.Fields() {
				f.fill(member, depth+1)
			}
		}
	}
}

// A generator makes JSON of types.
type generator struct {
	r           *rand.Rand
	attachments [][]byte
}

func (g *generator) value(t *model.Type, depth int) any {
	few := g.r.IntN(3)
	if t.Nullable && (few == 0 || depth > 6) {
		return nil
	}
	t = t.Deref()
	if len(t.Enum) > 0 {
		return json.RawMessage(t.Enum[g.r.IntN(len(t.Enum))].JSON)
	}
	switch t.Kind {
	case model.Boolean:
		return true
	case model.Integer:
		return 1 + g.r.IntN(100)
	case model.Number:
		return 1.5
	case model.String:
		switch {
		case t.Format == "date-time":
			return "2026-01-02T03:04:05+01:00"
		case t.Format == "byte":
			return "AQID"
		case t.Quoted:
			return map[reflect.Kind]string{reflect.Bool: "true", reflect.String: `"x"`}[t.Go.Kind()] + strings.Repeat("7", btoi(t.Go.Kind() != reflect.Bool && t.Go.Kind() != reflect.String))
		case t.Go == reflect.TypeFor[netip.Addr]():
			return "1.2.3.4"
		case t.Go == reflect.TypeFor[json.Number]():
			return "12"
		}
		return "s" + strconv.Itoa(g.r.IntN(100))
	case model.Binary:
		g.attachments = append(g.attachments, []byte{1})
		return json.RawMessage(parser.AppendPlaceholder(nil, len(g.attachments)-1))
	case model.Array:
		n := t.Len
		if n < 0 {
			n = few
		}
		if depth > 6 && t.Len < 0 {
			n = 0
		}
		a := make([]any, n)
		for i := range a {
			a[i] = g.value(t.Elem, depth+1)
		}
		return a
	case model.Map:
		m := make(map[string]any)
		if depth <= 6 {
			for range few {
				var k string
				switch {
				case t.Key.Kind == model.Integer, t.Key.Go == reflect.TypeFor[json.Number]():
					k = strconv.Itoa(g.r.IntN(100))
				case t.Key.Go == reflect.TypeFor[state]():
					k = "closed"
				case t.Key.Go == reflect.TypeFor[textKey]():
					k = "k"
				default:
					k = "k" + strconv.Itoa(few)
				}
				m[k] = g.value(t.Elem, depth+1)
			}
		}
		return m
	case model.Object:
		m := make(map[string]any)
		for _, f := range t.Fields {
			if f.Optional && (g.r.IntN(2) == 0 || depth > 6) {
				continue
			}
			m[f.Name] = g.value(f.Type, depth+1)
		}
		return m
	}
	return map[string]any{"any": true}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
