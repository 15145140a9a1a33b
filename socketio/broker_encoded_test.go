package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio"
)

// encodingBroker hands its Local what it has encoded.
type encodingBroker struct{ *socketio.Local }

func (b encodingBroker) Broadcast(e *socketio.Broadcast) error {
	return b.Local.Broadcast(b.encoded(e))
}

func (b encodingBroker) BroadcastWithAck(ctx context.Context, e *socketio.Broadcast) ([]socketio.Answer, error) {
	return b.Local.BroadcastWithAck(ctx, b.encoded(e))
}

func (b encodingBroker) encoded(e *socketio.Broadcast) *socketio.Broadcast {
	data := fmt.Sprintf(`["%s",{"_placeholder":true,"num":0},%q]`, e.Event, e.Args[1])
	return &socketio.Broadcast{Data: []byte(data), Attachments: [][]byte{e.Args[0].([]byte)}, Selector: e.Selector, Volatile: e.Volatile, Plain: e.Plain}
}

// TestEncodedBroadcasts has what goes out of a broadcast that a broker has encoded.
func TestEncodedBroadcasts(t *testing.T) {
	for _, recovery := range []*socketio.Recovery{nil, {}} {
		h := newHost(t, &socketio.Options{Recovery: recovery, Broker: func(l *socketio.Local) socketio.Broker { return encodingBroker{l} }})
		n := h.of("/", &nsp{quiet: true})
		var heard []string
		n.OnOutgoing(func(_ *socketio.Socket, event string, args []any) {
			heard = append(heard, fmt.Sprintf("%s %s", event, args))
		})
		c := h.ws()
		c.send("40")
		c.read()
		want := func(text string) {
			t.Helper()
			c.want(text)
			c.wantBinary("xyz")
		}
		works(t, n.All().Emit("e", []byte("xyz"), "é"))
		if recovery != nil {
			head := `451-["e",{"_placeholder":true,"num":0},"é","`
			if got := c.read(); !strings.HasPrefix(got, head) || !strings.HasSuffix(got, `"]`) || len(got) < len(head)+4 {
				t.Errorf("%s without an offset", got)
			}
			c.wantBinary("xyz")
		} else {
			want(`451-["e",{"_placeholder":true,"num":0},"é"]`)
		}
		works(t, n.All().Volatile().Compress(false).Emit("e", []byte("xyz"), "v"))
		want(`451-["e",{"_placeholder":true,"num":0},"v"]`)
		works(t, n.All().To("nobody").Emit("e", []byte("xyz"), "v"))
		done := make(chan error, 1)
		go func() {
			got, err := n.All().EmitWithAck(t.Context(), "q", []byte("xyz"), "?")
			if len(got) != 1 || string(got[0].Args.Raw(0)) != "1" {
				err = errors.Join(err, fmt.Errorf("answers %v", got))
			}
			done <- err
		}()
		want(`451-0["q",{"_placeholder":true,"num":0},"?"]`)
		c.send("430[1]")
		works(t, <-done)
		if want := []string{"e [xyz é]", "e [xyz v]", "q [xyz ?]"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	}
}
