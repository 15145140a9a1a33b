// Package choice is for flags that name some of what there is, separated by commas.
package choice

import (
	"fmt"
	"slices"
	"strings"
)

// Of returns those of all that a flag names, in its order; all of them if it is empty. It fails
// if there is no such one.
func Of[T any](flag, names string, all []T, name func(T) string) ([]T, error) {
	if names == "" {
		return all, nil
	}
	var chosen []T
	for one := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(t T) bool { return name(t) == one })
		if i < 0 {
			return nil, fmt.Errorf("-%s: there is no %q, but %s", flag, one, Names(all, name))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// Names returns what a flag can name.
func Names[T any](all []T, name func(T) string) string {
	var names []string
	for _, t := range all {
		names = append(names, name(t))
	}
	return strings.Join(names, ",")
}
