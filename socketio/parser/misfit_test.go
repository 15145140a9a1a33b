package parser_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/socketio/parser"
)

type (
	misfitItem struct {
		Price  float64        `json:"price"`
		Small  int8           `json:"small"`
		Count  uint           `json:"count"`
		Quoted int            `json:"quoted,string"`
		Name   string         `json:"name,omitempty"`
		Data   []byte         `json:"data"`
		At     time.Time      `json:"at"`
		IP     netip.Addr     `json:"ip"`
		Map    map[string]int `json:"map"`
		ByID   map[int]int    `json:"byID"`
		Pair   [2]int         `json:"pair"`
		On     bool           `json:"on"`
		Next   *misfitItem    `json:"next"`
		Own    misfitOwn      `json:"own"`
		Dotted string         `json:"a.b/c~d"`
		Plain  bool
	}
	misfitEmbedded struct {
		E int `json:"e"`
	}
	misfitHidden struct {
		Other         bool   `json:"same"`
		Name          bool   `json:"hidden"`
		None          string `json:"-"`
		*misfitHidden        //nolint:unused // a type that is embedded in itself
	}
	misfitOrder struct {
		Items []misfitItem `json:"items"`
		misfitEmbedded
		misfitHidden
		Same  string                `json:"same"`
		Name  int                   `json:"number"`
		Named map[string]misfitItem `json:"named"`
		Any   any                   `json:"any"`
	}
	misfitOwn struct{}
)

func (*misfitOwn) UnmarshalJSON([]byte) error { return errMisfit }

var errMisfit = parser.ErrMissing // any error

