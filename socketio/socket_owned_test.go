package socketio_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/socketio"
)

// TestLongHead keeps events that are a small part of the messages in which they came: what
// they hold must not be more than what is counted.
func TestLongHead(t *testing.T) {
	bubble(t, "zeros in front of the id", nil, func(t *testing.T, h *host) {
		const n = 40
		var kept []*socketio.Event
		h.of("/", &nsp{quiet: true, onEvent: func(_ *socketio.Socket, e *socketio.Event) { kept = append(kept, e) }})
		c := h.ws()
		c.join("/")
		before := alloctest.Heap()
		message := "42" + strings.Repeat("0", 900_000) + `["small"]`
		for range n {
			c.send(message)
			synctest.Wait()
		}
		if held := (alloctest.Heap() - before) >> 20; len(kept) != n || held > 20 {
			t.Errorf("%d small events hold %d MiB", len(kept), held)
		}
		runtime.KeepAlive(kept)
	})
}
