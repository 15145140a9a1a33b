package engineio_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio/engineio"
)

// TestBatch sends to many at a time.
func TestBatch(t *testing.T) {
	t.Run("a burst beyond the queue", func(t *testing.T) {
		// The sender is too fast for the queue, not the client too slow for it.
		h := newHost(t, &engineio.Options{QueuePackets: 4})
		const clients, n = 20, 500
		var cs []*wsClient
		var ps []*peer
		for range clients {
			c, p := h.openWS()
			cs, ps = append(cs, c), append(ps, p)
		}
		var b engineio.Batch
		for i := range n {
			m := engineio.NewMessage(strconv.AppendInt(nil, int64(i), 10))
			for _, p := range ps {
				if err := b.Send(p.Session, false, m); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
			}
		}
		b.Flush()
		for _, c := range cs {
			for i := range n {
				c.want(opText, fmt.Sprintf("4%d", i))
			}
		}
	})
	// With each message flushed, the sender meets the drain in the middle of a
	// write.
	for _, volatile := range []bool{false, true} {
		t.Run(fmt.Sprintf("faster than the drain, volatile %t", volatile), func(t *testing.T) {
			h := newHost(t, &engineio.Options{QueuePackets: 8})
			const clients, n = 4, 5000
			var ps []*peer
			var wg sync.WaitGroup
			for range clients {
				c, p := h.openWS()
				ps = append(ps, p)
				wg.Go(func() {
					for last := ""; last != "4end"; {
						f, err := c.tryRead()
						if err != nil {
							t.Error(err)
							return
						}
						last = string(f.payload)
					}
				})
			}
			m := engineio.NewMessage([]byte("x"))
			for i := range n {
				var b engineio.Batch
				for _, p := range ps {
					if err := b.Send(p.Session, volatile, m); err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				b.Flush()
			}
			for _, p := range ps {
				p.send("end")
			}
			wg.Wait()
		})
	}
	t.Run("order with what is sent directly", func(t *testing.T) {
		h := newHost(t, nil)
		c, p := h.openWS()
		for i := range 2000 {
			m := engineio.NewMessage(strconv.AppendInt(nil, int64(i), 10))
			var err error
			if i%3 == 0 {
				err = p.Send(m)
			} else {
				var b engineio.Batch
				err = b.Send(p.Session, i%3 == 1, m) // volatile: it may be dropped only if the client does not keep up
				b.Flush()
			}
			if err != nil {
				t.Fatal(err)
			}
			if i%50 == 49 { // the client keeps up
				for j := i - 49; j <= i; j++ {
					c.want(opText, fmt.Sprintf("4%d", j))
				}
			}
		}
	})
	t.Run("parts stay together", func(t *testing.T) {
		h := newHost(t, nil)
		c, p := h.openWS()
		const senders, n = 4, 200
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for range n {
					var b engineio.Batch
					first := engineio.NewMessage([]byte(strconv.Itoa(i)))
					if err := b.Send(p.Session, false, first, engineio.NewBinaryMessage([]byte{byte(i)})); err != nil {
						t.Error(err)
					}
					b.Flush()
				}
			})
		}
		for range senders * n {
			first := c.read()
			i, err := strconv.Atoi(strings.TrimPrefix(string(first.payload), "4"))
			if err != nil {
				t.Fatalf("message %q", first.payload)
			}
			c.want(opBinary, string(rune(i)))
		}
		wg.Wait()
	})
	t.Run("what is due is delivered before a close", func(t *testing.T) {
		h := newHost(t, nil)
		c, p := h.openWS()
		var b engineio.Batch
		for i := range 10 {
			if err := b.Send(p.Session, false, engineio.NewMessage(strconv.AppendInt(nil, int64(i), 10))); err != nil {
				t.Fatal(err)
			}
		}
		p.Session.Close()
		b.Flush()
		for i := range 10 {
			c.want(opText, fmt.Sprintf("4%d", i))
		}
		c.closed(1012)
		p.ends("forced close")
	})
	t.Run("a session that is aborted meanwhile", func(t *testing.T) {
		h := newHost(t, nil)
		c, p := h.openWS()
		var b engineio.Batch
		if err := b.Send(p.Session, false, engineio.NewMessage([]byte("never"))); err != nil {
			t.Fatal(err)
		}
		p.Abort("transport error")
		b.Flush()
		c.closed(1005)
		if err := b.Send(p.Session, false, engineio.NewMessage(nil)); err != engineio.ErrClosed {
			t.Errorf("Send afterwards: %v", err)
		}
	})
	t.Run("polling", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		got := h.pend(p.ID())
		for !p.TrySend(engineio.NewMessage([]byte("a"))) { // the GET is there
		}
		(<-got).want(t, 200, "4a")
		var b engineio.Batch
		for range 3 {
			if err := b.Send(p.Session, false, engineio.NewMessage([]byte("b"))); err != nil {
				t.Fatal(err)
			}
		}
		b.Flush()
		h.get(p.ID()).want(t, 200, "4b\x1e4b\x1e4b")
	})
}
