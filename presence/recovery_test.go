package presence_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/presence"
)

const patience = 10 * time.Second

// A visitor is a client on a real connection, who can come back.
type visitor struct {
	*testclient.Client
	t           *testing.T
	pid, offset string
}

func visit(t *testing.T, url, auth string) *visitor {
	t.Helper()
	c, err := testclient.Dial(url+"/socket.io/", testclient.Options{WebSocket: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Send("0" + auth); err != nil {
		t.Fatal(err)
	}
	return &visitor{Client: c, t: t}
}

// until reads until the client has been told of something, and takes down what it needs to
// come back.
func (v *visitor) until(part string) {
	v.t.Helper()
	for {
		p, err := v.Next()
		if err != nil {
			v.t.Fatalf("waiting for %s: %v", part, err)
		}
		if p[0] == '0' {
			var answer struct{ PID string }
			if err := json.Unmarshal([]byte(p[1:]), &answer); err != nil {
				v.t.Fatal(err)
			}
			v.pid = answer.PID
		}
		if p[0] == '2' {
			var args []any
			if err := json.Unmarshal([]byte(p[1:]), &args); err != nil {
				v.t.Fatal(err)
			}
			v.offset, _ = args[len(args)-1].(string)
		}
		if strings.Contains(p, part) {
			return
		}
	}
}

// TestRecovered has a client whose connection breaks, and who comes back while it is still
// there, and again when it was taken for gone: it need not ask for anything.
func TestRecovered(t *testing.T) {
	for _, grace := range []time.Duration{patience, -1} {
		s := start(t, nil, &presence.Options{Event: "presence", Grace: grace})
		web := httptest.NewServer(s)
		t.Cleanup(web.Close)
		changes := make(chan string, 100)
		s.p.OnChange(func(c presence.Change[string]) {
			for _, m := range c.Joined {
				changes <- "joined " + m.Key
			}
			for _, m := range c.Left {
				changes <- "left " + m.Key
			}
		})
		change := func(want string) {
			t.Helper()
			if got := timetest.Receive(t, changes, patience, want); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
		ended := make(chan struct{}, 1)
		s.OnDisconnect(func(*sio.Context) error {
			ended <- struct{}{}
			return nil
		})

		ada := visit(t, web.URL, "{}")
		ada.until("sid")
		if err := ada.Send(`2["enter",{"Room":"r","Key":"ada","Value":"1"}]`); err != nil {
			t.Fatal(err)
		}
		ada.until(`"members":[{"key":"ada","value":"1"}]`)
		change("joined ada")
		if err := s.To("r").Emit("offset"); err != nil {
			t.Fatal(err)
		}
		ada.until("offset")
		ada.Close()
		<-ended
		if grace < 0 {
			change("left ada")
		}
		back := visit(t, web.URL, `{"pid":"`+ada.pid+`","offset":"`+ada.offset+`"}`)
		back.until(`"members":[{"key":"ada","value":"1"}]`)
		if grace < 0 {
			change("joined ada")
		}
		if err := back.Send("1"); err != nil { // on purpose
			t.Fatal(err)
		}
		change("left ada")
		if len(changes) > 0 {
			t.Errorf("%s", <-changes)
		}
	}
}

// TestRecoveredElsewhere has a server killed. One of its clients comes back to another server
// before that knows, and the other does not come back.
func TestRecoveredElsewhere(t *testing.T) {
	hub, o := memory.NewHub(), &presence.Options{Event: "presence", Timeout: 4 * time.Second}
	journal := hub.Journal()
	a, b := startOn(t, journal, "/", o), startOn(t, hub.Journal(), "/", o)
	urls := make(map[*server]string)
	for _, s := range []*server{a, b} {
		web := httptest.NewServer(s)
		t.Cleanup(web.Close)
		urls[s] = web.URL
	}
	changes := make(chan string, 100)
	b.p.OnChange(func(c presence.Change[string]) {
		for _, m := range c.Joined {
			changes <- "joined " + m.Key
		}
		for _, m := range c.Left {
			changes <- "left " + m.Key
		}
	})
	change := func(want string) {
		t.Helper()
		if got := timetest.Receive(t, changes, patience, want); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	enter := func(key string) *visitor {
		v := visit(t, urls[a], "{}")
		v.until("sid")
		if err := v.Send(`2["enter",{"Room":"r","Key":"` + key + `","Value":"1"}]`); err != nil {
			t.Fatal(err)
		}
		v.until(`"members":[`)
		change("joined " + key)
		return v
	}
	ada := enter("ada")
	enter("eve")
	if err := b.To("r").Emit("offset"); err != nil {
		t.Fatal(err)
	}
	ada.until(`["offset"`)
	journal.Kill()
	ada.Close()
	back := visit(t, urls[b], `{"pid":"`+ada.pid+`","offset":"`+ada.offset+`"}`)
	back.until(`"members":[{"key":"ada","value":"1"},{"key":"eve","value":"1"}]`)
	change("left eve")
	if got := members(b.p, "r"); got != "ada=1" || len(changes) > 0 {
		t.Errorf("%s are there, and %d changes", got, len(changes))
	}
}
