package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestFrames counts what is sent.
func TestFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		c1, c2 := w.pipe(t, w.muxes["b"].Listen(), "a", "b")
		for range 10 {
			before := w.frames()
			say(t, c1, c2, "question")
			say(t, c2, c1, "answer")
			if n := w.frames() - before; n != 2 {
				t.Errorf("a question and its answer are %d frames", n)
			}
		}
		before := w.frames()
		time.Sleep(time.Hour)
		if n := w.frames() - before; n != 2 {
			t.Errorf("an hour of silence is %d frames: what has become of the answer is to be asked once", n)
		}
	})
}

func say(t *testing.T, from, to net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v", got, err)
	}
}

// TestSlowReader has one stream not be read: its writer waits, and nobody else does.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		l := w.muxes["b"].Listen()
		slow, unread := w.pipe(t, l, "a", "b")
		written := make(chan int, 1)
		go func() { // ends when slow is closed
			n, _ := slow.Write(make([]byte, 2*window))
			written <- n
		}()
		synctest.Wait()
		c1, c2 := w.pipe(t, l, "a", "b")
		for range 100 {
			say(t, c1, c2, "question")
			say(t, c2, c1, "answer")
		}
		time.Sleep(time.Hour) // it is not taken for dead
		slow.Close()
		if n := <-written; n != window {
			t.Errorf("%d bytes were written", n)
		}
		if got, err := io.ReadAll(unread); len(got) != window || err != nil {
			t.Errorf("%d bytes were read, %v", len(got), err)
		}
	})
}

// TestFlight has many write to two servers while the engine carries nothing: it has to keep
// a bounded part of that. Then all of it arrives.
func TestFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b", "c")
		data := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
		var conns, ends []net.Conn
		for _, to := range []string{"b", "c"} {
			l := w.muxes[to].Listen()
			for range 20 {
				c, end := w.pipe(t, l, "a", to)
				conns, ends = append(conns, c), append(ends, end)
			}
		}
		w.set(func() { w.held = true })
		var wg sync.WaitGroup
		for i := range conns {
			wg.Go(func() { // ends when all is written
				if _, err := conns[i].Write(data); err != nil {
					t.Error(err)
				}
				conns[i].Close()
			})
			wg.Go(func() { // ends with the stream
				if got, err := io.ReadAll(ends[i]); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				ends[i].Close()
			})
		}
		synctest.Wait()
		w.set(func() { w.held = false })
		wg.Wait()
		if most := 2 * (maxFlight + maxFlight/10); w.most > most || w.most < maxFlight {
			t.Errorf("%d bytes had to wait", w.most)
		}
	})
}

// TestTurns has writers wait for others of the same server: whoever was there first is the
// first to go on, and none goes by those that wait.
func TestTurns(t *testing.T) {
	v := newVictim(t)
	add := func() *stream {
		s, err := v.add("x", 0)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	full, large, small, late := add(), add(), add(), add()
	for n := maxFlight; n > 0; {
		k, _ := v.take(full, n)
		n -= k
	}
	for _, s := range []*stream{large, small, large} {
		if n, _ := v.take(s, 1); n != 0 {
			t.Errorf("%d bytes may be sent", n)
		}
	}
	v.arrived(full, maxFrame)
	if large.grant != maxFrame || small.grant != 0 {
		t.Errorf("%d and %d are granted", large.grant, small.grant)
	}
	if n, _ := v.take(late, 1); n != 0 {
		t.Errorf("%d bytes go by who waits", n)
	}
	if n, ask := v.take(large, 2*maxFrame); n != maxFrame || !ask {
		t.Errorf("%d bytes may be sent, to be answered: %v", n, ask)
	}
	if n, _ := v.take(large, maxFrame); n != 0 {
		t.Errorf("%d bytes go by who waits", n)
	}
	v.arrived(full, 2*maxFrame)
	if n, _ := v.take(small, 1); n != 1 || late.grant != maxFrame {
		t.Errorf("%d bytes may be sent, %d are granted", n, late.grant)
	}
	v.leave(large)
	v.drop(late)
	if l := v.links["x"]; l.flight != maxFlight-2*maxFrame+1 || len(l.waiting) > 0 {
		t.Errorf("%d are on their way, %d wait", l.flight, len(l.waiting))
	}
}

// TestGivesUp has writers leave whose turn has not come: others get it.
func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		l := w.muxes["b"].Listen()
		var conns, ends []net.Conn
		for range 12 {
			c, end := w.pipe(t, l, "a", "b")
			conns, ends = append(conns, c), append(ends, end)
		}
		w.set(func() { w.held = true })
		var wg sync.WaitGroup
		const size = window - 100 // four are on their way together
		wrote := make([]error, len(conns))
		for i, c := range conns {
			wg.Go(func() { // ends when all is written, or the deadline has passed
				if i%3 == 0 {
					c.SetWriteDeadline(time.Now().Add(time.Millisecond))
				}
				_, wrote[i] = c.Write(make([]byte, size))
			})
			synctest.Wait() // their order is this
		}
		time.Sleep(time.Second / 2)
		w.set(func() { w.held = false })
		wg.Wait()
		for i, err := range wrote {
			var timeout net.Error
			if early := i < 4; i%3 == 0 && !early != (errors.As(err, &timeout) && timeout.Timeout()) || i%3 != 0 && err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
			conns[i].Close()
			ends[i].Close()
		}
	})
}

// TestInbox has data come in pieces of many sizes.
func TestInbox(t *testing.T) {
	for _, size := range []int{1, 3, 100, 1023, 1024, 5000, 40_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var q inbox
			var want, got bytes.Buffer
			for i := range 3 * window / size / 2 {
				piece := bytes.Repeat([]byte{byte(i)}, size)
				want.Write(piece)
				q.push(piece)
				if i%5 == 4 {
					p := make([]byte, 2*size+1)
					got.Write(p[:q.pop(p)])
				}
			}
			kept := 0
			for _, c := range q.chunks {
				kept += cap(c)
			}
			if n := want.Len() - got.Len(); kept > 2*n+smallChunk {
				t.Errorf("%d bytes are kept in %d", n, kept)
			}
			for p := make([]byte, 7000); !q.empty(); {
				got.Write(p[:q.pop(p)])
			}
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Error("it is something else that comes out")
			}
		})
	}
}
