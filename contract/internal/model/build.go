package model

import (
	"cmp"
	"encoding"
	stdjson "encoding/json"
	"fmt"
	"go/ast"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/siokit/sio/contract/internal/rules"
)

var (
	bytesType  = reflect.TypeFor[[]byte]()
	timeType   = reflect.TypeFor[time.Time]()
	rawType    = reflect.TypeFor[stdjson.RawMessage]()
	numberType = reflect.TypeFor[stdjson.Number]()
	bigIntType = reflect.TypeFor[big.Int]()

	jsonMethods = [...][]reflect.Type{
		Out: {reflect.TypeFor[stdjson.Marshaler](), reflect.TypeFor[json.MarshalerTo]()},
		In:  {reflect.TypeFor[stdjson.Unmarshaler](), reflect.TypeFor[json.UnmarshalerFrom]()},
	}
	textMethods = [...][]reflect.Type{
		Out: {reflect.TypeFor[encoding.TextMarshaler]()},
		In:  {reflect.TypeFor[encoding.TextUnmarshaler]()},
	}
)

// A key is what there is one declaration of, until it turns out which are alike.
type key struct {
	t         reflect.Type
	dir       Direction
	unchecked bool // the rules of its fields are not enforced where it stands
}

// A builder makes types.
type builder struct {
	opts     Options
	source   *source
	declared map[key]*Type
	used     map[string]bool // overrides
	path     []string        // of the type that is being made, for errors
}

// A place is where a value stands.
type place struct {
	dir         Direction
	addressable bool         // behind a pointer or in a slice, so that the methods of *T are called
	rules       *rules.Rules // that it has to keep, or nil
	expr        ast.Expr     // how the source has its type, or nil
}

// use returns what stands where a value of a Go type does.
func (b *builder) use(t reflect.Type, at place) (*Type, error) {
	u, err := b.useAny(t, at)
	if err == nil && at.rules != nil && at.rules.NotNull {
		u.Nullable = false
	}
	return u, err
}

func (b *builder) useAny(t reflect.Type, at place) (*Type, error) {
	dir := at.dir
	if r := b.override(t); r != nil {
		replace := func(d *Type) error { d.Kind, d.Override = Override, r; return nil }
		if isDefined(t) {
			return b.ref(t, at, false, replace)
		}
		u := &Type{Go: t, Direction: dir}
		return u, replace(u)
	}
	if t.Kind() == reflect.Pointer {
		if isEndless(t) {
			return nil, b.errorf("%v has no JSON", t)
		}
		at.addressable, at.expr = true, unstar(at.expr)
		u, err := b.useAny(t.Elem(), at)
		if err == nil {
			u.Nullable = true
		}
		return u, err
	}
	u := &Type{Go: t, Direction: dir}
	switch t {
	case bytesType:
		u.Kind, u.Nullable = Binary, true
		return u, nil
	case timeType:
		u.Kind, u.Format = String, "date-time"
		return u, nil
	case rawType:
		u.Nullable = true
		return u, nil
	case numberType:
		u.Kind = Number
		return u, nil
	case bigIntType:
		if at.addressable || dir == In {
			u.Kind = Integer
			return u, nil
		}
	}
	how := methods(t, dir, at.addressable)
	switch {
	case how == byFields && !isDefined(t):
		return u, b.fill(u, at)
	case how == byFields && t.Kind() != reflect.Interface, how == byText && isDefined(t):
		nullable := how == byFields && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map)
		return b.ref(t, at, nullable, func(d *Type) error {
			if how == byText {
				d.Kind = String
			} else if err := b.fill(d, place{dir: dir, rules: enforced(at.rules), expr: b.source.expr(t)}); err != nil {
				return err
			}
			d.Nullable = false
			b.enumerate(d)
			return nil
		})
	case how == byFields:
		return u, b.fill(u, at) // an interface
	case how == byText:
		u.Kind = String
		return u, nil
	}
	if isDefined(t) && how == byJSON {
		d := &Type{Go: t, Direction: dir}
		if b.enumerate(d); d.Enum != nil {
			return b.ref(t, at, false, func(d *Type) error { b.enumerate(d); return nil })
		}
	}
	return u, nil // Any
}

// ref returns a Ref to the type that t is declared as. If there is none yet, fill makes it.
func (b *builder) ref(t reflect.Type, at place, nullable bool, fill func(d *Type) error) (*Type, error) {
	k := key{t, at.dir, at.dir == In && b.opts.Validated && !isChecked(t, at.rules)}
	d := b.declared[k]
	if d == nil {
		d = &Type{Go: t, Direction: at.dir, Doc: b.source.doc(t)}
		b.declared[k] = d
		if err := fill(d); err != nil {
			return nil, err
		}
	}
	return &Type{Kind: Ref, Go: t, Direction: at.dir, Nullable: nullable, Elem: d}, nil
}

