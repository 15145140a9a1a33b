package share

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestOf(t *testing.T) {
	for _, same := range [][]string{
		{"192.0.2.1:1", "192.0.2.1:2", "[::ffff:192.0.2.1]:3"},
		{"192.0.2.2:1"},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:2"},
		{"[2001:db8:1:3::1]:1"},
		{"[fe80::1%eth0]:1", "[fe80::2%eth1]:1"},
		{"", "pipe", "192.0.2.1", "@"},
	} {
		for _, remote := range same {
			if got, want := Of(remote), Of(same[0]); got != want {
				t.Errorf("%s: %v, want %v", remote, got, want)
			}
		}
	}
	if Of("192.0.2.1:1") == Of("192.0.2.2:1") || Of("[2001:db8:1:2::1]:1") == Of("[2001:db8:1:3::1]:1") {
		t.Error("others are the same")
	}
}

// TestMost compares a table with counts in a map.
func TestMost(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var table Table[int]
	var all []*Holder[int]
	counts := make(map[netip.Prefix]int)
	for round := range 20_000 {
		if len(all) == 0 || rng.IntN(100) < 30+40*(round/2000%2) {
			who := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(rng.IntN(20) * rng.IntN(12))}), 32)
			all = append(all, table.Add(who))
			counts[who]++
		} else {
			i := rng.IntN(len(all))
			h := all[i]
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
			table.Remove(h)
			if counts[h.Who]--; counts[h.Who] == 0 {
				delete(counts, h.Who)
			}
		}
		most := 0
		for who, n := range counts {
			if table.Held(who) != n {
				t.Fatalf("%v holds %d, want %d", who, table.Held(who), n)
			}
			most = max(most, n)
		}
		switch h := table.Most(); {
		case h == nil && most > 0, h != nil && h.Len() != most:
			t.Fatalf("the most is %+v, want %d", h, most)
		}
	}
	for _, h := range all {
		table.Remove(h)
	}
	if table.Most() != nil || len(table.holders) != 0 {
		t.Errorf("%d are left", len(table.holders))
	}
}
