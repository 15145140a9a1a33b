package tunnel

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// A victim is a Mux that gets what a test makes up.
type victim struct {
	*Mux
	sent []frame
}

func newVictim(t testing.TB) *victim {
	v := new(victim)
	v.Mux = New("victim", func(_ string, b []byte) {
		var f frame
		if err := f.parse(bytes.Clone(b)); err != nil {
			t.Error(err)
		}
		v.sent = append(v.sent, f)
	})
	t.Cleanup(func() {
		v.Close()
		if left := v.left(); left != "" {
			t.Error(left)
		}
	})
	return v
}

func (v *victim) gets(from string, frames ...frame) {
	for _, f := range frames {
		v.Receive(from, f.append(nil))
	}
}

// resets returns how many resets were sent since the last time.
func (v *victim) resets() (n int) {
	for _, f := range v.sent {
		if f.flags&flagReset != 0 {
			n++
		}
	}
	v.sent = nil
	return n
}

// TestOpens has servers open streams without end.
func TestOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVictim(t)
		l := v.Listen()
		for i := range uint64(maxBacklog + 10*maxResets) {
			v.gets("x", frame{flags: flagOpen, id: i + 1, limit: window})
		}
		if v.streams != maxBacklog {
			t.Errorf("%d streams wait to be accepted", v.streams)
		}
		if n := v.resets(); n != maxResets {
			t.Errorf("%d resets in one second", n)
		}
		time.Sleep(time.Second)
		accepted := make(chan struct{})
		go func() { // ends when the listener is closed
			defer close(accepted)
			for {
				if _, err := l.Accept(); err != nil {
					return
				}
			}
		}()
		for i := range uint64(maxStreams + maxPeerStreams + 100) {
			from := "a"
			if i >= maxPeerStreams+100 {
				from = string(rune('b' + i%4))
			}
			v.gets(from, frame{flags: flagOpen, id: i + 1, limit: window})
			if i%256 == 0 {
				synctest.Wait()
			}
		}
		if v.streams != maxStreams || len(v.links["a"].streams) != maxPeerStreams {
			t.Errorf("%d streams, %d of one server", v.streams, len(v.links["a"].streams))
		}
		if _, err := v.Dial(t.Context(), "y"); !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
		l.Close()
		<-accepted
	})
}

// TestStrangers sends frames for streams that there are not.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVictim(t)
		v.Listen()
		for _, f := range []frame{
			{id: 7, at: 5}, {id: 7, flags: flagCheck}, {id: 7, flags: flagYours, data: []byte("x")}, {flags: flagOpen},
			{id: 7, flags: flagOpen, at: 1}, {id: 7, flags: flagOpen | flagYours}, {id: math.MaxUint64, at: math.MaxUint64, flags: 0xff &^ flagReset},
		} {
			v.gets("x", f)
			if len(v.sent) != 1 || v.sent[0].flags&flagReset == 0 || (v.sent[0].flags^f.flags)&flagYours == 0 || v.sent[0].id != f.id {
				t.Errorf("%+v is answered by %+v", f, v.sent)
			}
			v.sent = nil
		}
		v.gets("x", frame{id: 7, flags: flagReset}, frame{id: 7, flags: flagReset | flagYours | flagOpen})
		if len(v.sent) > 0 {
			t.Error("a reset is answered")
		}
		time.Sleep(time.Second)
		for range 10 * maxResets {
			v.gets("x", frame{id: 7, at: 5})
		}
		if n := v.resets(); n != maxResets {
			t.Errorf("%d resets in one second", n)
		}
	})
}

// TestBroken has a peer send what it must not.
func TestBroken(t *testing.T) {
	open := frame{flags: flagOpen, id: 1, limit: window}
	for _, tt := range []struct {
		name string
		f    frame
		want error
	}{
		{"too far", frame{at: math.MaxUint64}, ErrLost},
		{"again", frame{at: 0}, ErrLost},
		{"open again", open, ErrLost},
		{"open later", frame{flags: flagOpen, at: 1}, ErrBroken},
		{"has got what was not sent", frame{at: 1, got: 1}, ErrBroken},
		{"too high a limit", frame{at: 1, limit: window + 1}, ErrBroken},
		{"an endless limit", frame{at: 1, limit: math.MaxUint64}, ErrBroken},
		{"more than the window", frame{at: 1, limit: window, data: make([]byte, window+1)}, ErrBroken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVictim(t)
			l := v.Listen()
			f := tt.f
			f.id = 1
			v.gets("x", open, f)
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, tt.want) {
				t.Error(err)
			}
			if n := v.resets(); n != 1 {
				t.Errorf("%d resets", n)
			}
		})
	}
}