// enforced returns whether the rules of fields are enforced, and no more: what else there is
// to say of elements goes for one place where their list stands.
func enforced(r *rules.Rules) *rules.Rules {
	if r == nil {
		return nil
	}
	return &rules.Rules{Checked: r.Checked, Elem: enforced(r.Elem)}
}

// isChecked reports whether the rules are enforced that the fields in a type have.
func isChecked(t reflect.Type, r *rules.Rules) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return isChecked(t.Elem(), r)
	case reflect.Slice, reflect.Array, reflect.Map:
		return r != nil && isChecked(t.Elem(), r.Elem)
	case reflect.Struct:
		return r != nil && r.Checked
	}
	return true
}

// isEndless reports whether a type is like type P *P.
func isEndless(t reflect.Type) bool {
	seen := make(map[reflect.Type]bool)
	for ; t.Kind() == reflect.Pointer && !seen[t]; t = t.Elem() {
		seen[t] = true
	}
	return seen[t]
}

// override returns what the application says that a type is, or nil.
func (b *builder) override(t reflect.Type) *Replacement {
	name := t.String()
	if isDefined(t) {
		name = t.PkgPath() + "." + t.Name()
	}
	for _, name := range []string{name, strings.ReplaceAll(name, "uint8", "byte")} {
		if r, ok := b.opts.Overrides[name]; ok {
			b.used[name] = true
			return &r
		}
	}
	return nil
}

// isDefined reports whether a type has a name of its own: not such as int or []string.
func isDefined(t reflect.Type) bool { return t.Name() != "" && t.PkgPath() != "" }

// How a type is encoded or decoded.
type how int

const (
	byFields how = iota // as its kind is
	byText              // as a string
	byJSON              // as its methods please
	byEither            // it can't be told
)

// methods tells how a type is encoded or decoded. A value that is not addressable is
// encoded without the methods of *T: whether one in a field is, depends on how it is sent.
func methods(t reflect.Type, dir Direction, addressable bool) how {
	for i, all := range [][]reflect.Type{jsonMethods[dir], textMethods[dir]} {
		for _, m := range all {
			switch {
			case dir == Out && t.Implements(m), reflect.PointerTo(t).Implements(m) && (dir == In || addressable):
				return []how{byJSON, byText}[i]
			case dir == Out && reflect.PointerTo(t).Implements(m):
				return byEither
			}
		}
	}
	return byFields
}

// fill makes u what the kind of its Go type is.
func (b *builder) fill(u *Type, at place) (err error) {
	t := u.Go
	elem := place{dir: at.dir, addressable: t.Kind() == reflect.Slice, expr: elemExpr(at.expr)}
	if at.rules != nil {
		elem.rules = at.rules.Elem
	}
	bounds := func(minimum, maximum float64) { u.Kind, u.Min, u.Max = Integer, &minimum, &maximum }
	switch t.Kind() {
	case reflect.Bool:
		u.Kind = Boolean
	case reflect.Int8, reflect.Int16, reflect.Int32:
		bounds(-math.Exp2(float64(t.Bits()-1)), math.Exp2(float64(t.Bits()-1))-1)
	case reflect.Int, reflect.Int64:
		bounds(math.MinInt64, math.MaxInt64)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		bounds(0, math.Exp2(float64(t.Bits()))-1)
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		bounds(0, math.MaxUint64)
	case reflect.Float32, reflect.Float64:
		u.Kind = Number
	case reflect.String:
		u.Kind = String
	case reflect.Slice:
		u.Nullable = true
		if isByte(t.Elem(), u.Direction) {
			u.Kind, u.Format = String, "byte"
			return nil
		}
		u.Kind, u.Len = Array, -1
		u.Elem, err = b.in("[]", t.Elem(), elem)
	case reflect.Array:
		u.Kind, u.Len = Array, t.Len()
		u.Elem, err = b.in("[]", t.Elem(), elem)
	case reflect.Map:
		u.Kind, u.Nullable = Map, true
		if u.Key, err = b.mapKey(t.Key(), u.Direction); err == nil {
			u.Elem, err = b.in("[key]", t.Elem(), elem)
		}
	case reflect.Interface:
		u.Nullable = true
		if u.Direction == In && t.NumMethod() > 0 {
			return b.errorf("nothing can be decoded into the interface %v", t)
		}
	case reflect.Struct:
		u.Kind = Object
		err = b.object(u, at)
	default:
		return b.errorf("%v has no JSON", t)
	}
	return err
}