func TestMisfit(t *testing.T) {
	for _, tt := range []struct {
		json string
		want parser.Misfit
	}{
		{`[]`, parser.Misfit{Due: "object"}},
		{`{"items":{}}`, parser.Misfit{Path: "items", Due: "array"}},
		{`{"items":[{},"x"]}`, parser.Misfit{Path: "items[1]", Due: "object"}},
		{`{"items":[{},{"price":"secret"}]}`, parser.Misfit{Path: "items[1].price", Due: "number"}},
		{`{"ITEMS":[{"PRICE":"secret"}]}`, parser.Misfit{Path: "items[0].price", Due: "number"}},
		{`{"items":[{"price":1e999}]}`, parser.Misfit{Path: "items[0].price", Due: "number", Kind: true}},
		{`{"items":[{"small":300}]}`, parser.Misfit{Path: "items[0].small", Due: "integer", Kind: true}},
		{`{"items":[{"small":1.5}]}`, parser.Misfit{Path: "items[0].small", Due: "integer"}},
		{`{"items":[{"count":-1}]}`, parser.Misfit{Path: "items[0].count", Due: "integer", Kind: true}},
		{`{"items":[{"quoted":1}]}`, parser.Misfit{Path: "items[0].quoted", Due: "string"}},
		{`{"items":[{"quoted":"x"}]}`, parser.Misfit{Path: "items[0].quoted", Due: "string", Kind: true}},
		{`{"items":[{"name":1}]}`, parser.Misfit{Path: "items[0].name", Due: "string"}},
		{`{"items":[{"data":1}]}`, parser.Misfit{Path: "items[0].data", Due: "binary"}},
		{`{"items":[{"data":"%"}]}`, parser.Misfit{Path: "items[0].data", Due: "binary"}},
		{`{"items":[{"data":{"secret":1}}]}`, parser.Misfit{Path: "items[0].data", Due: "binary"}},
		{`{"items":[{"at":1}]}`, parser.Misfit{Path: "items[0].at", Due: "date-time"}},
		{`{"items":[{"at":"secret"}]}`, parser.Misfit{Path: "items[0].at", Due: "date-time", Kind: true}},
		{`{"items":[{"ip":"secret"}]}`, parser.Misfit{Path: "items[0].ip", Due: "string", Kind: true}},
		{`{"items":[{"map":{"secret.key":"x"}}]}`, parser.Misfit{Path: "items[0].map[…]", Due: "integer"}},
		{`{"items":[{"byID":{"secret":1}}]}`, parser.Misfit{Path: "items[0].byID[…]", Due: "integer"}},
		{`{"items":[{"pair":[1,"x"]}]}`, parser.Misfit{Path: "items[0].pair[1]", Due: "integer"}},
		{`{"items":[{"on":0}]}`, parser.Misfit{Path: "items[0].on", Due: "boolean"}},
		{`{"items":[{"Plain":0}]}`, parser.Misfit{Path: "items[0].Plain", Due: "boolean"}},
		{`{"items":[{"next":{"next":{"price":{}}}}]}`, parser.Misfit{Path: "items[0].next.next.price", Due: "number"}},
		{`{"items":[{"next":3}]}`, parser.Misfit{Path: "items[0].next", Due: "object"}},
		{`{"items":[{"own":{"secret":1}}]}`, parser.Misfit{Path: "items[0].own"}},
		{`{"items":[{"a.b/c~d":1}]}`, parser.Misfit{Path: "items[0].a.b/c~d", Due: "string"}},
		{`{"same":1}`, parser.Misfit{Path: "same", Due: "string"}},
		{`{"SAME":1}`, parser.Misfit{Path: "same", Due: "string"}},
		{`{"number":"x"}`, parser.Misfit{Path: "number", Due: "integer"}},
		{`{"hidden":"x"}`, parser.Misfit{Path: "hidden", Due: "boolean"}},
		{`{"-":1,"e":"x"}`, parser.Misfit{Path: "e", Due: "integer"}},
		{`{"e":"x"}`, parser.Misfit{Path: "e", Due: "integer"}},
		{`{"named":{"secret":{"price":"x"}}}`, parser.Misfit{Path: "named[…].price", Due: "number"}},
	} {
		for _, attachments := range [][][]byte{nil, {{1}}} {
			args := parser.NewArgs(nil, []byte(`[`+tt.json+`]`), attachments, 0)
			var order misfitOrder
			if err := args.Bind(&order); err == nil {
				t.Errorf("%s is bound", tt.json)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", tt.json, err)
			}
			if got, ok := args.Misfit(0, &order); !ok || got != tt.want {
				t.Errorf("%s: %+v %t, want %+v", tt.json, got, ok, tt.want)
			}
		}
	}
}

// A peer chooses how long a path is: a thousand steps take no look at a type each.
func TestMisfitDeep(t *testing.T) {
	json := `[` + strings.Repeat(`{"next":`, 1000) + `"x"` + strings.Repeat(`}`, 1000) + `]`
	args := parser.NewArgs(nil, []byte(json), nil, 0)
	var item misfitItem
	allocs := testing.AllocsPerRun(3, func() {
		if m, ok := args.Misfit(0, &item); !ok || m.Due != "object" || len(m.Path) != 1000*len(".next")-1 {
			t.Errorf("%+v %t", m, ok)
		}
	})
	if allocs > 5000 {
		t.Errorf("%v allocations", allocs)
	}
}

// otherCodec is a codec whose errors say nothing.
type otherCodec struct{ parser.JSON }

func TestNoMisfit(t *testing.T) {
	var n int
	for _, tt := range []struct {
		args parser.Args
		i    int
		ptr  any
	}{
		{parser.NewArgs(nil, []byte(`[1]`), nil, 0), 0, &n}, // it fits
		{parser.NewArgs(nil, []byte(`["x"]`), nil, 0), 1, &n},
		{parser.NewArgs(nil, []byte(`["x"]`), nil, 0), 0, n},
		{parser.NewArgs(otherCodec{}, []byte(`["x"]`), nil, 0), 0, &n},
	} {
		if m, ok := tt.args.Misfit(tt.i, tt.ptr); ok {
			t.Errorf("%s: %+v", tt.args.Raw(0), m)
		}
	}
}
