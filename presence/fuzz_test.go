package presence

import (
	"testing"

	"github.com/siokit/sio"
)

// FuzzHear has another server say anything, from which no panic and no member beyond the
// bounds may follow.
func FuzzHear(f *testing.F) {
	for _, seed := range []string{
		`{"from":"x","kind":"beat","rev":1}`,
		`{"from":"x","kind":"diff","rev":1,"rooms":[{"room":"r","set":[{"k":"a","t":1,"v":"1"}],"del":["b"]}]}`,
		`{"from":"x","kind":"list","rev":7,"part":0,"last":true,"rooms":[{"nsp":"/","room":"r","set":[{"k":"a","t":1,"v":"1"}]}]}`,
		`{"from":"x","kind":"ask","ask":{"*":-1,"y":9}}`,
		`{"from":"x","kind":"bye"}`,
	} {
		f.Add([]byte(seed), []byte(seed))
	}
	srv := sio.New(nil)
	p := New[string](srv.Of("/"), &Options{MaxValue: 16})
	f.Cleanup(func() { _ = srv.Shutdown(f.Context()) })
	f.Fuzz(func(t *testing.T, first, second []byte) {
		_, _ = p.c.hear(first), p.c.hear(second)
		p.c.mu.RLock()
		defer p.c.mu.RUnlock()
		for at, r := range p.c.rooms {
			if at.nsp != "/" || len(at.room) > maxName {
				t.Errorf("a room %q of %q", at.room, at.nsp)
			}
			for key, m := range r.members {
				if key == "" || len(key) > maxKey || len(m.raw) > 16 || len(m.claims) == 0 {
					t.Errorf("a member %q=%q", key, m.raw)
				}
			}
		}
		if len(p.c.nodes) > maxNodes {
			t.Errorf("%d servers", len(p.c.nodes))
		}
	})
}
