package app

import (
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/siokit/sio"
)

// A table has what goes both ways, by event.
type table struct {
	r     sio.Router
	want  map[string][]string // what the handler of an event is to get, as dump writes it
	emits map[string]func(*sio.Context) error
	asks  map[string]func(*sio.Context) ([]string, error)
}

// round has an event that clients send, and get, all of values in their order. The
// answer is what the handler has got, as dump writes it. Clients send what is in lax,
// too, in forms that the server does not use. Two more events have the type in answers:
// "echo" and "ask".
func round[T any](t *table, name string, values []T, lax ...T) {
	for _, v := range slices.Concat(values, lax) {
		t.want[name] = append(t.want[name], dump(v))
	}
	sio.OnWithAck(t.r, name, func(_ *sio.Context, v T) (string, error) { return dump(v), nil })
	sio.OnWithAck(t.r, "echo "+name, func(_ *sio.Context, v T) (T, error) { return v, nil })
	event, ask := sio.NewEvent[T](name), sio.NewEventWithAck[T, T]("ask "+name)
	t.r.Declare(event, ask)
	t.emits[name] = func(c *sio.Context) error {
		for _, v := range values {
			if err := event.Emit(c, v); err != nil {
				return err
			}
		}
		return nil
	}
	t.asks[name] = func(c *sio.Context) (answers []string, err error) {
		for _, v := range values {
			answer, err := ask.Call(c.Context(), c, v)
			if err != nil {
				return nil, err
			}
			answers = append(answers, dump(answer))
		}
		return answers, nil
	}
}

// values has an event for each type. Roundtrip.ts has the same values.
func values(r sio.Router) {
	t := &table{r, make(map[string][]string), make(map[string]func(*sio.Context) error), make(map[string]func(*sio.Context) ([]string, error))}
	plain(t)
	structs(t)
	binary(t)
	special(t)
	sio.OnWithAck(r, "want", func(*sio.Context, struct{}) (map[string][]string, error) { return t.want, nil })
	sio.OnWithAck(r, "emit all", func(c *sio.Context, name string) (int, error) {
		return len(t.want[name]), t.emits[name](c)
	})
	sio.OnWithAck(r, "ask all", func(c *sio.Context, name string) ([]string, error) { return t.asks[name](c) })
}

func plain(t *table) {
	round(t, "string", []string{"", "a", "\x00\u2028\"\\</script>", "é日本🦀", "\ufeff"})
	round(t, "bool", []bool{true, false})
	round(t, "int", []int{0, -1, 1<<53 - 1, -(1<<53 - 1)})
	round(t, "int8", []int8{math.MinInt8, math.MaxInt8})
	round(t, "int32", []int32{math.MinInt32, math.MaxInt32})
	round(t, "uint32", []uint32{0, math.MaxUint32})
	round(t, "float64", []float64{0, 0.1, math.MaxFloat64, -math.SmallestNonzeroFloat64, 1e21})
	round(t, "float32", []float32{0.5, math.MaxFloat32})
	round(t, "any", []any{nil, true, 1.5, "s", []any{1.0, nil, []any{}}, map[string]any{"a": map[string]any{}, "": nil}})
	round(t, "pointer", []*string{nil, new(""), new("p")})
	round(t, "slice", [][]int{nil, {}, {1, 2, 3}})
	round(t, "deep slice", [][][]string{{nil, {}, {"a"}}, nil})
	round(t, "array", [][3]int{{}, {1, 2, 3}})
	round(t, "map", []map[string]int{nil, {}, {"": 0, "a b": 1, "__proto__x": 2}})
	round(t, "int keys", []map[int]string{{-1: "minus", 10: "ten"}})
	round(t, "enum", []State{Open, Paid, Shipped})
	round(t, "level", []Level{Low, Middle, High})
	round(t, "pointers", [][]*int{{nil, new(1)}})
	round(t, "numbers", []Numbers{
		{},
		{1<<53 - 1, math.MaxInt8, math.MaxInt16, math.MaxInt32, 1<<53 - 1, 1<<53 - 1, math.MaxUint8, math.MaxUint16, math.MaxUint32, 1<<53 - 1, math.MaxFloat32, math.MaxFloat64},
		{-(1<<53 - 1), math.MinInt8, math.MinInt16, math.MinInt32, -(1<<53 - 1), 0, 0, 0, 0, 0, -0.5, -0.1},
	})
}

