package presence

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// TestFloodOfLists has a client enter and leave a room with many members all the time: its list is
// made now and then, and sent to nobody who has left.
func TestFloodOfLists(t *testing.T) {
	const crowd, seconds = 10_000, 2
	synctest.Test(t, func(t *testing.T) {
		quiet := zerolog.Nop()
		srv := sio.New(&sio.Options{Logger: &quiet})
		siotest.Cleanup(t, srv)
		p := New[string](srv.Of("/"), &Options{Event: "presence", Timeout: time.Hour})
		sio.OnWithAck(srv, "enter", func(c *sio.Context, room string) (bool, error) {
			return true, p.Enter(c.Socket(), room, "flood", "")
		})
		sio.OnWithAck(srv, "leave", func(c *sio.Context, room string) (bool, error) {
			c.Leave(room)
			return true, nil
		})
		r := roomReport{Room: "r"}
		for i := range crowd {
			r.Set = append(r.Set, claimReport{fmt.Sprint("user ", i), 1, json.RawMessage(`"` + strings.Repeat("x", 60) + `"`)})
		}
		data, err := json.Marshal(report{From: "x", Kind: kindDiff, Rev: 1, Rooms: []roomReport{r}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.c.hear(data); err != nil {
			t.Fatal(err)
		}
		c := siotest.Connect(t, srv)
		for range seconds * 50 {
			c.Call("enter", "r")
			time.Sleep(10 * time.Millisecond)
			c.Call("leave", "r")
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second) // who has left gets no list that was due
		c.Call("enter", "end")
		lists := 0
		for {
			got := siotest.Expect[Change[string]](c, "presence")
			if got.Room == "end" {
				break
			}
			if len(got.Members) > 0 {
				lists++
			}
		}
		most := int(seconds*time.Second/(crowd*listPace)) + 1
		if lists == 0 || lists > most {
			t.Errorf("%d lists of %d members in %d seconds, want %d at most", lists, crowd, seconds, most)
		}
	})
}
