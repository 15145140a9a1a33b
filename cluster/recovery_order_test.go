package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/memory"
)

// TestOrderBehindTheJournal has a handler emit while the journal takes its time: what the handler
// does before and after that counts as if there were none.
func TestOrderBehindTheJournal(t *testing.T) {
	hub := memory.NewHub()
	m := newMember(t, hub, time.Minute)
	m.On("go", func(c *sio.Context) error {
		hub.Halt()
		time.AfterFunc(100*time.Millisecond, hub.Go) // the lane is full until then
		all := m.Of("/")
		err := errors.Join(
			all.To("room").Emit("emit, then leave"), leaveRoom(c, "room"), all.To("room").Emit("not for it"),
			all.To("more").Emit("not for it"), c.Join("more"), all.To("more").Emit("join, then emit"),
			c.Emit("to one"), c.Ack("ack"), c.Emit("behind the ack"),
		)
		c.Disconnect()
		return errors.Join(err, all.To("more").Emit("too late"))
	})
	r := (&roamer{t: t}).come(m)
	r.send(`27["go"]`)
	var got []string
	for len(got) == 0 || got[len(got)-1] != "1" {
		p := r.next()
		if p[0] == '2' {
			r.hear(p)
			p = r.got[len(r.got)-1]
		}
		got = append(got, p)
	}
	want := []string{"emit, then leave", "join, then emit", "to one", `37["ack"]`, "behind the ack", "1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
	}
}

func leaveRoom(c *sio.Context, room string) error {
	c.Leave(room)
	return nil
}
