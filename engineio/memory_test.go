package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// TestTotalBytes has clients that hold much together, and others beside them.
func TestTotalBytes(t *testing.T) {
	run := func(name string, opts engineio.Options, f func(t *testing.T, h *host)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts.PingInterval = time.Hour
				opts.HTTPCompressionThreshold = -1
				h := newPipeHost(t, &opts)
				f(t, h)
				synctest.Wait()
				if queued, held := h.Memory(); h.Len() == 0 && (queued != 0 || held != 0) {
					t.Errorf("%d bytes queued, %d held at the end", queued, held)
				}
			})
		})
	}
	end := func(ps ...*peer) {
		for _, p := range ps {
			p.Session.Abort("forced close")
		}
	}
	left := func(ps []*peer) (n int) {
		for _, p := range ps {
			if p.Cause() == nil && p.Send(engineio.NewMessage(nil)) == nil {
				n++
			}
		}
		return n
	}
	text := strings.Repeat("x", 100<<10)
	takes := func(p *peer, n int) { // polls for so many
		t.Helper()
		for n > 0 {
			r := p.h.get(p.ID())
			if r.status != 200 {
				t.Fatalf("%d %.100q %v", r.status, r.body, r.err)
			}
			n -= strings.Count(r.body, "4"+text)
		}
	}

	run("clients that never poll", engineio.Options{TotalBytes: 4 << 20}, func(t *testing.T, h *host) {
		var hogs []*peer
		honest, small := h.open(), h.open()
		most := int64(0)
		for range 30 {
			p := h.open()
			hogs = append(hogs, p)
			for range 8 {
				p.Send(engineio.NewMessage([]byte(text)))
			}
			time.Sleep(time.Second)
			for range 8 { // as much, but it is taken
				honest.send(text)
			}
			small.send("small")
			takes(honest, 8)
			queued, _ := h.Memory()
			most = max(most, queued)
		}
		synctest.Wait() // for who is just being ended
		if n := left(hogs); n == 0 || n > 5 || most > 5<<20 {
			t.Errorf("%d of them are left, %d bytes were queued", n, most)
		} else if told := h.audit.reached(engineio.LimitTotalBytes); told != len(hogs)-n {
			t.Errorf("%d of %d are left, and observers were told of %d that were ended", n, len(hogs), told)
		}
		h.get(small.ID())
		honest.alive()
		small.alive()
		end(append(hogs, honest, small)...)
	})
	run("clients that do not read the answer to a poll", engineio.Options{TotalBytes: 4 << 20, WriteTimeout: time.Minute}, func(t *testing.T, h *host) {
		honest := h.open()
		var hogs []*peer
		for range 12 {
			p := h.open()
			hogs = append(hogs, p)
			for range 8 {
				p.Send(engineio.NewMessage([]byte(text)))
			}
			conn, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: %s\r\n\r\n", polling, p.ID(), h.addr)
			time.Sleep(time.Second)
			for range 8 {
				honest.send(text)
			}
			takes(honest, 8)
		}
		synctest.Wait() // for who is just being ended
		if queued, _ := h.Memory(); queued > 4<<20 || queued < 1<<20 {
			t.Errorf("%d bytes are queued", queued)
		}
		if n := left(hogs); n == 0 || n > 5 {
			t.Errorf("%d of them are left", n)
		}
		honest.alive()
		end(append(hogs, honest)...)
	})
	run("what goes to many counts once", engineio.Options{TotalBytes: 4 << 20}, func(t *testing.T, h *host) {
		var ps []*peer
		for range 100 {
			ps = append(ps, h.open())
		}
		var b engineio.Batch
		for range 30 {
			m := engineio.NewMessage([]byte(text))
			for _, p := range ps {
				if err := b.Send(p.Session, false, m); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.Flush()
		synctest.Wait()
		if queued, _ := h.Memory(); queued < 3_000_000 || queued > 4<<20 || left(ps) != len(ps) {
			t.Errorf("%d bytes are queued, %d sessions left", queued, left(ps))
		}
		takes(ps[0], 30)
		end(ps...)
	})
	run("bodies that lack a byte", engineio.Options{TotalBytes: 4 << 20}, func(t *testing.T, h *host) {
		var ps []*peer
		body := "4" + strings.Repeat("x", 900_000)
		honest := h.open()
		for range 12 {
			p := h.open()
			ps = append(ps, p)
			h.begin(p.ID(), len(body)+1, body)
			synctest.Wait()
			time.Sleep(time.Second)
			h.post(honest.ID(), body).want(t, 200, "ok")
			honest.want(body[1:])
		}
		synctest.Wait() // for who is just being ended
		if n := left(ps); n == 0 || n > 5 {
			t.Errorf("%d of them are left", n)
		}
		if _, held := h.Memory(); held > 4<<20 {
			t.Errorf("%d bytes are held", held)
		}
		honest.alive()
		end(append(ps, honest)...)
		time.Sleep(5 * time.Minute) // the bodies of those left are given up
	})
	run("a body that is cut", engineio.Options{TotalBytes: 1 << 19}, func(t *testing.T, h *host) {
		p := h.open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		body := "4" + strings.Repeat("x", 900_000) // and a byte that does not come: else it may be faster
		go io.WriteString(conn, h.head(p.ID(), fmt.Sprintf("Content-Length: %d", len(body)+1))+body)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		const busy = `{"code":3,"message":"Server too busy"}`
		if b, _ := io.ReadAll(res.Body); res.StatusCode != 503 || string(b) != busy {
			t.Errorf("response %d %q, want 503 %q", res.StatusCode, b, busy)
		}
		p.ends("transport error")
		p.silent()
	})
	run("messages that lack a byte", engineio.Options{TotalBytes: 4 << 20}, func(t *testing.T, h *host) {
		frame := masked(opText, "4"+strings.Repeat("x", 900_000))
		honest, hp := h.openWS()
		var ps []*peer
		for range 12 {
			c, p := h.openWS()
			ps = append(ps, p)
			c.write(frame[:len(frame)-1])
			synctest.Wait()
			time.Sleep(time.Second)
			honest.write(frame)
			hp.want(strings.Repeat("x", 900_000))
		}
		ps[0].ends("transport error")
		time.Sleep(3 * time.Second) // others do not answer the close frame
		if _, held := h.Memory(); held > 4<<20 || held == 0 {
			t.Errorf("%d bytes are held", held)
		}
		honest.text("4alive")
		hp.want("alive")
		end(append(ps, hp)...)
		time.Sleep(3 * time.Second)
	})
	run("part of a message of a session that has ended", engineio.Options{}, func(t *testing.T, h *host) {
		frame := masked(opText, "4"+strings.Repeat("x", 900_000))
		c, p := h.openWS()
		c.write(frame[:len(frame)-1])
		synctest.Wait()
		if _, held := h.Memory(); held < 900_000 {
			t.Errorf("%d bytes are held", held)
		}
		p.Session.Close()
		synctest.Wait()
		if _, held := h.Memory(); held != 0 {
			t.Errorf("%d bytes are held, though the close frame is not answered", held)
		}
		c.write(frame[len(frame)-1:]) // nobody minds
		c.closed(1012)
	})
	run("the rest of a message of a session that has ended", engineio.Options{}, func(t *testing.T, h *host) {
		frame := masked(opText, "4"+strings.Repeat("€", 300_000))
		c, p := h.openWS()
		c.write(frame[:len(frame)-1])
		synctest.Wait()
		p.Session.Close()
		synctest.Wait()
		c.write(frame[len(frame)-1:]) // by itself, it is not UTF-8
		c.text("4x")                  // still read
		c.closed(1012)
	})
	run("part of a message of a connection that is lost", engineio.Options{}, func(t *testing.T, h *host) {
		frame := masked(opText, "4"+strings.Repeat("x", 900_000))
		c, p := h.openWS()
		c.write(frame[:len(frame)-1])
		synctest.Wait()
		c.conn.Close()
		p.ends("transport close")
		synctest.Wait()
		if n := p.Partial(); n != 0 {
			t.Errorf("a session that is kept has %d bytes", n)
		}
	})
	run("what a handler keeps", engineio.Options{TotalBytes: 1 << 20}, func(t *testing.T, h *host) {
		c, p := h.openWS()
		p.Hold(1 << 20)
		p.Hold(1)
		c.closed(1013)
		p.ends("transport error")
		c2, p2 := h.openWS() // while the first one's is not given back
		p2.Hold(1 << 19)
		c2.text("4x")
		p2.want("x")
		synctest.Wait()
		if told := h.audit.reached(engineio.LimitTotalBytes); told != 1 {
			t.Errorf("observers were told %d times of one session", told)
		}
		p.Hold(-1<<20 - 1)
		p2.Hold(-1 << 19)
		end(p2)
	})
}

// TestSlowAnswerAtTheEnd closes a session while its client takes long for an answer. It
// gets all of it, and only then has to poll again within a time.
func TestSlowAnswerAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, &engineio.Options{PingInterval: time.Hour, HTTPCompressionThreshold: -1})
		p := h.open()
		text := strings.Repeat("x", 900<<10)
		p.send(text)
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: %s\r\n\r\n", polling, p.ID(), h.addr)
		synctest.Wait()
		p.Session.Close()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		for err == nil { // for 57 seconds
			time.Sleep(time.Second)
			var n int64
			n, err = io.CopyN(io.Discard, res.Body, 16<<10)
			got += n
		}
		if got != int64(len(text))+1 {
			t.Fatalf("%d bytes, %v", got, err)
		}
		synctest.Wait()
		if queued, _ := h.Memory(); queued != 0 || h.Len() != 1 {
			t.Errorf("%d bytes are queued, %d sessions", queued, h.Len())
		}
		h.get(p.ID()).want(t, 200, farewell)
	})
}
