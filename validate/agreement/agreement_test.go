package agreement

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/siokit/sio/contract"
	"github.com/siokit/sio/socketio/parser"
	siovalidate "github.com/siokit/sio/validate"
)

// A judge knows a type's schema and what the server does with it.
type judge struct {
	t      reflect.Type
	schema *jsonschema.Schema
	text   []byte
	v      *siovalidate.Validator
}

// formats are notes, not assertions: see package rules.
var formats = []string{"email", "uri", "ipv4", "ipv6", "hostname", "uuid", "date", "date-time"}

func newJudge(t *testing.T, of reflect.Type) *judge {
	t.Helper()
	v := siovalidate.New()
	if err := v.CheckType(of); err != nil {
		t.Fatalf("%v: %v", of, err)
	}
	text, err := contract.InputSchema(of, v.RuleTag(), nil)
	if err != nil {
		t.Fatalf("%v: %v", of, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	for _, name := range formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(any) error { return nil }})
	}
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("s.json")
	if err != nil {
		t.Fatalf("%v: %v\n%s", of, err, text)
	}
	return &judge{of, schema, text, v}
}

// server reports whether the server decodes the JSON, and whether it accepts it then.
func (j *judge) server(json string) (decoded, valid bool) {
	ptr := reflect.New(j.t).Interface()
	if (parser.JSON{}).Unmarshal([]byte(json), attachments, ptr) != nil {
		return false, false
	}
	return true, j.v.Validate(ptr) == nil
}

// promised reports whether the schema accepts the JSON.
func (j *judge) promised(t *testing.T, json string) bool {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(json))
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return j.schema.Validate(v) == nil
}

// compare fails the test where the schema is stricter than the server, or, if it is to be
// exact, laxer.
func (j *judge) compare(t *testing.T, json string, exact bool) (accepted bool) {
	t.Helper()
	decoded, valid := j.server(json)
	promised := j.promised(t, json)
	switch {
	case valid && !promised:
		t.Errorf("%v: the server accepts %s, the schema does not:\n%s", j.t, json, j.text)
	case decoded && !valid && promised && exact:
		t.Errorf("%v: the schema accepts %s, the server does not:\n%s", j.t, json, j.text)
	}
	return valid
}

var (
	stringType = reflect.TypeFor[string]()
	intType    = reflect.TypeFor[int]()
)

