package roster

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type member struct{ place int }

// TestViews compares sets with slices: a view stays what it was, whatever comes
// behind it.
func TestViews(t *testing.T) {
	type view struct {
		View[member]
		want []*member
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var (
			s     Set[member]
			want  []*member
			views []view
		)
		for grow := range 4000 {
			switch n := rng.IntN(100); {
			case n < 3:
				views = append(views, view{s.View(), slices.Clone(want)})
			case len(want) == 0 || n < 30+60*(grow/1000%2):
				m := new(member)
				if m.place = s.Add(m); m.place != len(want) {
					t.Fatalf("added at %d of %d", m.place, len(want))
				}
				want = append(want, m)
			default:
				place := rng.IntN(len(want))
				last := len(want) - 1
				moved := s.Remove(place)
				if place == last != (moved == nil) || moved != nil && moved != want[last] {
					t.Fatal("another one moved than the last")
				}
				want[place] = want[last]
				want = want[:last]
			}
			if s.Len() != len(want) {
				t.Fatalf("%d members, want %d", s.Len(), len(want))
			}
		}
		for _, v := range append(views, view{s.View(), want}) {
			if got := v.AppendTo(nil); !slices.Equal(got, v.want) || v.Len() != len(v.want) {
				t.Fatalf("a view has %d members, want %d, or others", len(got), len(v.want))
			}
			if got := slices.Collect(v.Each); !slices.Equal(got, v.want) {
				t.Fatal("Each tells of others")
			}
		}
	}
}

// TestSnapshotsCostNothing: a million members, of whom some come and go while
// others look.
func TestSnapshotsCostNothing(t *testing.T) {
	var s Set[member]
	for range 1_000_000 {
		m := new(member)
		m.place = s.Add(m)
	}
	if n := testing.AllocsPerRun(10, func() { s.View() }); n > 0 {
		t.Errorf("a view: %v allocations", n)
	}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.View()
			s.Remove(1000)
			s.View()
			s.Add(new(member))
		}
	})
	if got := r.AllocedBytesPerOp(); got > 256<<10 {
		t.Errorf("one leaves and one comes: %d bytes", got)
	}
}

// TestFewHoldLittle: who stays of many does not hold what they took.
func TestFewHoldLittle(t *testing.T) {
	var s Set[member]
	for range 10_000 {
		s.Add(new(member))
	}
	s.View()
	for s.Len() > 1 {
		s.Remove(0)
	}
	if cap(s.tail) > 8 || len(s.full) > 0 {
		t.Errorf("room for %d in the tail, and %d chunks", cap(s.tail), len(s.full))
	}
}
