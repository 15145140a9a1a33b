package choice

import (
	"slices"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	all := []string{"Echo", "Memory", "Churn"}
	for names, want := range map[string][]string{"": all, "churn": {"Churn"}, "memory,echo": {"Memory", "Echo"}} {
		if got, err := Of("only", names, all, strings.ToLower); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", names, got, err)
		}
	}
	for names, want := range map[string]string{
		"ecco":  `-only: there is no "ecco", but echo,memory,churn`,
		"echo,": `-only: there is no "", but echo,memory,churn`,
	} {
		if _, err := Of("only", names, all, strings.ToLower); err == nil || err.Error() != want {
			t.Errorf("%q: %v", names, err)
		}
	}
}
