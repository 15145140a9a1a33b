package sio_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// A watcher writes down what it is told.
type watcher struct {
	mu    sync.Mutex
	heard []string
}

func (w *watcher) add(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, what)
}
func (w *watcher) Connected(s *sio.Socket)            { w.add("connected to " + s.Namespace().Name()) }
func (w *watcher) Left(_ *sio.Socket, rooms []string) { w.add(fmt.Sprint("left ", rooms)) }
func (w *watcher) Shutdown()                          { w.add("shutdown") }

func TestWatch(t *testing.T) {
	for _, name := range []string{"/", "/t-{id}"} {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(t, nil)
			n := srv.Of(name)
			var w, other watcher
			n.Watch(&w)
			n.Watch(&other)
			n.OnConnect(func(c *sio.Context) error {
				return c.Join("a", "b", "c")
			})
			n.OnConnected(func(c *sio.Context) error {
				w.add("handler")
				return nil
			})
			sio.OnWithAck(n, "leave", func(c *sio.Context, room string) (bool, error) {
				c.Leave(room)
				return true, nil
			})
			in := map[string]string{"/": "/", "/t-{id}": "/t-1"}[name]
			if n.IsPattern() != (in != name) || n.Server() != srv || srv.Server() != srv {
				t.Errorf("%s: a pattern: %t", name, n.IsPattern())
			}
			if n.Live("/t-1") != nil {
				t.Errorf("%s: there is somebody", name)
			}
			c := siotest.Connect(t, srv, &siotest.Options{Namespace: in})
			c.Call("leave", "a")
			if err := n.In("b").Leave("b", "none"); err != nil {
				t.Fatal(err)
			}
			if l := n.Live(in); (l != nil) != n.IsPattern() || l != nil && l.Name() != in {
				t.Errorf("%s: %v is live", name, l)
			}
			if srv.Of("/u-{id}").Live(in) != nil || n.Live("/none") != nil {
				t.Errorf("%s: what is not there is live", name)
			}
			c.Disconnect()
			synctest.Wait()
			if srv.Drain(t.Context(), &sio.DrainOptions{PerSecond: -1}) == nil {
				t.Error("these options are accepted")
			}
			if err := srv.Drain(t.Context(), &sio.DrainOptions{Notice: -1}); err != nil {
				t.Fatal(err)
			}
			want := []string{"connected to " + in, "handler", "left [a]", "left [b none]", "shutdown"}
			if !slices.Equal(w.heard, want) {
				t.Errorf("%s: heard %q, want %q", name, w.heard, want)
			}
			if len(other.heard) != len(want)-1 {
				t.Errorf("%s: another one heard %q", name, other.heard)
			}
		})
	}
}
