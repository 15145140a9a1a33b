package presence_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/presence"
	"github.com/siokit/sio/siotest"
)

// TestNames has names that other servers could not be told as they are.
func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		a, b := start(t, hub, nil), start(t, hub, nil)
		for _, name := range []string{"ключ", "\x00", `"\<&>`, "\u2028", "🙂", " ", strings.Repeat("é", 128)} {
			siotest.Connect(t, a.Server).Call("enter", seat{"room " + name, name, name})
			time.Sleep(soon)
			synctest.Wait()
			for i, s := range []*server{a, b} {
				if got := members(s.p, "room "+name); got != name+"="+name {
					t.Errorf("server %d has %q in %q", i, got, name)
				}
			}
		}
		var errs []error
		sio.OnWithAck(a.Server, "odd", func(c *sio.Context, _ string) (bool, error) {
			errs = append(errs, a.p.Enter(c.Socket(), "r", "\xff", ""), a.p.Enter(c.Socket(), "\xff", "k", ""))
			return true, nil
		})
		siotest.Connect(t, a.Server).Call("odd", "")
		for _, err := range errs {
			if !errors.Is(err, presence.ErrName) {
				t.Errorf("a name that is not UTF-8: %v", err)
			}
		}
		sio.OnWithAck(a.Of("/other"), "enter", func(c *sio.Context, _ string) (bool, error) {
			return a.p.Enter(c.Socket(), "r", "k", "") != nil, nil
		})
		var refused bool
		siotest.Connect(t, a.Server, &siotest.Options{Namespace: "/other"}).Call("enter", "").Bind(&refused)
		if !refused {
			t.Error("a socket of another namespace is taken")
		}
		agree(t, soon, "after odd names", "", a, b)
	})
}

// TestRefused has clients enter before they are refused.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil, nil)
		s.OnConnect(func(c *sio.Context) error {
			if err := s.p.Enter(c.Socket(), "r", "", "1"); err != nil {
				t.Error(err)
			}
			return &sio.Error{Message: "no"}
		})
		siotest.Refused(t, s.Server)
		agree(t, soon, "when one is refused", "", s)
	})
}

// TestSameKey has three servers say different things of a member at the same time.
func TestSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		servers := []*server{start(t, hub, nil), start(t, hub, nil), start(t, hub, nil)}
		spy := newSpy(t, hub)
		tabs := make([]*siotest.Client, len(servers))
		for i, s := range servers {
			tabs[i] = siotest.Connect(t, s.Server)
			tabs[i].Emit("enter", seat{"r", "ada", fmt.Sprint(i)})
		}
		time.Sleep(soon)
		synctest.Wait()
		want := members(servers[0].p, "r") // any of them: who has heard of another one says something later
		if !strings.HasPrefix(want, "ada=") {
			t.Fatalf("there is %q", want)
		}
		agree(t, 0, "of three values", want, servers...)
		time.Sleep(time.Second)
		if n := spy.count(); n > 3*2+3*3+3*3 { // of each a change, one that takes over the last value, what is asked, and beats
			t.Errorf("%d messages", n)
		}
		tabs[2].Disconnect()
		agree(t, soon, "when one has left", want, servers...)
		tabs[0].Disconnect()
		tabs[1].Disconnect()
		agree(t, soon, "when all have left", "", servers...)
		for _, s := range servers {
			s.mu.Lock()
			joined, left := 0, 0
			for _, c := range s.saw {
				if strings.HasPrefix(c, "joined") {
					joined++
				} else if strings.HasPrefix(c, "left") {
					left++
				}
			}
			s.mu.Unlock()
			if joined != 1 || left != 1 {
				t.Errorf("saw %q", s.saw)
			}
		}
	})
}

// TestClock has a server whose clock is an hour fast, and then at the end of time.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		a, b, x := start(t, hub, nil), start(t, hub, nil), newStranger(t, hub)
		ada := a.enter(t, "ada", "1")
		for rev, at := range []uint64{uint64(time.Now().Add(time.Hour).UnixMilli()), 1 << 53} {
			x.says(fmt.Sprintf(`"kind":"diff","rev":%d,"rooms":[{"room":"r","set":[{"k":"ada","t":%d,"v":"x"}]}]`, rev+1, at))
			agree(t, soon, "with the later value", "ada=x", a, b)
			ada.Call("update", seat{Room: "r", Value: fmt.Sprint("mine ", rev)})
			want := "ada=mine 0"
			if at == 1<<53 {
				want = "ada=x" // nothing is later: all take the same
			}
			agree(t, soon, "with the last value", want, a, b)
		}
	})
}

// TestRestart has a server die, and be there again before others know.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		a, b := start(t, hub, nil), start(t, hub, nil)
		b.enter(t, "bob", "1")
		b.enter(t, "eve", "1")
		agree(t, soon, "in the beginning", "bob=1 eve=1", a)
		b.engine.Cut()
		time.Sleep(500 * time.Millisecond)
		again := start(t, hub, nil)
		again.enter(t, "bob", "2")
		agree(t, 6*time.Second, "after the restart", "bob=2", a, again)
		a.sees(t, "after the restart", "joined r:bob=1", "joined r:eve=1", "updated r:bob=2", "left r:eve=1")
	})
}

func TestMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil, nil)
		for _, o := range []*presence.Options{nil, {MaxValue: -1}, {MaxValue: 1 << 20}, {Timeout: -1}, {Timeout: 3}, {MaxMembers: -1}, {MaxRooms: -1}} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%+v does not panic", o)
					}
				}()
				n := s.Of("/other")
				if o == nil {
					n = s.Of("/")
				}
				presence.New[string](n, o)
			}()
		}
	})
}
