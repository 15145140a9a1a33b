package redis

import (
	"testing"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// The next master is found when the first dies, and when it lives on as a replica, where
// nobody else would hear what is published.
func TestSentinel(t *testing.T) {
	for name, replace := range map[string]func(s *redistest.Sentinel){
		"dies":     func(s *redistest.Sentinel) { s.Servers[0].Kill() },
		"lives on": func(s *redistest.Sentinel) { s.Do("sentinel", "failover", redistest.MasterSet) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.StartSentinel(t)
			c := rueidis.ClientOption{InitAddress: []string{s.Addr}, Sentinel: rueidis.SentinelOption{MasterSet: redistest.MasterSet}}
			a, b := start(t, &Options{}, c), start(t, &Options{}, c)
			b.Subscribe("all")
			b.settled()
			a.send("all", "0")
			b.has("all 0")
			replace(s)
			for _, p := range []*peer{a, b} {
				p.wait("Away", func() bool { return p.aways > 0 })
			}
			for _, p := range []*peer{a, b} {
				p.wait("Back", func() bool { return p.aways == p.backs })
			}
			if got := s.Master(); got != s.Servers[1].Addr {
				t.Errorf("%s is the master", got)
			}
			a.send("all", "1")
			b.has("all 1")
			if n, err := a.Count(t.Context(), "all"); n != 1 || err != nil {
				t.Errorf("counted %d, %v", n, err)
			}
		})
	}
}
