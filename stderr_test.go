package sio_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// stderr returns a function that reads what has been written to standard error
// since.
func stderr(t *testing.T) (read func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = f
	t.Cleanup(func() {
		os.Stderr = before
		f.Close()
	})
	return func() string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
}

// failing registers an event that fails, and one that panics.
func failing(srv *sio.Server) {
	srv.On("fail", func(*sio.Context) error { return errors.New("no database") })
	srv.On("panic", func(*sio.Context) error { panic("boom") })
	srv.On("refuse", func(*sio.Context) error { return &sio.Error{Message: "not you"} })
	srv.On("ok", func(c *sio.Context) error { return c.Ack() })
}

// A server without a logger says on standard error what has gone wrong, and whom for.
func TestFailuresAreSeenWithoutLogger(t *testing.T) {
	read := stderr(t)
	srv := sio.New(nil)
	failing(srv)
	h := &host{srv, t, serve(t, srv, srv) + "/socket.io/"}
	c := h.dial()
	id := c.connect("/", nil)
	c.send(`21["fail","SECRET"]`, `22["panic","SECRET"]`, `23["refuse","SECRET"]`, `24["ok","SECRET"]`)
	internal := `[{"error":{"message":"internal error"}}]`
	c.want("31"+internal, "32"+internal, `33[{"error":{"message":"not you"}}]`, "34[]")
	req, err := http.NewRequest("GET", h.url+"?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Origin": {"https://elsewhere.example"}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()

	got := read()
	who := " event=%s nsp=/ sid=" + c.SID[:8] + " socket=" + id
	date := `(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `
	for _, want := range []string{
		date + regexp.QuoteMeta(`ERR sio handler failed error="no database"`+strings.Replace(who, "%s", "fail", 1)) + "$",
		date + regexp.QuoteMeta(`ERR sio handler panicked error="panic: boom"`+strings.Replace(who, "%s", "panic", 1)) + `\ngoroutine \d`,
		`stderr_test\.go:\d+`, // in the stack
		date + "WRN engineio origin refused .*elsewhere",
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("not on standard error: %s", want)
		}
	}
	if n := len(regexp.MustCompile(date).FindAllString(got, -1)); n != 3 || strings.Contains(got, "SECRET") {
		t.Errorf("%d lines, want 3 without payloads", n)
	}
	if t.Failed() {
		t.Log(got)
	}
}

// zerolog.Nop turns that off.
func TestNopIsSilent(t *testing.T) {
	read := stderr(t)
	nop := zerolog.Nop()
	srv := newServer(t, &sio.Options{Logger: &nop})
	failing(srv)
	c := siotest.Connect(t, srv)
	c.Emit("fail")
	c.Emit("panic")
	c.Call("ok")
	if got := read(); got != "" {
		t.Errorf("on standard error: %s", got)
	}
}

// Who makes a handler fail again and again fills no disk, and hides nothing else.
func TestStderrIsBounded(t *testing.T) {
	read := stderr(t)
	synctest.Test(t, func(t *testing.T) {
		srv := sio.New(nil)
		siotest.Cleanup(t, srv)
		failing(srv)
		c := siotest.Connect(t, srv)
		for range 100 {
			c.Emit("fail")
		}
		c.Emit("panic")
		c.Call("ok")
		time.Sleep(10 * time.Second)
		c.Emit("fail")
		c.Call("ok")
	})
	got := read()
	failed, panicked := strings.Count(got, "handler failed"), strings.Count(got, "handler panicked")
	if failed != 11 || panicked != 1 || strings.Count(got, "left_out=90 ") != 1 {
		t.Errorf("%d failures, want 11, the last one with left_out=90, and %d panics:\n%s", failed, panicked, got)
	}
}