// Every rule on every kind of field that it is for, against all values there are.
func TestRules(t *testing.T) {
	all := []struct {
		types []reflect.Type
		rules string // by spaces; those of the library have none, but for lists
		exact bool
	}{
		{[]reflect.Type{stringType}, "required min=0 min=3 max=3 len=3 gt=2 gte=3 lt=3 lte=3 eq=ab ne=ab len=0 max=0 lt=1 min=1,max=3 required,min=3,max=20 len=3|len=5 alpha|eq=1 gt=1,lt=3,ne=ab", true},
		{[]reflect.Type{stringType}, "oneof=red oneof=1 noneof=a contains=b contains=0x2C contains=. excludes=b startswith=a endswith=b startsnotwith=a endsnotwith=b contains=0x7C", true},
		{[]reflect.Type{stringType}, "alpha alphaspace alphanum alphanumspace ascii printascii numeric number hexadecimal hexcolor e164 base32 base64 base64url base64rawurl jwt semver mongodb ein", true},
		{[]reflect.Type{stringType}, "uuid uuid3 uuid4 uuid5 uuid7 uuid_rfc4122 uuid3_rfc4122 uuid4_rfc4122 uuid5_rfc4122 md4 md5 sha256 sha384 sha512 ripemd128 ripemd160 tiger128 tiger160 tiger192", true},
		{[]reflect.Type{stringType}, "ulid email url uri http_url https_url ipv4 ipv6 ip cidr cidrv4 cidrv6 mac hostname hostname_rfc1123 fqdn isbn isbn10 isbn13 issn json lowercase uppercase latitude longitude credit_card timezone boolean alphaunicode alphanumunicode datauri hostname_port rgb rgba hsl hsla cmyk iscolor country_code iso3166_1_alpha2 iso3166_1_alpha3 iso4217 bcp47_language_tag bic cron duration datetime=2006-01-02 datetime=2006-01-02T15:04:05Z07:00 datetime=15:04 eq_ignore_case=AB oneofci=RED isdefault excludesall=ab containsany=ab multibyte email|ip email|alpha", false},
		{[]reflect.Type{intType, reflect.TypeFor[int8](), reflect.TypeFor[int64](), reflect.TypeFor[float64]()}, "required min=-1 min=0 max=0 max=3 gt=0 gt=2 gte=-2 lt=0 lt=5 lte=16 eq=2 eq=0 ne=2 ne=0 len=3 required,min=-1 min=-1,max=3,ne=0 eq=1|eq=3 number numeric", true},
		{[]reflect.Type{intType, reflect.TypeFor[uint8]()}, "min=0x10 oneof=1 oneof=0 noneof=1", true},
		{[]reflect.Type{reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint64]()}, "required min=1 max=0 gt=0 lt=16 max=255 eq=0 ne=0", true},
		{[]reflect.Type{reflect.TypeFor[uint64]()}, "max=18446744073709551615 max=9007199254740991", false},
		{[]reflect.Type{reflect.TypeFor[float64](), reflect.TypeFor[float32]()}, "min=0.5 max=0.5 gt=0.5 lt=0.5 ne=0.5 min=-1.5,max=1.5", false},
		{[]reflect.Type{reflect.TypeFor[float64]()}, "min=0.1 max=0.1 eq=0.1 ne=0.1", true},
		{[]reflect.Type{reflect.TypeFor[float32]()}, "min=0.1 max=0.1 eq=0.1 ne=0.1 gt=0.1 lt=0.1", false},
		{[]reflect.Type{reflect.TypeFor[time.Duration]()}, "min=1h max=1h gt=1h lt=1h eq=1h ne=1h required max=100", true},
		{[]reflect.Type{reflect.TypeFor[bool]()}, "required eq=true eq=false ne=true ne=false boolean", true},
		{[]reflect.Type{reflect.TypeFor[[]string](), reflect.TypeFor[[]int]()}, "required min=0 min=1 min=2 max=1 len=2 gt=1 lt=2 eq=1 ne=1 ne=0 max=0 len=0 unique min=1,unique dive dive,required max=2,dive,min=2 required,dive,max=3 dive,omitempty,min=2 min=1,dive,ne=1", true},
		{[]reflect.Type{reflect.TypeFor[[]*string](), reflect.TypeFor[[]*int]()}, "required dive dive,required dive,min=2 dive,omitempty,min=2 dive,omitnil,min=2 unique dive,omitzero,min=2", false},
		{[]reflect.Type{reflect.TypeFor[[][]int]()}, "dive,min=1 dive,dive,min=2 dive,required,dive,gt=1 max=1,dive,max=1", true},
		{[]reflect.Type{reflect.TypeFor[map[string]string](), reflect.TypeFor[map[string]int]()}, "required min=1 max=1 len=2 gt=0 lt=2 ne=1 unique dive,required dive,min=2 dive,keys,min=2,endkeys dive,keys,alpha,endkeys,min=2", false},
		{[]reflect.Type{reflect.TypeFor[map[int]int]()}, "required min=1 max=1 len=2 ne=1 ne=0 unique dive,min=2 dive,keys,min=1,endkeys", false},
		{[]reflect.Type{reflect.TypeFor[[2]int]()}, "required min=2 min=3 max=1 len=2 dive,min=1 unique omitempty,dive,min=1", false},
		{[]reflect.Type{reflect.TypeFor[[]byte]()}, "required min=2 max=2 len=3 omitempty,min=2", false},
		{[]reflect.Type{reflect.TypeFor[time.Time]()}, "required gt lt gte lte omitempty,gt", false},
		{[]reflect.Type{reflect.TypeFor[any]()}, "required omitempty,required", false},
		{[]reflect.Type{reflect.TypeFor[inner](), reflect.TypeFor[outer]()}, "required omitempty structonly nostructlevel -", false},
		{[]reflect.Type{reflect.TypeFor[[]inner](), reflect.TypeFor[[]*inner](), reflect.TypeFor[map[string]inner](), reflect.TypeFor[map[string]*inner](), reflect.TypeFor[[]outer]()}, "required dive dive,required dive,structonly dive,omitempty - max=1,dive omitempty,dive,required", false},
	}
	accepted, refused := 0, 0
	for _, row := range all {
		for _, of := range row.types {
			values := some(valuesOf(of, true, 3))
			rules := append(strings.Fields(row.rules), "")
			for _, rule := range rules {
				for _, wrap := range []struct {
					t    reflect.Type
					rule string
				}{
					{of, rule},
					{of, join("omitempty", rule)},
					{of, join("omitzero", rule)},
					{of, join("omitnil", rule)},
					{reflect.PointerTo(of), rule},
					{reflect.PointerTo(of), join("omitempty", rule)},
					{reflect.PointerTo(of), join("omitnil", rule)},
					{reflect.PointerTo(of), join("omitzero", rule)},
				} {
					field := reflect.StructField{Name: "A", Type: wrap.t, Tag: reflect.StructTag(`json:"a" validate:"` + wrap.rule + `"`)}
					j := newJudge(t, reflect.StructOf([]reflect.StructField{field}))
					for _, json := range append([]string{"{}"}, membersOf(values)...) {
						if j.compare(t, json, row.exact) {
							accepted++
						} else {
							refused++
						}
					}
					if t.Failed() {
						return
					}
				}
			}
		}
	}
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted < 1000 || refused < 1000 {
		t.Error("these are too few to mean anything")
	}
}

// some returns a few hundred of many values, from all parts.
func some(all []string) (few []string) {
	step := 1 + len(all)/300
	for i := 0; i < len(all); i += step {
		few = append(few, all[i])
	}
	return few
}

func join(a, b string) string {
	switch b {
	case "":
		return a
	case "-":
		return "-"
	}
	return a + "," + b
}

func membersOf(values []string) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = `{"a":` + v + `}`
	}
	return all
}
