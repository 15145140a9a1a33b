package presence_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// A stranger is a server that says what a test wants it to.
type stranger struct {
	*sio.Server
	t *testing.T

	mu    sync.Mutex
	heard []report
}

// A report is what servers tell each other, as far as tests read it.
type report struct {
	From string
	Kind string
	Rev  uint64
	Part int
	Last bool
	Ask  map[string]int
	Room []struct {
		Set []struct{ K, V string }
	} `json:"rooms"`
}

func newStranger(t *testing.T, hub *memory.Hub) *stranger {
	cl, err := cluster.New(t.Context(), hub.Engine(), wire.Classic("", wire.ClassicOptions{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	quiet := zerolog.Nop()
	x := &stranger{Server: sio.New(&sio.Options{Broker: cl.Broker, Logger: &quiet}), t: t}
	x.OnServerEvent("presence:/", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		var r report
		if err := args.Bind(&r); err != nil {
			t.Error(err)
		}
		x.heard = append(x.heard, r)
		return nil, nil
	})
	t.Cleanup(func() {
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// says sends reports. Those in text are JSON without who says it.
func (x *stranger) says(reports ...any) {
	for _, r := range reports {
		if text, ok := r.(string); ok {
			r = json.RawMessage(`{"from":"x",` + text + `}`)
		}
		if err := x.ServerSideEmit("presence:/", r); err != nil {
			x.t.Fatal(err)
		}
	}
	synctest.Wait()
}

// hears returns what others have said since the last call, but for beats.
func (x *stranger) hears() []report {
	time.Sleep(500 * time.Millisecond) // who asks, or has to answer with a list, waits a moment
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	var heard []report
	for _, r := range x.heard {
		if r.Kind != "beat" {
			heard = append(heard, r)
		}
	}
	x.heard = nil
	return heard
}

// asked wants that the stranger is asked for what is behind a change.
func (x *stranger) asked(when string, since int) {
	x.t.Helper()
	heard := x.hears()
	if len(heard) != 1 || heard[0].Kind != "ask" || len(heard[0].Ask) != 1 || heard[0].Ask["x"] != since {
		x.t.Errorf("%s: heard %+v, want to be asked for what is behind %d", when, heard, since)
	}
}

func set(key, value string) string {
	return fmt.Sprintf(`{"room":"r","set":[{"k":%q,"t":1,"v":%q}]}`, key, value)
}

// TestHostile has another server say what makes no sense.
func TestHostile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		s, x := start(t, hub, nil), newStranger(t, hub)
		x.hears()
		x.says(nil, 1, true, []any{}, map[string]any{}, map[string]any{"from": 1}, map[string]any{"from": strings.Repeat("x", 300), "kind": "beat"},
			`"kind":1`, `"kind":"diff","rev":-1`, `"kind":"diff","rev":1,"rooms":{}`, `"kind":"none"`)
		if err := x.ServerSideEmit("presence:/"); err != nil {
			t.Fatal(err)
		}
		x.says(`"kind":"diff","rev":1,"rooms":[` + strings.Join([]string{
			set("good", "1"),
			set("", "no key"),
			set(strings.Repeat("k", 257), "the key is too long"),
			set("large", strings.Repeat("v", 1023)),
			`{"room":"r","set":[{"k":"type","t":1,"v":{}},{"k":"none","t":1},{"k":"late","t":9007199254740993,"v":""}],"del":["","nobody"]}`,
			`{"room":"` + strings.Repeat("r", 1025) + `","set":[{"k":"room","t":1,"v":""}]}`,
			`{"nsp":"/other","room":"s","set":[{"k":"room","t":1,"v":""}]}`,
		}, ",") + `]`)
		agree(t, 0, "after nonsense", "good=1", s)
		if n := s.p.Count(strings.Repeat("r", 1025)); n != 0 {
			t.Error("a room with a long name has members")
		}
		x.hears()

		// What it says is gone when it says nothing.
		agree(t, 5*time.Second, "when it is silent", "", s)
	})
}

// TestMissed has reports get lost, on either side.
func TestMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		s, x := start(t, hub, nil), newStranger(t, hub)
		x.hears()
		beat := func(rev int) string { return fmt.Sprintf(`"kind":"beat","rev":%d`, rev) }
		diff := func(rev int, rooms string) string {
			return fmt.Sprintf(`"kind":"diff","rev":%d,"rooms":[%s]`, rev, rooms)
		}
		list := func(rev, part int, last bool, rooms string) string {
			return fmt.Sprintf(`"kind":"list","rev":%d,"part":%d,"last":%t,"rooms":[%s]`, rev, part, last, rooms)
		}

		// The second of three changes is missing.
		x.says(diff(1, set("a", "1")), diff(3, set("c", "3")))
		agree(t, 0, "with a change missing", "a=1", s)
		x.asked("with a change missing", 1)
		x.says(diff(2, set("b", "2")), diff(3, set("c", "3")), diff(1, set("a", "old")), beat(3))
		agree(t, 0, "when it has come", "a=1 b=2 c=3", s)
		if heard := x.hears(); len(heard) > 0 {
			t.Errorf("when all is there: %+v", heard)
		}
		x.says(beat(4))
		x.asked("when a beat tells of another one", 3)

		// It is answered with a list, whose second part is missing.
		x.says(list(10, 0, false, set("d", "4")), list(10, 2, true, set("f", "6")))
		x.asked("with a part missing", -1)
		x.says(list(10, 0, false, set("d", "4")), diff(11, set("g", "7")), list(11, 1, false, set("e", "5")), list(11, 2, true, set("f", "6")))
		agree(t, 0, "with the list", "d=4 e=5 f=6 g=7", s)

		// And whose end is missing.
		x.says(beat(12), list(20, 0, false, set("h", "8")))
		time.Sleep(1500 * time.Millisecond)
		x.hears()
		x.says(beat(20))
		x.asked("without the end of the list", -1)
		x.says(list(20, 0, true, set("h", "8")))
		agree(t, 0, "with the end", "h=8", s)

		// It is asked itself. Who misses little gets that.
		s.enter(t, "ada", "1")
		time.Sleep(soon)
		s.enter(t, "bob", "1")
		heard := x.hears()
		if len(heard) != 2 || heard[1].Kind != "diff" || heard[1].Rev != 2 {
			t.Fatalf("heard %+v, want two changes", heard)
		}
		ask := func(since int) string { return fmt.Sprintf(`"kind":"ask","ask":{%q:%d}`, heard[0].From, since) }
		x.says(ask(1))
		if again := x.hears(); len(again) != 1 || again[0].Kind != "diff" || again[0].Rev != 2 || again[0].Room[0].Set[0].K != "bob" {
			t.Errorf("behind 1 comes %+v", again)
		}
		x.says(ask(2))
		if again := x.hears(); len(again) != 0 {
			t.Errorf("behind 2 comes %+v", again)
		}
		x.says(ask(-1), ask(-1), `"kind":"ask","ask":{"*":-1}`)
		if again := x.hears(); len(again) != 1 || again[0].Kind != "list" || !again[0].Last || again[0].Rev != 2 || len(again[0].Room[0].Set) != 2 {
			t.Errorf("asked for all three times, it says %+v", again)
		}
	})
}
