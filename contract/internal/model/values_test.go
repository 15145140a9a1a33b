package model_test

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/contract/internal/model"
	"github.com/siokit/sio/socketio/parser"
)

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
