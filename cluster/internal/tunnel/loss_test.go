package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLoss loses, repeats or delays each frame of an exchange in turn: both sides have all
// that was written, or know soon that they do not.
func TestLoss(t *testing.T) {
	question, answer := bytes.Repeat([]byte("question"), 10_000), bytes.Repeat([]byte("answer"), 50_000)
	for _, tt := range []struct {
		name  string
		twist func(late *frameTo, f frameTo) []frameTo // late comes behind the next one
	}{
		{"lost", func(*frameTo, frameTo) []frameTo { return nil }},
		{"twice", func(_ *frameTo, f frameTo) []frameTo { return []frameTo{f, {f.from, f.to, bytes.Clone(f.data)}} }},
		{"late", func(late *frameTo, f frameTo) []frameTo { *late = f; return nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failed := 0
			for i := 0; ; i++ {
				reached, ok := false, false
				synctest.Test(t, func(t *testing.T) {
					w := newWire(t, "a", "b")
					n, late := 0, frameTo{}
					w.twist = func(f frameTo) []frameTo {
						n++
						switch {
						case n == i+1:
							reached = true
							return tt.twist(&late, f)
						case late.to != "":
							frames := []frameTo{f, late}
							late = frameTo{}
							return frames
						}
						return []frameTo{f}
					}
					ok = exchange(t, w, question, answer)
				})
				if !ok {
					failed++
				}
				if !reached {
					break
				}
			}
			if failed == 0 {
				t.Error("no exchange has failed")
			}
		})
	}
}

// exchange asks and answers on a new stream, and reports whether the one who asks has got
// all. It fails the test if he got something else, or had to wait for too long.
func exchange(t *testing.T, w *wire, question, answer []byte) bool {
	t.Helper()
	l := w.muxes["b"].Listen()
	done := make(chan error, 1)
	go func() { // ends with the exchange, or when the listener is closed
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			var got []byte
			if got, err = io.ReadAll(c); err == nil && !bytes.Equal(got, question) {
				err = fmt.Errorf("%d bytes are another question", len(got))
			}
			if err == nil {
				_, err = c.Write(answer)
			}
		}
		done <- err
	}()
	begin := time.Now()
	got, err := ask(t, w.muxes["a"], question)
	if err == nil && !bytes.Equal(got, answer) {
		t.Fatalf("%d bytes are another answer", len(got))
	}
	l.Close()
	there := <-done
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it was noticed after %v (%v, %v)", took, err, there)
	}
	for _, err := range []error{err, there} {
		if err != nil && !isReason(err) {
			t.Error(err)
		}
	}
	return err == nil && there == nil
}

func isReason(err error) bool {
	for _, r := range append(reasons[:], net.ErrClosed, io.ErrClosedPipe) {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

func ask(t *testing.T, m *Mux, question []byte) ([]byte, error) {
	c, err := m.Dial(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(question); err != nil {
		return nil, err
	}
	if err := c.(*stream).CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(c)
}

// TestNobody dials servers that do not answer, or do not want to.
func TestNobody(t *testing.T) {
	for _, tt := range []struct {
		name string
		to   string
		want error
		most time.Duration
	}{
		{"is there", "c", ErrSilent, 4 * time.Second},
		{"listens", "b", ErrRefused, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, "a", "b")
				begin := time.Now()
				c, err := w.muxes["a"].Dial(t.Context(), tt.to)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, tt.want) {
					t.Error(err)
				}
				if _, err := c.Write(make([]byte, 1)); !errors.Is(err, tt.want) {
					t.Error(err)
				}
				if took := time.Since(begin); took > tt.most {
					t.Error(took)
				}
			})
		})
	}
}

