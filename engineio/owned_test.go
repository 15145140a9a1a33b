package engineio_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// A keeper keeps messages that it owns, and copies of them and of all others.
type keeper struct {
	sess          *engineio.Session
	kept, written [][]byte
	owned         int
	done          chan struct{}
}

func (k *keeper) Message(data []byte, _ bool) {
	if string(data) == "over" {
		close(k.done)
		return
	}
	k.written = append(k.written, bytes.Clone(data))
	if !k.sess.Owned() {
		data = bytes.Clone(data)
	} else {
		k.owned++
	}
	k.kept = append(k.kept, data)
}

func (k *keeper) Close(engineio.Reason) {}

// TestOwned keeps messages of which the session says that one may, and finds them unchanged
// when many others have come, whole, in pieces and in frames.
func TestOwned(t *testing.T) {
	k := &keeper{done: make(chan struct{})}
	srv, err := engineio.New(nil, func(sess *engineio.Session) engineio.Handler {
		k.sess = sess
		return k
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(srv)
	defer web.Close()
	defer srv.Shutdown(t.Context())
	conn, _, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http")+"/engine.io/?EIO=4&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var sent []string
	for i := range 60 {
		size := []int{10, 900, 5_000, 40_000, 70_000, 300_000}[i%6]
		text := fmt.Sprint(i) + strings.Repeat(string(rune('a'+i%26)), size)
		sent = append(sent, text)
		if i%4 < 3 {
			if err := wsutil.WriteClientText(conn, []byte("4"+text)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		half := len(text) / 2
		for _, f := range []ws.Frame{
			ws.NewFrame(ws.OpText, false, []byte("4"+text[:half])),
			ws.NewFrame(ws.OpContinuation, true, []byte(text[half:])),
		} {
			if err := ws.WriteFrame(conn, ws.MaskFrame(f)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := wsutil.WriteClientText(conn, []byte("4over")); err != nil {
		t.Fatal(err)
	}
	timetest.Receive(t, k.done, patience, "the last message")
	if k.owned < len(sent)/4 {
		t.Errorf("of %d messages only %d may be kept", len(sent), k.owned)
	}
	for i, want := range sent {
		if i >= len(k.kept) || string(k.written[i]) != want || string(k.kept[i]) != want {
			t.Fatalf("message %d is not what was sent", i)
		}
	}
}