// isByte reports whether a slice of a type is a base64 string.
func isByte(t reflect.Type, dir Direction) bool {
	if t.Kind() != reflect.Uint8 {
		return false
	}
	if dir == In {
		return true
	}
	return methods(t, dir, true) == byFields
}

// in is use for a part of a type.
func (b *builder) in(part string, t reflect.Type, at place) (*Type, error) {
	b.path = append(b.path, part)
	u, err := b.use(t, at)
	b.path = b.path[:len(b.path)-1]
	return u, err
}

func (b *builder) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", strings.Join(b.path, ""), fmt.Sprintf(format, args...))
}

// mapKey returns what the keys of a map are. Methods for text are not called for strings.
func (b *builder) mapKey(t reflect.Type, dir Direction) (*Type, error) {
	text := t.Implements(textMethods[Out][0])
	if dir == In {
		text = reflect.PointerTo(t).Implements(textMethods[In][0])
	}
	k := t.Kind()
	if isDefined(t) && (methods(t, dir, false) == byFields || text && k != reflect.String) && b.override(t) == nil {
		enum := &Type{Go: t, Direction: dir}
		if b.enumerate(enum); enum.Kind == String {
			return b.use(t, place{dir: dir})
		}
	}
	switch {
	case k == reflect.String, text:
		return &Type{Kind: String, Go: t, Direction: dir}, nil
	case k >= reflect.Int && k <= reflect.Uintptr:
		return &Type{Kind: Integer, Go: t, Direction: dir}, nil
	}
	return nil, b.errorf("%v can't be the key of a JSON object", t)
}

// object finds the fields of a struct.
func (b *builder) object(u *Type, at place) error {
	for _, f := range fieldsOf(u.Go) {
		if f.hidden && u.Direction == In {
			continue
		}
		if f.malformed != "" {
			// It has its Go name in what is written, but another one in what is read.
			return b.errorf("the field %s has a tag with the name %q, which encoding/json does not take", f.sf.Name, f.malformed)
		}
		decl := b.source.field(f.owner, f.sf.Name)
		if f.owner == u.Go && !isDefined(u.Go) {
			decl = b.source.inlineField(at.expr, f.sf.Name)
		}
		m := Field{Name: f.name, Doc: decl.doc, Path: f.index}
		if b.opts.Validated && u.Direction == In && isChecked(u.Go, at.rules) {
			m.Rules = rules.OfField(u.Go, f.index, b.opts.RuleTag)
		}
		t, err := b.in("."+f.sf.Name, f.sf.Type, place{dir: u.Direction, rules: m.Rules, expr: decl.expr})
		if err != nil {
			return err
		}
		m.Type = t
		pointer := f.sf.Type.Kind() == reflect.Pointer
		if f.leavesOutNil() {
			t.Nullable = pointer && isNullable(f.sf.Type.Elem())
		}
		if f.quoted && t.Deref().Kind != Override && methods(deref(f.sf.Type), u.Direction, pointer) == byFields {
			m.Type = quote(t)
		}
		m.Optional = f.behind || f.omitZero || f.omitEmpty && mayBeEmpty(f.sf.Type) || pointer && u.Direction == In
		if m.Rules != nil {
			tag := f.sf.Tag.Get(cmp.Or(b.opts.RuleTag, rules.Tag))
			m.Optional = (m.Optional || mayBeOmitted(tag)) && !m.Rules.Required
		}
		u.Fields = append(u.Fields, m)
	}
	return nil
}

// mayBeOmitted reports whether a tag says that there may be nothing.
func mayBeOmitted(tag string) bool {
	tag, _, _ = strings.Cut(tag, "dive")
	for rule := range strings.SplitSeq(tag, ",") {
		if rule == "omitempty" || rule == "omitnil" || rule == "omitzero" {
			return true
		}
	}
	return false
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// isNullable reports whether a type has a nil.
func isNullable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

// quote makes a type what ",string" does: JSON in a string.
func quote(u *Type) *Type {
	q := &Type{Kind: String, Go: u.Go, Direction: u.Direction, Nullable: u.Nullable, Quoted: true}
	for _, v := range u.Deref().Enum {
		text, _ := json.Marshal(v.JSON) // of a string
		q.Enum = append(q.Enum, Value{v.Name, v.Doc, string(text)})
	}
	return q
}
