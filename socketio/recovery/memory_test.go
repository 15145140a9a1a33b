package recovery_test

import (
	"errors"
	"testing"

	"github.com/siokit/sio/socketio/recovery"
)

func done(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestMemoryStore(t *testing.T) {
	var m recovery.MemoryStore
	done(t, m.Drop(9), m.Remove("none"))
	if _, err := m.Take("none"); err == nil {
		t.Error("took what is not there")
	}
	for _, seq := range []uint64{10, 12, 13} {
		done(t, m.Append(recovery.Event{Seq: seq}))
	}
	done(t, m.Drop(11))
	for seq, there := range map[uint64]bool{9: false, 10: false, 11: false, 12: true, 13: true, 14: false} {
		if e, err := m.Event(seq); (err == nil) != there || there && e.Seq != seq {
			t.Errorf("event %d: %+v, %v", seq, e, err)
		}
	}
	done(t, m.Save(recovery.Session{PID: "p", ID: "i"}), m.Save(recovery.Session{PID: "q"}), m.Remove("q"))
	if s, err := m.Take("p"); err != nil || s.ID != "i" {
		t.Errorf("session %+v, %v", s, err)
	}
	for _, pid := range []string{"p", "q"} {
		if _, err := m.Take(pid); err == nil {
			t.Errorf("took %s again", pid)
		}
	}
}
