package rules

import (
	stdjson "encoding/json"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keywords returns what a rule is in JSON Schema, or nil, and whether that is all of it.
// A rule may have alternatives: "rgb|rgba".
func (v value) keywords(rule string) (of map[string]any, exact bool) {
	var all []any
	exact = true
	for one := range strings.SplitSeq(rule, "|") {
		name, param := cut(one)
		keywords, same := v.one(name, param)
		exact = exact && same
		all = append(all, keywords)
		of = keywords
	}
	if len(all) == 1 {
		return of, exact
	}
	for _, one := range all {
		if len(one.(map[string]any)) == 0 {
			return nil, false
		}
	}
	return map[string]any{"anyOf": all}, exact
}

// cut returns the name and the parameter of a rule.
func cut(rule string) (name, param string) {
	name, param, _ = strings.Cut(rule, "=")
	return name, strings.NewReplacer("0x2C", ",", "0x7C", "|").Replace(param)
}

// one returns what a rule without alternatives is.
func (v value) one(name, param string) (of map[string]any, exact bool) {
	if name == "required" {
		return v.required()
	}
	switch v.form {
	case text:
		return textRule(name, param)
	case number:
		return v.numberRule(name, param)
	case boolean:
		return boolRule(name, param)
	case array:
		return v.countRule(name, param, "minItems", "maxItems")
	case dict, table:
		return v.countRule(name, param, "minProperties", "maxProperties")
	}
	return nil, false
}

// required returns what there is to say beside Required and NotNull.
func (v value) required() (of map[string]any, exact bool) {
	if v.pointer {
		return nil, true
	}
	switch v.form {
	case text:
		return map[string]any{"minLength": stdjson.Number("1")}, true
	case number:
		return not(map[string]any{"const": stdjson.Number("0")}), true
	case boolean:
		return map[string]any{"const": true}, true
	}
	return nil, v.form != object
}

func not(keywords map[string]any) map[string]any { return map[string]any{"not": keywords} }

// bounds returns the smallest and largest whole number that a rule lets through, nil
// for none. It reports false if it is no rule of this kind.
func bounds(name, param string) (least, most *big.Int, ok bool) {
	n, err := strconv.ParseInt(param, 0, 64)
	if err != nil {
		return nil, nil, false
	}
	switch p := big.NewInt(n); name {
	case "min", "gte":
		return p, nil, true
	case "max", "lte":
		return nil, p, true
	case "len", "eq":
		return p, p, true
	case "gt":
		return p.Add(p, big.NewInt(1)), nil, true
	case "lt":
		return nil, p.Sub(p, big.NewInt(1)), true
	}
	return nil, nil, false
}

// size returns the keywords for bounds of a length. Less than none is not expressed.
func size(least, most *big.Int, minimum, maximum string) (of map[string]any, exact bool) {
	of = make(map[string]any)
	if least != nil && least.Sign() > 0 {
		of[minimum] = stdjson.Number(least.String())
	}
	if most != nil {
		if most.Sign() < 0 {
			return of, false
		}
		of[maximum] = stdjson.Number(most.String())
	}
	return of, true
}

func textRule(name, param string) (of map[string]any, exact bool) {
	if name != "eq" {
		if least, most, ok := bounds(name, param); ok {
			return size(least, most, "minLength", "maxLength")
		}
	}
	switch name {
	case "eq":
		return map[string]any{"const": param}, true
	case "ne":
		return not(map[string]any{"const": param}), true
	case "oneof":
		enum := []any{}
		for _, one := range values(param) {
			if !slices.Contains(enum, any(one)) { // which Draft 7 has only once
				enum = append(enum, one)
			}
		}
		return map[string]any{"enum": enum}, true
	case "noneof":
		keywords, _ := textRule("oneof", param)
		return not(keywords), true
	case "contains":
		return pattern(regexp.QuoteMeta(param)), true
	case "excludes":
		return not(pattern(regexp.QuoteMeta(param))), true
	case "startswith":
		return pattern("^" + regexp.QuoteMeta(param)), true
	case "startsnotwith":
		return not(pattern("^" + regexp.QuoteMeta(param))), true
	case "endswith":
		return pattern(regexp.QuoteMeta(param) + "$"), true
	case "endsnotwith":
		return not(pattern(regexp.QuoteMeta(param) + "$")), true
	case "datetime":
		switch param {
		case time.RFC3339, time.RFC3339Nano:
			return map[string]any{"format": "date-time"}, false
		case time.DateOnly:
			return map[string]any{"format": "date"}, false
		}
	}
	f := formats[name]
	switch {
	case f.pattern != "":
		of = pattern(f.pattern)
		if f.format != "" {
			of["format"] = f.format
		}
		return of, !f.lax
	case f.format != "":
		return map[string]any{"format": f.format}, false
	case f.notEmpty:
		return map[string]any{"minLength": stdjson.Number("1")}, false
	}
	return nil, false
}

func pattern(p string) map[string]any { return map[string]any{"pattern": p} }

var valuesRegexp = regexp.MustCompile(`'[^']*'|\S+`)

// values returns those that "oneof" allows.
func values(param string) []string {
	all := valuesRegexp.FindAllString(param, -1)
	for i, one := range all {
		all[i] = strings.ReplaceAll(one, "'", "")
	}
	return all
}

// numberRule is about numbers of JSON. Their text is not that of the parameter, which
// may be 0x10 or 1h.
func (v value) numberRule(name, param string) (of map[string]any, exact bool) {
	if name == "oneof" && !isFloat(v.t) {
		enum := []any{}
		for _, one := range values(param) {
			if n, ok := new(big.Int).SetString(one, 10); ok && n.String() == one && !slices.Contains(enum, any(stdjson.Number(one))) {
				enum = append(enum, stdjson.Number(one))
			}
		}
		return map[string]any{"enum": enum}, true
	}
	if name == "noneof" && !isFloat(v.t) {
		keywords, _ := v.numberRule("oneof", param)
		return not(keywords), true
	}
	if name == "number" || name == "numeric" {
		return nil, true // any number is
	}
	n, ok := v.number(param)
	if !ok {
		return nil, false
	}
	switch name {
	case "min", "gte":
		return map[string]any{"minimum": v.next(n, -1)}, true
	case "max", "lte":
		return map[string]any{"maximum": v.next(n, +1)}, true
	case "gt":
		return map[string]any{"exclusiveMinimum": n}, true
	case "lt":
		return map[string]any{"exclusiveMaximum": n}, true
	case "len", "eq":
		if v.t.Kind() == reflect.Float32 {
			return map[string]any{"minimum": v.next(n, -1), "maximum": v.next(n, +1)}, false
		}
		return map[string]any{"const": n}, true
	case "ne":
		return not(map[string]any{"const": n}), true
	}
	return nil, false
}

// number returns a parameter as a number of v's type.
func (v value) number(param string) (stdjson.Number, bool) {
	switch {
	case v.t == durationType:
		if d, err := time.ParseDuration(param); err == nil {
			return stdjson.Number(strconv.FormatInt(int64(d), 10)), true
		}
		fallthrough
	case isInt(v.t):
		n, err := strconv.ParseInt(param, 0, 64)
		return stdjson.Number(strconv.FormatInt(n, 10)), err == nil
	case isUint(v.t):
		n, err := strconv.ParseUint(param, 0, 64)
		return stdjson.Number(strconv.FormatUint(n, 10)), err == nil
	}
	f, err := strconv.ParseFloat(param, v.t.Bits())
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	return float(f), true
}

func float(f float64) stdjson.Number {
	b, _ := stdjson.Marshal(f) // which a finite number does not fail
	return stdjson.Number(b)
}

// next returns a bound that has room for what is rounded to n, for a float32.
func (v value) next(n stdjson.Number, direction int) stdjson.Number {
	if v.t.Kind() != reflect.Float32 {
		return n
	}
	f, _ := n.Float64()
	return float(float64(math.Nextafter32(float32(f), float32(math.Inf(direction)))))
}

func boolRule(name, param string) (of map[string]any, exact bool) {
	b, err := strconv.ParseBool(param)
	switch {
	case name == "boolean":
		return nil, true
	case err != nil:
	case name == "eq":
		return map[string]any{"const": b}, true
	case name == "ne":
		return map[string]any{"const": !b}, true
	}
	return nil, false
}

// countRule is about slices and maps.
func (v value) countRule(name, param, minimum, maximum string) (of map[string]any, exact bool) {
	if name == "unique" && v.form == array && param == "" {
		e := v.t.Elem()
		simple := e.Kind() == reflect.String || e.Kind() == reflect.Bool || isInt(e) || isUint(e)
		if e.Kind() == reflect.Pointer { // which is followed; no other one is
			e = e.Elem()
		}
		if !sameJSON(e) {
			return nil, false
		}
		return map[string]any{"uniqueItems": true}, simple && !isCustom(e)
	}
	if name == "ne" {
		n, err := strconv.ParseUint(param, 0, 63)
		if err != nil || v.form == table {
			return nil, false
		}
		p := stdjson.Number(strconv.FormatUint(n, 10))
		return not(map[string]any{minimum: p, maximum: p}), true
	}
	least, most, ok := bounds(name, param)
	if !ok {
		return nil, false
	}
	if v.form == table && most != nil { // two names may be one key
		of, _ = size(least, nil, minimum, maximum)
		return of, false
	}
	return size(least, most, minimum, maximum)
}

// sameJSON tells whether what is the same JSON becomes the same value, as Go compares
// values of type t. Pointers, such as that in a time, differ.
func sameJSON(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return false
	case reflect.Array:
		return sameJSON(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !sameJSON(f.Type) {
				return false
			}
		}
	}
	return true
}
