package rules

import "maps"

// A schema collects keywords all of which hold.
type schema struct{ all []map[string]any }

func (s *schema) add(keywords map[string]any) {
	if len(keywords) == 0 {
		return
	}
	for _, there := range s.all {
		if disjoint(there, keywords) {
			maps.Copy(there, keywords)
			return
		}
	}
	s.all = append(s.all, maps.Clone(keywords))
}

func disjoint(a, b map[string]any) bool {
	for k := range b {
		if _, there := a[k]; there {
			return false
		}
	}
	return true
}

// either adds that one of two holds. The second one always does if it is empty.
func (s *schema) either(a, b map[string]any) {
	if len(b) > 0 {
		s.add(map[string]any{"anyOf": []any{a, b}})
	}
}

func (s *schema) keywords() map[string]any {
	switch len(s.all) {
	case 0:
		return nil
	case 1:
		return s.all[0]
	}
	all := make([]any, len(s.all))
	for i, keywords := range s.all {
		all[i] = keywords
	}
	return map[string]any{"allOf": all}
}
