package rules

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// whenNil are the rules that are asked of a nil pointer, too. They depend on other fields.
var whenNil = map[string]bool{
	"required_if": true, "required_unless": true, "required_with": true, "required_with_all": true,
	"required_without": true, "required_without_all": true, "excluded_if": true, "excluded_unless": true,
	"excluded_with": true, "excluded_with_all": true, "excluded_without": true, "excluded_without_all": true,
	"skip_unless": true,
}

// refusesZero tells whether a value that has been left out is surely refused.
func (p parser) refusesZero(t reflect.Type, tag []string) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return refusesNil(tag)
	}
	v := value{t: t}
	for _, rule := range tag {
		switch rule {
		case "-", "omitempty", "omitzero", "isdefault", "dive", "structonly", "nostructlevel":
			return false
		case "omitnil":
			if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
				return false
			}
			continue
		case "":
			continue
		}
		if v.refusesZero(rule) {
			return true
		}
	}
	if t.Kind() != reflect.Struct || isTime(t) {
		return false
	}
	for f := range t.Fields() {
		if f.PkgPath != "" && !f.Anonymous {
			continue
		}
		inner := parser{parent: t, tag: p.tag}
		if inner.refusesZero(f.Type, split(f.Tag.Get(p.tag))) {
			return true
		}
	}
	return false
}

func refusesNil(tag []string) bool {
	if len(tag) == 0 {
		return false
	}
	first, _, _ := strings.Cut(tag[0], "|")
	name, _ := cut(first)
	switch name {
	case "-", "", "omitempty", "omitnil", "omitzero", "isdefault":
		return false
	}
	return builtin(name) && !whenNil[name]
}

// builtin tells whether a rule is known not to be one of the application's own, which
// may be called for nil.
func builtin(name string) bool {
	return formats[name] != format{} || others[name] || crossField[name] > 0
}

// others are rules beside formats and those about other fields.
var others = map[string]bool{
	"required": true, "dive": true, "structonly": true, "nostructlevel": true, "unique": true, "datetime": true,
	"min": true, "max": true, "len": true, "eq": true, "ne": true, "gt": true, "gte": true, "lt": true, "lte": true,
	"oneof": true, "oneofci": true, "noneof": true, "noneofci": true, "eq_ignore_case": true, "ne_ignore_case": true,
	"contains": true, "containsany": true, "containsrune": true, "excludes": true, "excludesall": true, "excludesrune": true,
	"startswith": true, "startsnotwith": true, "endswith": true, "endsnotwith": true,
}

// refusesZero tells whether the zero value of a type that is no pointer surely breaks a
// rule.
func (v value) refusesZero(rule string) bool {
	for one := range strings.SplitSeq(rule, "|") {
		if name, param := cut(one); !v.zeroBreaks(name, param) {
			return false
		}
	}
	return true
}

func (v value) zeroBreaks(name, param string) bool {
	k := v.t.Kind()
	if isTime(v.t) { // the rules compare with now
		return name == "required" || name == "min" || name == "gt" || name == "gte"
	}
	if name == "required" {
		return k != reflect.Struct // which depends on an option of the validator
	}
	size := int64(0)
	switch {
	case k == reflect.Array:
		size = int64(v.t.Len())
	case k == reflect.Bool:
		b, err := strconv.ParseBool(param)
		return err == nil && (name == "eq" && b || name == "ne" && !b)
	case k == reflect.String:
		switch name {
		case "eq":
			return param != ""
		case "ne":
			return param == ""
		case "oneof":
			return !slices.Contains(values(param), "")
		case "noneof":
			return slices.Contains(values(param), "")
		case "contains", "startswith", "endswith":
			return param != ""
		case "datetime":
			return param != ""
		}
		if f := formats[name]; f != (format{}) {
			return !f.empty
		}
	case isInt(v.t), isUint(v.t), isFloat(v.t):
		if name == "oneof" {
			return !isFloat(v.t) && !slices.Contains(values(param), "0")
		}
		if name == "noneof" {
			return !isFloat(v.t) && slices.Contains(values(param), "0")
		}
		n, ok := v.number(param)
		if !ok {
			return false
		}
		f, _ := n.Float64()
		return compare(name, 0, f)
	case k != reflect.Slice && k != reflect.Map:
		return false
	}
	p, err := strconv.ParseInt(param, 0, 64)
	return err == nil && compare(name, float64(size), float64(p))
}

// compare tells whether v breaks a rule.
func compare(rule string, v, p float64) bool {
	switch rule {
	case "min", "gte":
		return v < p
	case "gt":
		return v <= p
	case "max", "lte":
		return v > p
	case "lt":
		return v >= p
	case "len", "eq":
		return v != p
	case "ne":
		return v == p
	}
	return false
}
