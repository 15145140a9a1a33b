package engineio_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func tlsHost(t *testing.T) *host {
	h, _ := secureHost(t, nil, func(*httptest.Server) {})
	return h
}

// Those that are refused take a second each: of TLS the peer is not shown the end at once.
func TestIdleTLS(t *testing.T) { idleWebSockets(t, tlsHost(t), 24, 1) }

// rest is about how long a peer over TLS has to say nothing until it has no goroutine.
const rest = time.Second

// halves writes in two parts, with a pause between.
type halves struct {
	net.Conn
	pause time.Duration
}

func (c *halves) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:len(p)/2])
	if err != nil {
		return n, err
	}
	time.Sleep(c.pause)
	m, err := c.Conn.Write(p[len(p)/2:])
	return n + m, err
}

// TestIdleTLSPieces has a record come in two parts, with the connection at rest before and
// between.
func TestIdleTLSPieces(t *testing.T) {
	h := tlsHost(t)
	var below *halves
	h.dial = func() (net.Conn, error) {
		conn, err := net.Dial("tcp", h.addr)
		if err != nil {
			return nil, err
		}
		below = &halves{Conn: conn}
		return tls.Client(below, &tls.Config{InsecureSkipVerify: true}), nil
	}
	c, p := h.openWS()
	for i, pause := range []time.Duration{0, rest / 2, rest * 3 / 2, 0} {
		time.Sleep(rest * 3 / 2)
		below.pause = pause
		text := fmt.Sprintf("%d", i)
		c.text("4" + text)
		p.want(text)
		p.send(text)
		c.wants("4" + text)
	}
}

// TestIdleTLSInTime has messages come at about the time at which connections begin to rest, and
// many at once, which the TLS layer has read when the first is handled.
func TestIdleTLSInTime(t *testing.T) {
	h := tlsHost(t)
	const clients, rounds, burst = 60, 3, 20
	var cs []*wsClient
	var ps []*peer
	for range clients {
		c, p := h.openWS()
		cs, ps = append(cs, c), append(ps, p)
	}
	for round := range rounds {
		var texts []string
		var frames [][]byte
		for i := range burst {
			texts = append(texts, fmt.Sprintf("%d %d", round, i))
			frames = append(frames, masked(opText, "4"+texts[i]))
		}
		var all sync.WaitGroup
		for i, c := range cs {
			all.Go(func() {
				time.Sleep(rest + time.Duration(i-clients/2)*time.Millisecond/2)
				for _, frame := range frames {
					if _, err := c.conn.Write(frame); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		for _, p := range ps {
			p.want(texts...)
		}
	}
	for i, p := range ps {
		if i%2 == 0 {
			p.Session.Close()
			cs[i].closed(1012)
			p.ends("forced close")
		} else {
			cs[i].conn.Close()
			p.ends("transport close")
		}
	}
}

// TestIdleTLSPartial ends sessions while part of a large message is there.
func TestIdleTLSPartial(t *testing.T) {
	h := tlsHost(t)
	large := masked(opText, "4"+strings.Repeat("x", 900_000))
	for range 5 {
		c, p := h.openWS()
		if _, err := c.conn.Write(large[:len(large)/2]); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if _, held := h.Memory(); held > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing is held")
			}
		}
		time.Sleep(time.Millisecond) // most is read
		p.Session.Close()
		p.ends("forced close")
		c.conn.Close()
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if _, held := h.Memory(); held == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it is held still")
			}
		}
	}
}

// gatherer gathers what it is to write, if it is told to.
type gatherer struct {
	net.Conn
	gather bool
	all    []byte
}

func (c *gatherer) Write(p []byte) (int, error) {
	if !c.gather {
		return c.Conn.Write(p)
	}
	c.all = append(c.all, p...)
	return len(p), nil
}

// TestIdleTLSAlert has an alert, by which a peer says that it ends, come in two parts, the
// first together with a message. TLS 1.3 does not show that it is one.
func TestIdleTLSAlert(t *testing.T) {
	h := tlsHost(t)
	var below *gatherer
	h.dial = func() (net.Conn, error) {
		conn, err := net.Dial("tcp", h.addr)
		if err != nil {
			return nil, err
		}
		below = &gatherer{Conn: conn}
		return tls.Client(below, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}), nil
	}
	c, p := h.openWS()
	time.Sleep(rest * 3 / 2)
	below.gather = true
	c.text("4x")
	if err := c.conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	below.SetWriteDeadline(time.Time{}) // CloseWrite has set one
	cut := len(below.all) - 10
	if _, err := below.Conn.Write(below.all[:cut]); err != nil {
		t.Fatal(err)
	}
	if polled { // elsewhere crypto/tls waits for the rest before it hands the message over
		p.want("x")
	}
	time.Sleep(rest * 3 / 2)
	if _, err := below.Conn.Write(below.all[cut:]); err != nil {
		t.Fatal(err)
	}
	if !polled {
		p.want("x")
	}
	p.ends("transport close")
}
