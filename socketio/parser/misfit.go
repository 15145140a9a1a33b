package parser

import (
	"bytes"
	"encoding"
	stdjson "encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// A Misfit is the first place of an argument that can't be decoded. It is fit to be told
// to the peer, and to be logged: it quotes nothing that was sent, and names no Go type.
type Misfit struct {
	// Path leads to the place by the names that the type declares, and by indexes, such
	// as "items[2].price". A key of a map, which the peer has chosen, is "[…]". The path
	// of the argument itself is "".
	Path string
	// Due is what belongs there: "boolean", "integer", "number", "string", "array",
	// "object", "binary" or "date-time". It is "" if methods of a type decide that.
	Due string
	// Kind reports whether what is there is of that kind, and only its value is wrong:
	// a number out of range, a string that is no date.
	Kind bool
}

// Misfit returns why argument i, which Bind has failed to decode into ptr, does not fit.
// It reports false if that is not known: with a [Codec] other than [JSON], or where the
// argument does fit.
func (a Args) Misfit(i int, ptr any) (Misfit, bool) {
	value := a.Raw(i)
	if _, known := orJSON(a.codec).(JSON); !known || value == nil || !isPointer(ptr) {
		return Misfit{}, false
	}
	t := reflect.TypeOf(ptr).Elem()
	u := hookedUnmarshals.Get().(*unmarshal)
	u.attachments = a.attachments
	err := json.Unmarshal(value, reflect.New(t).Interface(), append(slices.Clip(u.options), jsonv1.ReportErrorsWithLegacySemantics(false))...)
	u.attachments = nil
	hookedUnmarshals.Put(u)
	var wrong *json.SemanticError
	if !errors.As(err, &wrong) {
		return Misfit{}, false
	}
	w := walker{t: t}
	for token := range wrong.JSONPointer.Tokens() {
		w.step(token)
	}
	m := Misfit{Path: w.path.String(), Due: w.due()}
	switch m.Due {
	case "string", "date-time":
		m.Kind = wrong.JSONKind == '"'
	case "integer", "number":
		m.Kind = wrong.JSONKind == '0' && !(m.Due == "integer" && bytes.ContainsAny(wrong.JSONValue, ".eE"))
	}
	return m, true
}

// A walker follows a path into a type.
type walker struct {
	t      reflect.Type // nil where it is not known
	quoted bool         // a number or boolean in a string
	path   strings.Builder

	members map[reflect.Type][]member // of structs on the way
}

func (w *walker) step(token string) {
	for w.t != nil && w.t.Kind() == reflect.Pointer {
		w.t = w.t.Elem()
	}
	w.quoted = false
	switch {
	case w.t == nil:
	case decidesItself(w.t):
		w.t = nil
	case w.t.Kind() == reflect.Slice, w.t.Kind() == reflect.Array:
		w.path.WriteString("[" + token + "]") // a number, as the library has counted
		w.t = w.t.Elem()
	case w.t.Kind() == reflect.Map:
		w.path.WriteString("[…]")
		w.t = w.t.Elem()
	case w.t.Kind() == reflect.Struct:
		w.field(token)
	default: // any
		w.t = nil
	}
}

// field steps into the field of a struct that has a name, or else has the name in
// another case: the one that lies least deep in embedded structs.
func (w *walker) field(token string) {
	var found member
	for _, m := range w.membersOf(w.t) {
		exact := m.name == token
		if !exact && !strings.EqualFold(m.name, token) {
			continue
		}
		if found.name == "" || exact && found.name != token || exact == (found.name == token) && m.depth < found.depth {
			found = m
		}
	}
	if found.name == "" { // a name that a map embedded in the struct has taken, or the like
		w.t = nil
		return
	}
	if w.path.Len() > 0 {
		w.path.WriteByte('.')
	}
	w.path.WriteString(found.name)
	w.quoted = found.quoted
	w.t = found.t
}

// A member is what a field of a struct is in JSON.
type member struct {
	name   string
	t      reflect.Type
	quoted bool
	depth  int // in embedded structs
}

// membersOf returns those of a struct. A path may lead through one type a thousand times.
func (w *walker) membersOf(t reflect.Type) []member {
	all, known := w.members[t]
	if !known {
		all = appendMembers(nil, t, 0, make(map[reflect.Type]bool))
		if w.members == nil {
			w.members = make(map[reflect.Type][]member)
		}
		w.members[t] = all
	}
	return all
}

// appendMembers appends those of a struct that is embedded in those of around.
func appendMembers(all []member, t reflect.Type, depth int, around map[reflect.Type]bool) []member {
	if around[t] {
		return all
	}
	around[t] = true
	defer delete(around, t)
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		embedded := f.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case tag == "-":
			continue
		case name == "" && f.Anonymous && embedded.Kind() == reflect.Struct:
			all = appendMembers(all, embedded, depth+1, around)
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		quoted := slices.Contains(strings.Split(options, ","), "string")
		all = append(all, member{name, f.Type, quoted, depth})
	}
	return all
}

var (
	jsonUnmarshaler = reflect.TypeFor[stdjson.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
)

// decidesItself tells whether methods of a type decode it.
func decidesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshaler) || p.Implements(unmarshalerType) || p.Implements(textUnmarshaler)
}

// due returns what is due at the end of the path.
func (w *walker) due() string {
	t := w.t
	if t == nil {
		return ""
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	p := reflect.PointerTo(t)
	switch {
	case t == timeType:
		return "date-time"
	case t == bytesType:
		return "binary"
	case t == numberType:
		return "number"
	case p.Implements(jsonUnmarshaler), p.Implements(unmarshalerType):
		return ""
	case p.Implements(textUnmarshaler):
		return "string"
	}
	switch k := t.Kind(); {
	case k == reflect.String:
		return "string"
	case k == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "string" // in base64
	case k == reflect.Slice, k == reflect.Array:
		return "array"
	case k == reflect.Map, k == reflect.Struct:
		return "object"
	case w.quoted:
		return "string"
	case k == reflect.Bool:
		return "boolean"
	case k >= reflect.Int && k <= reflect.Uintptr:
		return "integer"
	case k == reflect.Float32, k == reflect.Float64:
		return "number"
	}
	return ""
}