func structs(t *table) {
	round(t, "item", []Item{{}, {"lamp", 9.5, 2}})
	round(t, "optional", []Optional{
		{},
		{
			"p", new("q"), "e", new(""), moment, Item{"z", 1, 1}, Item{"e", 0, 0},
			map[string]string{"k": "v"}, []int{}, []int{0}, [2]int{1, 2},
			"any", []any{}, new(new(5)),
		},
	}, Optional{Plain: "all that may be missing is"})
	round(t, "tagged", []Tagged{{"u", "r", "", "d", -5, true, `"q"`, 1, "s", 0}, {}})
	round(t, "embedding", []Embedding{
		{Base: Base{"k", 0, ""}, Second: &Second{"", true}, Shared: "s", Item: Item{"i", 1, 0}},
	})
	round(t, "tree", []*Tree{
		nil,
		{Name: "leaf"},
		{"root", []*Tree{{Name: "a"}, {"b", []*Tree{{Name: "c"}}, nil, nil}, nil}, map[string]*Tree{"x": {Name: "y"}, "nil": nil}, &Branch{&Tree{Name: "up"}}},
	})
	round(t, "page", []Page[Item]{{}, {[]Item{{"a", 1, 1}}, new(2)}})
	round(t, "page of pages", []Page[Page[string]]{{[]Page[string]{{[]string{"a"}, nil}}, nil}})
	round(t, "pair", []Pair[string, Level]{{"k", High}, {"", Low}})
	round(t, "named", []Named{
		{},
		{map[string]Item{"a": {"a", 1, 0}}, map[int]string{7: "seven"}, map[State]int{Open: 1, Paid: 2, Shipped: 3}, map[netip.Addr]bool{netip.MustParseAddr("::1"): true}},
	})
	round(t, "enums", []Enums{
		{Open, High, nil, "", nil, nil},
		{Paid, Low, new(Middle), Shipped, []State{Open, Paid}, map[State]Level{Open: Low, Paid: Low, Shipped: High}},
	})
}

func binary(t *table) {
	many := make([][]byte, 10) // more are refused by clients, and by default by servers
	for i := range many {
		many[i] = []byte{byte(i)}
	}
	round(t, "bytes", [][]byte{nil, {}, {0, 255}, make([]byte, 70_000)})
	round(t, "many bytes", [][][]byte{nil, {}, {nil, {}, {1}}, many})
	round(t, "blob", []Blob{nil, {}, {0, 255, 1}})
	round(t, "files", []Files{
		{},
		{[]byte("one"), [][]byte{{1}, nil, {}}, map[string][]byte{"a": {2}, "nil": nil}, []byte{3}, new([]byte{4}), Blob{5}, [4]byte{1, 2, 3, 255}, map[string]any{"in": []byte{6}}},
	})
}

var moment = time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.UTC)

func special(t *table) {
	round(t, "time", []time.Time{{}, moment, time.Date(1969, 1, 1, 0, 0, 0, 0, time.FixedZone("", -5*3600-30*60))},
		time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)) // what a Date becomes
	round(t, "duration", []time.Duration{0, time.Second, -1})
	round(t, "raw", []json.RawMessage{json.RawMessage(`{"a":[1,null]}`), json.RawMessage(`"s"`), json.RawMessage(`null`)})
	round(t, "money", []Money{{1250, "EUR"}, {5, "USD"}})
	round(t, "color", []Color{{255, 0, 128}, {}})
	round(t, "special", []Special{
		{moment, time.Millisecond, json.RawMessage(`[]`), "1.5", netip.MustParseAddr("10.0.0.1"), Color{1, 2, 3}, Money{99, "CHF"}},
	})
}