// TestGone has a server leave: what it has said is read, and then it is known.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		c1, c2 := w.pipe(t, w.muxes["b"].Listen(), "a", "b")
		c2.Write([]byte("last"))
		synctest.Wait()
		w.muxes["a"].Gone("b")
		got, err := io.ReadAll(c1)
		if string(got) != "last" || !errors.Is(err, ErrGone) {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := c1.Write([]byte("x")); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		// It was alive, and asks what has become of its words.
		if _, err := c2.Read(make([]byte, 1)); !errors.Is(err, ErrReset) {
			t.Error(err)
		}
	})
}

// TestGiveUp has a server give up another one, which did not hang but was not heard.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		c1, c2 := w.pipe(t, w.muxes["b"].Listen(), "a", "b")
		c1.Write([]byte("last"))
		synctest.Wait()
		time.Sleep(time.Minute) // nothing is under way
		w.muxes["a"].GiveUp("b")
		if _, err := c1.Read(make([]byte, 1)); !errors.Is(err, ErrSilent) {
			t.Error(err)
		}
		got, err := io.ReadAll(c2)
		if string(got) != "last" || !errors.Is(err, ErrSilent) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestGiveUpWaiting has writers wait for room: they end, and send nothing more.
func TestGiveUpWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50
		w := newWire(t, "a", "b")
		l := w.muxes["b"].Listen()
		var writers sync.WaitGroup
		for range n {
			c, _ := w.pipe(t, l, "a", "b")
			w.set(func() { w.twist = func(frameTo) []frameTo { return nil } })
			writers.Go(func() { // until it is given up
				if _, err := c.Write(make([]byte, 2*window)); err == nil {
					t.Error("what nobody takes is written")
				}
			})
			synctest.Wait()
			w.set(func() { w.twist = nil })
		}
		before := w.frames()
		w.set(func() {
			w.twist = func(frameTo) []frameTo {
				runtime.Gosched() // lets others write
				return nil
			}
		})
		w.muxes["a"].GiveUp("b")
		writers.Wait()
		if sent := w.frames() - before; sent > n {
			t.Errorf("%d frames to end %d connections", sent, n)
		}
	})
}

// TestAway has an engine carry nothing for a while, and then all.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		c1, c2 := w.pipe(t, w.muxes["b"].Listen(), "a", "b")
		c2.Write([]byte("hello")) // after which it is not a dial that is waited for
		synctest.Wait()
		for _, away := range []time.Duration{9 * time.Second, 12 * time.Second} {
			w.set(func() { w.held = true })
			c1.Write([]byte("x"))
			time.Sleep(away)
			w.set(func() { w.held = false })
			synctest.Wait()
			_, err := c1.Write([]byte("y"))
			if away < checks*checkEvery && err != nil || away > checks*checkEvery && !errors.Is(err, ErrSilent) {
				t.Errorf("after %v: %v", away, err)
			}
		}
		got, err := io.ReadAll(c2)
		if string(got) != "xyx" || !errors.Is(err, ErrSilent) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestDoubt has a peer give up without a word that arrives, while its answer is waited for.
func TestDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, "a", "b")
		l := w.muxes["b"].Listen()
		c1, c2 := w.pipe(t, l, "a", "b")
		other1, other2 := w.pipe(t, l, "a", "b")
		c1.Write([]byte("question"))
		time.Sleep(time.Minute) // it has arrived
		w.set(func() { w.twist = func(frameTo) []frameTo { return nil } })
		c2.Close()
		time.Sleep(time.Minute)
		w.set(func() { w.twist = nil })
		begin := time.Now()
		w.muxes["a"].Doubt()
		if _, err := c1.Read(make([]byte, 1)); !errors.Is(err, ErrReset) {
			t.Error(err)
		}
		if took := time.Since(begin); took > 2*checkEvery {
			t.Error(took)
		}
		say(t, other2, other1, "I am here")
		time.Sleep(time.Minute)
		before := w.frames()
		time.Sleep(time.Hour)
		if n := w.frames() - before; n > 0 {
			t.Errorf("%d frames in an hour of silence", n)
		}
	})
}
