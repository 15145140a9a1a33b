package cluster

import (
	"errors"
	"testing"

	"github.com/siokit/sio/cluster/wire"
)

// TestMissed has what an engine has missed counted.
func TestMissed(t *testing.T) {
	c, err := New(t.Context(), new(countingEngine), wire.Sharded("", wire.Dynamic), nil)
	if err != nil {
		t.Fatal(err)
	}
	receiver{c}.Missed(3, errors.New("no room"))
	receiver{c}.Missed(0, errors.New("nobody knows how many"))
	if n := c.Stats().Missed; n != 3 {
		t.Errorf("%d messages are missed, want 3", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
