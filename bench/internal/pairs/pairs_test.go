package pairs

import (
	"strings"
	"testing"
)

func TestPairs(t *testing.T) {
	p := &Pairs{Variants: []Variant{{Name: "plain"}, {Name: "metrics"}}, Rows: []Row{{Title: "echo"}}}
	if p.Check(1) == nil {
		t.Error("nothing is measured, and all is well")
	}
	p.perOp = [][][]float64{{{2e-6, 1e-6, 2e-6}, {3e-6, 1e-6, 2.5e-6}}}
	p.ratios = [][][]float64{{{1, 1, 1}, {1.5, 1, 1.25}}}
	var b strings.Builder
	p.Report(&b)
	if want := "| echo | 2.00 µs | 2.50 µs | **+25.0 %** (+0.0 – +50.0) |\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	if err := p.Check(0.25); err != nil {
		t.Error(err)
	}
	if err := p.Check(0.2); err == nil || err.Error() != "echo: metrics cost 25.0 % more" {
		t.Error(err)
	}
}
