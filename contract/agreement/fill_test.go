package agreement_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// A filler makes values of any type, and types, of the bytes of a fuzz input. It has
// zeros when they are used up, of which short values come.
type filler struct {
	data []byte
	enum map[reflect.Type][]reflect.Value // the constants of enumerated types
}

// seed adds inputs, some for each type, the first of them as short as it can be.
func seed(f *testing.F, each int) {
	random := rand.NewChaCha8([32]byte{})
	for i := range types {
		for n := range each {
			data := make([]byte, 1+200*n/each)
			_, _ = random.Read(data) // never fails
			data[0] = byte(i)
			f.Add(data)
		}
	}
}

func (f *filler) byte() byte {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return b
}

// below returns a number below n.
func (f *filler) below(n int) int { return int(f.byte()) % n }

func (f *filler) uint64() uint64 {
	var b [8]byte
	n := copy(b[:], f.data)
	f.data = f.data[n:]
	return binary.LittleEndian.Uint64(b[:])
}

// maxDepth is where values end that have pointers to their own type.
const maxDepth = 6

// value returns a value of a type: an extreme one now and then.
func (f *filler) value(t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	if constants := f.enum[t]; constants != nil {
		return constants[f.below(len(constants))]
	}
	if make := makers[t]; make != nil {
		v.Set(reflect.ValueOf(make(f)))
		return v
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(f.byte()&1 == 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits := t.Bits()
		v.SetInt([]int64{0, 1, -1, math.MaxInt64 >> (64 - bits), math.MinInt64 >> (64 - bits), int64(f.uint64()) >> (64 - bits)}[f.below(6)])
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		bits := t.Bits()
		v.SetUint([]uint64{0, 1, math.MaxUint64 >> (64 - bits), f.uint64() >> (64 - bits)}[f.below(4)])
	case reflect.Float32:
		v.SetFloat([]float64{0, math.MaxFloat32, -math.SmallestNonzeroFloat32, 1.5, float64(float32(finite(f.uint64() >> 32)))}[f.below(5)])
	case reflect.Float64:
		v.SetFloat([]float64{0, math.MaxFloat64, -math.SmallestNonzeroFloat64, 1e21, -1.5, finite(f.uint64())}[f.below(6)])
	case reflect.String:
		v.SetString(f.text())
	case reflect.Pointer:
		if depth < maxDepth && f.byte()&3 != 0 {
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(f.value(t.Elem(), depth+1))
		}
	case reflect.Interface:
		if value := f.any(depth); value != nil && reflect.TypeOf(value).Implements(t) {
			v.Set(reflect.ValueOf(value))
		}
	case reflect.Slice:
		if n, ok := f.length(depth); ok {
			v.Set(reflect.MakeSlice(t, n, n))
			f.elements(v, depth)
		}
	case reflect.Array:
		f.elements(v, depth)
	case reflect.Map:
		if n, ok := f.length(depth); ok {
			v.Set(reflect.MakeMap(t))
			for range n {
				v.SetMapIndex(f.value(t.Key(), depth+1), f.value(t.Elem(), depth+1))
			}
		}
	case reflect.Struct:
		for sf, field := range v.Fields() {
			if field.CanSet() {
				field.Set(f.value(field.Type(), depth+1))
			} else if sf.Anonymous && field.Kind() == reflect.Struct {
				f.promoted(field, depth)
			}
		}
	case reflect.Func: // in no JSON
	default:
		panic(fmt.Sprintf("no value of a %s can be made", t))
	}
	return v
}

// promoted fills the fields of an embedded struct whose type is not exported.
func (f *filler) promoted(v reflect.Value, depth int) {
	for _, field := range v.Fields() {
		if field.CanSet() {
			field.Set(f.value(field.Type(), depth+1))
		}
	}
}

// length returns one of a slice or map, and false for nil.
func (f *filler) length(depth int) (int, bool) {
	n := f.below(5)
	if n == 4 {
		return 0, false
	}
	if depth >= maxDepth {
		return 0, true
	}
	return n, true
}

func (f *filler) elements(v reflect.Value, depth int) {
	for i := range v.Len() {
		v.Index(i).Set(f.value(v.Type().Elem(), depth+1))
	}
}

// finite returns a float64 that JSON has.
func finite(bits uint64) float64 {
	x := math.Float64frombits(bits)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0.1
	}
	return x
}

func (f *filler) text() string {
	switch f.below(8) {
	case 0:
		return ""
	case 1:
		return "null"
	case 2:
		return "\x00\u2028<&>\"\\"
	case 3:
		return "\xff\xfe" // JSON has U+FFFD instead
	case 4:
		return "🦀é日"
	case 5:
		return "2024-02-29T00:00:00Z"
	case 6:
		return "-12"
	}
	n := min(f.below(20), len(f.data))
	s := string(f.data[:n])
	f.data = f.data[n:]
	return s
}

func (f *filler) any(depth int) any {
	n := f.below(9)
	if depth >= maxDepth {
		n %= 6
	}
	switch n {
	case 1:
		return f.byte()&1 == 0
	case 2:
		return finite(f.uint64())
	case 3:
		return f.text()
	case 4:
		return int(f.byte())
	case 5:
		return []byte(f.text())
	case 6:
		return f.value(reflect.TypeFor[[]any](), depth+1).Interface()
	case 7:
		return f.value(reflect.TypeFor[map[string]any](), depth+1).Interface()
	case 8:
		return struct {
			A int `json:"a"`
		}{1}
	}
	return nil
}

// makers are for types whose values can't be any that their kind has.
var makers map[reflect.Type]func(f *filler) any

func init() {
	makers = map[reflect.Type]func(f *filler) any{
		reflect.TypeFor[time.Time](): func(f *filler) any {
			t := time.Unix(int64(f.uint64()%4e11)-62135596800, int64(f.byte())*1_000_000).UTC()
			if zone := f.below(3); zone > 0 && t.Year() > 1 && t.Year() < 9999 {
				t = t.In(time.FixedZone("", (f.below(47)-23)*1800))
			}
			if t.Year() > 9999 {
				return time.Time{}
			}
			return t
		},
		reflect.TypeFor[json.RawMessage](): func(f *filler) any {
			if f.below(4) == 0 {
				return json.RawMessage(nil)
			}
			data, err := json.Marshal(f.any(maxDepth - 2))
			if err != nil {
				panic(err)
			}
			return json.RawMessage(data)
		},
		reflect.TypeFor[json.Number](): func(f *filler) any {
			return json.Number([]string{"", "0", "-1.5", "1e400", "123456789012345678901234567890"}[f.below(5)])
		},
		reflect.TypeFor[netip.Addr](): func(f *filler) any {
			switch f.below(3) {
			case 0:
				return netip.Addr{} // a text that is empty
			case 1:
				return netip.AddrFrom4([4]byte{f.byte(), 1, 2, 3})
			}
			return netip.IPv6Unspecified()
		},
	}
}
