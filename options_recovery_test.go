package sio_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
)

func TestRecovery(t *testing.T) {
	var logs logBuffer
	h := newHost(t, &sio.Options{Recovery: &sio.Recovery{Window: time.Minute}, Logger: logs.logger()})
	name := sio.NewKey[string]("name")
	left := make(chan bool, 8)
	h.OnConnect(func(c *sio.Context) error {
		var auth struct {
			PID   string `json:"pid"`
			Token string `json:"token"`
		}
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if c.Recovered() != (auth.PID != "") {
			t.Errorf("Recovered %t with pid %q", c.Recovered(), auth.PID)
		}
		if auth.Token != "good" {
			return &sio.Error{Message: "not authorized"}
		}
		if c.Recovered() {
			return errors.Join(c.Emit("hello again", name.MustGet(c), len(c.Rooms())))
		}
		name.Set(c, "ann")
		return c.Join("room")
	})
	h.OnDisconnect(func(c *sio.Context) error {
		left <- c.Recovered()
		return nil
	})

	c := h.dial()
	c.send(`0{"token":"good"}`)
	sid, pid := answer(t, c)
	if err := h.To("room").Emit("event", 1); err != nil {
		t.Fatal(err)
	}
	offset := event(t, c, `2["event",1,"`)
	c.Close()
	if receive(t, left, "the disconnect") {
		t.Error("a new client has been there before")
	}
	if err := h.To("room").Emit("missed"); err != nil {
		t.Fatal(err)
	}

	c = h.dial()
	c.send(`0{"pid":"` + pid + `","offset":"` + offset + `","token":"good"}`)
	event(t, c, `2["missed","`)
	if sid2, pid2 := answer(t, c); sid2 != sid || pid2 != pid {
		t.Errorf("answer %s %s, want %s %s", sid2, pid2, sid, pid)
	}
	offset = event(t, c, `2["hello again","ann",1,"`)
	if s := h.Socket(sid); s == nil || !s.Recovered() {
		t.Error("the socket is not the recovered one")
	}
	c.Close()
	if !receive(t, left, "the disconnect") {
		t.Error("not recovered")
	}

	// The handler has the last word, and nothing is sent before.
	c = h.dial()
	c.send(`0{"pid":"` + pid + `","offset":"` + offset + `","token":"bad"}`)
	c.want(`4{"message":"not authorized"}`)
	if strings.Contains(logs.String(), pid) || strings.Contains(logs.String(), offset) {
		t.Error("the log has a pid")
	}
	mustPanic(t, "sio: Options: Recovery.Window is negative (-1s)", func() {
		sio.New(&sio.Options{Recovery: &sio.Recovery{Window: -time.Second}})
	})
}

// answer reads the answer to a CONNECT.
func answer(t *testing.T, c *client) (sid, pid string) {
	t.Helper()
	p, err := c.Next()
	var a struct{ SID, PID string }
	if err == nil {
		err = json.Unmarshal([]byte(strings.TrimPrefix(p, "0")), &a)
	}
	if err != nil || len(a.PID) != 20 {
		t.Fatalf("answer %q: %v", p, err)
	}
	return a.SID, a.PID
}

// event reads an event and returns its offset.
func event(t *testing.T, c *client, head string) string {
	t.Helper()
	p, err := c.Next()
	offset, ok := strings.CutPrefix(p, head)
	if err != nil || !ok {
		t.Fatalf("packet %q %v, want %s…", p, err, head)
	}
	return strings.TrimSuffix(offset, `"]`)
}
