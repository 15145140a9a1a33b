package sio_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/siokit/sio"
)

// TestAllowEIO3 has a client of version 2 in a namespace, and its query bound as
// the auth payload is.
func TestAllowEIO3(t *testing.T) {
	do := func(h *host, method, query, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, h.url+"?EIO=3&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	if status, body := do(newHost(t, nil), "GET", "", ""); status != 400 || !strings.Contains(body, `"code":5`) {
		t.Fatalf("not allowed: %d %s", status, body)
	}

	var log logBuffer
	h := newHost(t, &sio.Options{AllowEIO3: true, Logger: log.logger()})
	h.Use(sio.Logger())
	h.OnConnect(func(c *sio.Context) error { return c.Emit("who", c.Request().URL.Query().Get("who")) })
	h.Of("/auth").OnConnect(func(c *sio.Context) error {
		var auth struct{ Token string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if auth.Token != "good" {
			return &sio.Error{Message: "not " + auth.Token}
		}
		return nil
	})
	status, body := do(h, "GET", "&who=me", "")
	_, sid, _ := strings.Cut(body, `"sid":"`)
	if status != 200 || len(sid) < 20 {
		t.Fatalf("handshake: %d %s", status, body)
	}
	id := sid[:20]
	sid = "&sid=" + id
	post := func(body string) {
		t.Helper()
		if status, answer := do(h, "POST", sid, body); status != 200 || answer != "ok" {
			t.Fatalf("POST of %q: %d %s", body, status, answer)
		}
	}
	want := func(want string) {
		t.Helper()
		if status, body := do(h, "GET", sid, ""); status != 200 || body != want {
			t.Fatalf("GET: %d %q, want %q", status, body, want)
		}
	}
	want(`2:4014:42["who","me"]`)
	post("20:40/auth?token=wrong,")
	want(`19:44/auth,"not wrong"`)
	post("19:40/auth?token=good,")
	want("8:40/auth,")
	post("1:1")
	shut(t, h.Server)
	// The ids of its sockets are made of the session's, which is a credential.
	if strings.Contains(log.String(), id[8:]) {
		t.Errorf("the session id %s is in the log:\n%s", id, &log)
	}
	if lines := log.lines(t, "socket connected"); len(lines) != 2 || lines[0]["socket"] != id[:8] || lines[1]["socket"] != "/auth#"+id[:8] {
		t.Errorf("sockets in the log: %v", lines)
	}
}
