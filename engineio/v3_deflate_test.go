package engineio_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/siokit/sio/engineio"
)

// TestDeflateV3 has the forms of revision 3 compressed, both ways, and polling
// left as it is.
func TestDeflateV3(t *testing.T) {
	opts := &engineio.Options{Compression: &engineio.Deflate{}}
	for more, form := range map[string]struct {
		op     byte
		binary string
	}{
		"":       {opBinary, "\x04" + wordy},
		"&b64=1": {opText, "b4" + base64.StdEncoding.EncodeToString([]byte(wordy))},
	} {
		bubble3(t, "upgrade"+more, opts, func(t *testing.T, h *host) {
			p := h.open3(more)
			c, res := h.raw(h.wsRequest("EIO=3&transport=websocket&sid="+p.ID(), offer))
			if got := res.Header.Get("Sec-WebSocket-Extensions"); res.StatusCode != 101 || got != accepted {
				t.Fatalf("handshake: %s, extensions %q", res.Status, got)
			}
			c.write(masked(opText|rsv1, deflated("2probe")))
			c.wants("3probe")
			p.send("a")
			p.sendBinary([]byte(wordy)...)
			if r := p.get(); r.status != 200 || !strings.Contains(r.body, form.binary) {
				t.Errorf("GET: %d %.100q", r.status, r.body)
			}
			p.sendBinary([]byte(wordy)...)
			if err := p.Send(engineio.NewBinaryMessage([]byte(wordy)).Plain(), engineio.NewMessage([]byte(wordy))); err != nil {
				t.Fatal(err)
			}
			c.write(masked(opText|rsv1, deflated("5")))
			c.wantDeflated(form.op, form.binary)
			c.want(form.op, form.binary)
			c.wantDeflated(opText, "4"+wordy)
			h.upgraded(c, p.peer)

			c.write(masked(opBinary|rsv1, deflated("\x04"+wordy)), masked(opText|rsv1, deflated("b4AQID")), masked(opText|rsv1, deflated("2x")))
			p.wantBinary(wordy)
			p.wantBinary("\x01\x02\x03")
			c.wants("3x")
			c.write(masked(opBinary|rsv1, deflated("\x05")))
			c.closed(1005)
			p.ends("parse error")
		})
	}
}
