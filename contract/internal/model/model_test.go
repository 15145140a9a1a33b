package model

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
)

// A Color is a color.
type Color string

// The colors.
const (
	Red   Color = "red" // like blood
	Green Color = "green"
)

type Level int

const (
	Low Level = iota + 1
	High
	numLevels
)

var _ = numLevels

// Page is a part of a list.
type Page[T any] struct {
	// Items are there.
	Items []T `json:"items"`
	Next  *string
}

/*
	Node is a

tree.
*/
type Node struct {
	Color    Color             `json:"color,omitempty"` // of the node
	Level    Level             `json:"level,string"`
	Children []*Node           `json:"children"`
	Data     []byte            `json:"data"`
	When     time.Time         `json:"when,omitzero"`
	Took     time.Duration     `json:"took"`
	Meta     map[string]any    `json:"meta,omitempty"`
	Raw      json.RawMessage   `json:"raw"`
	In       struct{ A int }   `json:"in"`
	Pages    Page[Page[*Node]] `json:"pages"`
}

func TestSmoke(t *testing.T) {
	srv := sio.New(nil)
	sio.OnWithAck(srv, "node", func(*sio.Context, Node) (Node, error) { return Node{}, nil })
	m, err := New(srv.Contract(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Types {
		fmt.Println(d.Name, d.Kind, strings.ReplaceAll(d.Doc, "\n", "|"), d.Enum)
		for _, f := range d.Fields {
			fmt.Println("  ", f.Name, f.Optional, f.Type.Kind, f.Type.Deref().Name, f.Type.Nullable, f.Doc)
		}
	}
	fmt.Println(m.NoSource)
}
