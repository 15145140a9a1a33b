package engineio_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/alloctest"
)

// TestDeflateBroadcast sends the same messages, from several goroutines, to clients
// of every kind. Half of them read when all has been sent, so that frames are cut.
func TestDeflateBroadcast(t *testing.T) {
	h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{Threshold: 100}, QueueBytes: 64 << 20, PingInterval: time.Hour, WriteTimeout: time.Minute})
	kinds := []struct {
		query   string
		deflate bool
	}{{"", false}, {"", true}, {"&b64=1", false}, {"&b64=1", true}}
	const senders, rounds = 3, 40
	bodies := make([]string, rounds)
	texts := make([]*engineio.Message, rounds)
	binaries := make([]*engineio.Message, rounds)
	for i := range rounds {
		bodies[i] = fmt.Sprintf("%d:", i) + strings.Repeat(wordy, i) + noise(i*500)
		texts[i] = engineio.NewMessage([]byte(strings.ToValidUTF8(bodies[i], "?")))
		binaries[i] = engineio.NewBinaryMessage([]byte(bodies[i]))
	}
	sent := make(chan struct{})
	var ps []*peer
	var readers sync.WaitGroup
	for _, late := range []bool{false, true} {
		for _, k := range kinds {
			var header []string
			if k.deflate {
				header = []string{offer}
			}
			c := h.ws(k.query, header...)
			c.read()
			ps = append(ps, h.peer())
			readers.Go(func() {
				if late {
					<-sent
				}
				readBroadcast(t, c, k.query != "", k.deflate, senders, bodies)
			})
		}
	}
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for i := range rounds {
				var b engineio.Batch
				for _, p := range ps {
					if err := b.Send(p.Session, false, texts[i], binaries[i]); err != nil {
						t.Error(err)
					}
				}
				b.Flush()
			}
		})
	}
	wg.Wait()
	close(sent)
	readers.Wait()
}

// readBroadcast reads each text and the binary behind it, as often as there are
// senders.
func readBroadcast(t *testing.T, c *wsClient, b64, deflate bool, senders int, bodies []string) {
	compressed := 0
	for range senders * len(bodies) {
		var got [2]string
		for j := range got {
			f, err := c.tryRead()
			got[j] = f.payload
			if err == nil && f.b0&rsv1 != 0 {
				compressed++
				got[j], err = inflated(f.payload)
			}
			if op := f.b0 &^ rsv1; err != nil || op != opText && (op != opBinary || b64 || j == 0) {
				t.Errorf("frame %#x %v", f.b0, err)
				return
			}
		}
		text, binary := got[0], got[1]
		if b64 {
			b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(binary, "b"))
			if err != nil {
				t.Error(err)
				return
			}
			binary = string(b)
		}
		var i int
		if _, err := fmt.Sscanf(binary, "%d:", &i); err != nil || binary != bodies[i] || text != "4"+strings.ToValidUTF8(bodies[i], "?") {
			t.Errorf("message %d: %d bytes of text, %d of binary, %v", i, len(text), len(binary), err)
			return
		}
	}
	if deflate != (compressed > 0) {
		t.Errorf("%d messages were compressed, deflate %t", compressed, deflate)
	}
}

// TestDeflateShutdown ends sessions while messages go out to them.
func TestDeflateShutdown(t *testing.T) {
	h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{}})
	m := engineio.NewMessage([]byte(strings.Repeat(wordy, 100)))
	var wg sync.WaitGroup
	for range 20 {
		c, p := h.openDeflate()
		wg.Go(func() {
			for range 50 {
				if err := p.Send(m); err != nil {
					return
				}
				p.TrySend(engineio.NewMessage([]byte(wordy)))
			}
			p.Abort("forced close")
		})
		wg.Go(func() {
			for {
				f, err := c.tryRead()
				if err != nil || f.b0 == opClose {
					return
				}
				if f.b0 != opText|rsv1 {
					t.Errorf("frame %#x", f.b0)
				}
			}
		})
	}
	wg.Wait()
}

// TestDeflateIdle has an idle connection take as much memory with compression as
// without, after messages both ways.
func TestDeflateIdle(t *testing.T) {
	// round opens connections to a server of their own, and returns the bytes of each.
	round := func(name string, opts *engineio.Options, rsv byte, pack func(string) string) (each int64) {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, opts)
			before := alloctest.Heap()
			const n = 500
			for range n {
				c := h.ws("", offer)
				c.read()
				p := h.peer()
				p.send(wordy)
				if f := c.read(); f.b0 != opText|rsv {
					t.Fatalf("frame %#x, want %#x", f.b0, opText|rsv)
				}
				c.write(masked(opText|rsv, pack("4"+wordy)))
				p.want(wordy)
			}
			each = (alloctest.Heap() - before) / n
		})
		return each
	}
	// Rounds differ by some ten bytes; a context that is kept has tens of thousands.
	alloctest.HoldMore(t, 100,
		func() int64 { return round("without", nil, 0, func(s string) string { return s }) },
		func() int64 {
			return round("with", &engineio.Options{Compression: &engineio.Deflate{}}, rsv1, deflated)
		})
}

// TestDeflateBlocked has a message that is inflated, and takes forever to be
// handled, hold up nobody else: the poller is not waiting for it.
func TestDeflateBlocked(t *testing.T) {
	h := newHost(t, &engineio.Options{Compression: &engineio.Deflate{}}, func(p *peer) {
		p.messages = make(chan message) // Message waits for next
	})
	for _, send := range [][]byte{
		masked(opText|rsv1, deflated("4"+wordy)),
		frames(masked(opText, "4first"), masked(moreText|rsv1, deflated("4"+wordy)), masked(opContinue, "")),
	} {
		c, slow := h.openDeflate()
		c.write(send)
		if send[0] == opText {
			slow.want("first")
		}
		for range 32 { // more than there are pollers
			c, p := h.openWS()
			c.text("4hello")
			p.want("hello")
		}
		slow.want(wordy)
		c.text("4end")
		slow.want("end")
	}
}