// TestAfterFin has a peer send more when it has said that this was all.
func TestAfterFin(t *testing.T) {
	v := newVictim(t)
	l := v.Listen()
	v.gets("x", frame{flags: flagOpen | flagFin, id: 1, limit: window, data: []byte("all")}, frame{id: 1, at: 5, limit: window, data: []byte("more")})
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); string(got) != "all" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, ErrBroken) {
		t.Error(err)
	}
}

// TestUnread has many streams filled that nobody reads: those that come when there is too
// much end.
func TestUnread(t *testing.T) {
	v := newVictim(t)
	l := v.Listen()
	data := make([]byte, window)
	const fit = maxUnread / window
	for i := range uint64(fit + 10) {
		v.gets("x", frame{flags: flagOpen, id: i + 1, limit: window, data: data})
	}
	if n := v.resets(); n != 10 || v.unread.Load() != maxUnread {
		t.Errorf("%d resets, %d bytes are unread", n, v.unread.Load())
	}
	for range fit + 10 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if n := v.unread.Load(); n != 0 {
		t.Errorf("%d bytes are unread", n)
	}
}

// FuzzFrame reads any bytes, and writes what it has read.
func FuzzFrame(f *testing.F) {
	for _, fr := range []frame{{}, {flags: flagOpen, id: 1, limit: window}, {id: 1 << 40, at: math.MaxUint64, data: []byte("data")}} {
		f.Add(fr.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var one, two frame
		if one.parse(b) != nil {
			return
		}
		if err := two.parse(one.append(nil)); err != nil || one.flags != two.flags || one.id != two.id || one.at != two.at ||
			one.got != two.got || one.limit != two.limit || !bytes.Equal(one.data, two.data) {
			t.Errorf("%+v, %+v, %v", one, two, err)
		}
	})
}

// FuzzReceive has a Mux with a stream of its own get any frames. Each takes the byte before
// it as its length.
func FuzzReceive(f *testing.F) {
	seed := func(frames ...frame) {
		var b []byte
		for _, fr := range frames {
			one := fr.append(nil)
			b = append(append(b, byte(len(one))), one...)
		}
		f.Add(b)
	}
	seed(frame{flags: flagOpen, id: 1, limit: window}, frame{id: 1, at: 1, data: []byte("data")}, frame{flags: flagFin | flagClose, id: 1, at: 5})
	seed(frame{flags: flagYours | flagCheck, id: 1, got: 1, limit: window + 1, data: []byte("data")}, frame{flags: flagYours | flagFin, id: 1, at: 4, got: 6})
	seed(frame{flags: flagOpen, id: 9, data: []byte("data")}, frame{flags: flagReset, id: 9}, frame{flags: flagYours | flagReset, id: 1, data: []byte{1}})
	seed(frame{flags: flagYours | flagFin | flagClose, id: 1, got: 1, limit: 1}, frame{flags: flagOpen | flagFin, id: 2, limit: 10}, frame{flags: flagClose, id: 2, at: 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		v := newVictim(t)
		l := v.Listen()
		own, err := v.Dial(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		buf := make([]byte, 100)
		for n := 0; len(b) > 0; n++ {
			k := min(int(b[0]), len(b)-1)
			before := len(v.sent)
			v.Receive("x", bytes.Clone(b[1:1+k]))
			b = b[1+k:]
			if answers := len(v.sent) - before; answers > 1 {
				t.Errorf("one frame is answered by %d", answers)
			}
			if s := own.(*stream); n%3 == 2 {
				s.tryRead(buf)
				s.tryWrite(buf)
			}
			select {
			case s := <-l.(*listener).backlog:
				s.tryWrite(buf)
				if n%2 == 0 {
					s.Close()
				}
			default:
			}
		}
		if v.unread.Load() < 0 || v.unread.Load() > maxUnread {
			t.Errorf("%d bytes are unread", v.unread.Load())
		}
		for _, l := range v.links {
			flight := 0
			for _, s := range l.streams {
				flight += s.flight + s.grant
				if s.sent < s.acked || s.got < s.read {
					t.Errorf("%d of %d, %d of %d", s.acked, s.sent, s.read, s.got)
				}
			}
			if flight != l.flight {
				t.Errorf("%d units are on their way, not %d", flight, l.flight)
			}
		}
	})
}
