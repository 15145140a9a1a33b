package sio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
)

// Levels and fields of a whole life: sessions and sockets at info, packets at
// debug, each line by its component.
func TestLogLevels(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	left := make(chan struct{}, 2)
	for _, n := range []*sio.Namespace{h.Namespace, h.Of("/chat")} {
		n.OnDisconnect(func(*sio.Context) error { left <- struct{}{}; return nil })
	}
	h.On("x", func(c *sio.Context) error { return c.Ack() })
	h.On("refuse", func(*sio.Context) error { return &sio.Error{Message: "no"} })
	h.On("fail", func(*sio.Context) error { return errInternal })
	c := dial(t, h.url, testclient.Options{})
	id := c.connect("/", nil)
	chatID := c.connect("/chat", nil)
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	c.send(`21["x"]`, `22["refuse"]`, `23["fail"]`, `2["nobody's"]`)
	c.want(`31[]`, `32[{"error":{"message":"no"}}]`, `33[{"error":{"message":"internal error"}}]`)
	c.Close()
	receive(t, left, "OnDisconnect")
	receive(t, left, "OnDisconnect")
	shut(t, h.Server)

	type fields = map[string]any
	var info []fields
	for _, line := range log.lines(t, "") {
		component, level, message := line["component"], line["level"], line["message"]
		switch level {
		case "info":
			info = append(info, line)
		case "debug":
			if !slices.Contains([]any{"packet received", "packet sent", "packet", "handler refused", "no handler"}, message) {
				t.Errorf("at debug: %v", line)
			}
		case "error":
			if component != "sio" || message != "handler failed" || line["event"] != "fail" || line["nsp"] != "/" || line["socket"] != id || line["sid"] != c.SID[:8] {
				t.Errorf("at error: %v", line)
			}
		default:
			t.Errorf("log line %v", line)
		}
	}
	for _, want := range []fields{
		{"component": "engineio", "message": "session opened", "sid": c.SID[:8], "transport": "polling"},
		{"component": "engineio", "message": "session upgraded", "sid": c.SID[:8], "transport": "websocket"},
		{"component": "engineio", "message": "session closed", "sid": c.SID[:8], "reason": "transport close"},
		{"component": "socketio", "message": "socket connected", "sid": c.SID[:8], "nsp": "/", "socket": id},
		{"component": "socketio", "message": "socket connected", "sid": c.SID[:8], "nsp": "/chat", "socket": chatID},
		{"component": "socketio", "message": "socket disconnected", "nsp": "/", "socket": id, "reason": "transport close"},
		{"component": "socketio", "message": "socket disconnected", "nsp": "/chat", "socket": chatID, "reason": "transport close"},
	} {
		n := 0
		for _, line := range info {
			same := true
			for k, v := range want {
				same = same && line[k] == v
			}
			if same {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d lines at info like %v, want one, in\n%s", n, want, &log)
		}
	}
	for _, line := range info {
		if addr := line["addr"]; line["sid"] != c.SID[:8] || addr == nil || addr != info[0]["addr"] {
			t.Errorf("at info, of %v: %v", info[0]["addr"], line)
		}
	}
	if len(info) != 7 {
		t.Errorf("%d lines at info, want 7:\n%s", len(info), &log)
	}
	packets := 0
	for _, line := range log.lines(t, "packet") {
		if line["sid"] == c.SID[:8] && line["type"] == "EVENT" && line["nsp"] == "/" {
			packets++
		}
	}
	if packets != 4 {
		t.Errorf("%d events at debug, want 4", packets)
	}
}

// secret matches what the client of the next test sends, and is sent.
var secret = regexp.MustCompile(`(?i)SECRET[-\w]*|555000\d+`)

// Nothing that a client sends or is sent, and nothing that it authenticates
// with, is in the log, at whatever level.
func TestLogIsDiscreet(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger(), MaxPayload: 2000, Cookie: &http.Cookie{Name: "io"}})
	type credentials struct {
		Token string
		Roles []int
	}
	chat := h.Of("/chat")
	for _, n := range []*sio.Namespace{h.Namespace, chat} {
		n.Use(sio.Recover(), sio.Logger())
		n.OnConnect(func(c *sio.Context) error {
			var a credentials
			if err := c.BindAuth(&a); err != nil {
				return err
			}
			if a.Token != "SECRET-token" {
				return &sio.Error{Message: "SECRET-refusal", Data: a}
			}
			c.Set("SECRET-key", "SECRET-value")
			return c.Emit("welcome", "SECRET-welcome")
		})
		n.On("echo", func(c *sio.Context) error {
			var v any
			if err := c.Bind(&v); err != nil {
				return err
			}
			return c.Ack(v)
		})
		n.On("ask", func(c *sio.Context) error {
			args, err := c.EmitWithAck(c.Context(), "question", "SECRET-question")
			if err != nil {
				return err
			}
			return args.Bind(new(int)) // what comes is another thing
		})
		sio.On(n, "number", func(*sio.Context, int) error { return nil })
		sio.On(n, "small", func(*sio.Context, int8) error { return nil })
		sio.On(n, "struct", func(*sio.Context, struct{ N struct{ M int } }) error { return nil })
		sio.On(n, "map", func(*sio.Context, map[string]int) error { return nil })
		sio.On(n, "keys", func(*sio.Context, map[int]int) error { return nil })
		n.On("panic", func(c *sio.Context) error {
			var s string
			if err := c.Bind(&s); err != nil {
				return err
			}
			panic("boom")
		})
	}
	left := make(chan struct{}, 20)
	chat.OnDisconnect(func(*sio.Context) error { left <- struct{}{}; return nil })

	header := http.Header{
		"Authorization": {"Bearer SECRET-bearer"},
		"Cookie":        {"session=SECRET-cookie"},
		"X-Api-Key":     {"SECRET-key"},
		"Origin":        {"http://" + strings.TrimSuffix(strings.TrimPrefix(h.url, "http://"), "/socket.io/")},
	}
	var sids []string
	converse := func(webSocket bool, last string) {
		c := dial(t, h.url+"?access_token=SECRET-query", testclient.Options{WebSocket: webSocket, Header: header})
		sids = append(sids, c.SID)
		c.refused("/", map[string]string{"Token": "SECRET-wrong"})
		c.refused("/", map[string]any{"Token": 5550001, "SECRET-member": 1})
		c.refused("/", map[string]any{"Roles": []string{"SECRET-role"}})
		c.connect("/chat", credentials{Token: "SECRET-token"})
		c.want(`2/chat,["welcome","SECRET-welcome"]`)
		c.send(`2/chat,1["echo",{"SECRET-member":["SECRET-payload",5550002]}]`)
		c.want(`3/chat,1[{"SECRET-member":["SECRET-payload",5550002]}]`)
		if !webSocket {
			if err := c.Upgrade(); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range []string{
			`"number","SECRET-text"`, `"number",{"SECRET-member":1}`, `"number",5550003.5`, `"small",5550004`, `"number",55500055550005555000555500055550005`,
			`"struct",{"N":{"M":"SECRET-text"}}`, `"map",{"SECRET-member":"SECRET-text"}`, `"keys",{"SECRET-member":1}`,
		} {
			c.send(`2/chat,1[` + args + `]`)
			c.want(`3/chat,1[{"error":{"message":"argument 1 is invalid"}}]`)
		}
		c.send(`2/chat,1["panic","SECRET-text"]`)
		c.want(`3/chat,1[{"error":{"message":"internal error"}}]`)
		c.send(`2/chat,1["ask"]`)
		question, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		c.send(`3/chat,` + testclient.Parse(question).ID + `["SECRET-answer"]`)
		c.want(`3/chat,1[{"error":{"message":"internal error"}}]`)
		if err := chat.Emit("all", "SECRET-broadcast"); err != nil {
			t.Error(err)
		}
		c.want(`2/chat,["all","SECRET-broadcast"]`)
		if last != "" {
			c.send(last)
			if p, err := c.Next(); err == nil {
				t.Errorf("packet %q after %.50q, want the end", p, last)
			}
		}
		c.Close()
		receive(t, left, "OnDisconnect")
	}
	for _, last := range []string{
		"", `2/chat,["SECRET-malformed"`, `2/chat,{"SECRET-object":1}`, `SECRET-packet`, `5550006-/chat,["SECRET"]`, `0/chat,["SECRET-auth"]`,
		`0/chat,{"Token":"SECRET-again"}`, `2/elsewhere,["x","SECRET-elsewhere"]`, `51-/chat,["x",{"_placeholder":true,"num":7,"SECRET":1}]`,
		`2/chat,["` + strings.Repeat("SECRET", 500) + `"]`,
	} {
		converse(false, last)
		converse(true, last)
	}
	_, err := testclient.Dial(h.url+"?sid=SECRET-sid&token=SECRET", testclient.Options{Header: header})
	var status *testclient.StatusError
	if !errors.As(err, &status) {
		t.Errorf("an unknown session: %v", err)
	}
	_, err = testclient.Dial(h.url+"?token=SECRET", testclient.Options{WebSocket: true, Header: http.Header{"Origin": {"https://foreign.example"}, "Cookie": {"SECRET"}}})
	if !errors.As(err, &status) {
		t.Errorf("a foreign origin: %v", err)
	}
	if err := h.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}

	for _, sid := range sids { // whoever knows one can act for its client
		if n := len(log.lines(t, "session opened")); len(sid) != 20 || n < len(sids) || strings.Contains(log.String(), sid[8:]) {
			t.Errorf("session id %q is in the log, or %d sessions are not", sid, len(sids)-n)
		}
	}
	told := make(map[string]bool)
	for line := range strings.Lines(log.String()) {
		// The message of an Error is the application's own, and not a secret.
		found := secret.FindString(strings.ReplaceAll(line, "SECRET-refusal", ""))
		if found != "" && !told[found] {
			told[found] = true
			t.Errorf("%s is in the log: %.500s", found, line)
		}
	}
	for _, what := range []string{"handler refused", "handler panicked", "handler failed", "packet refused", "request refused", "origin refused", "handled"} {
		if len(log.lines(t, what)) == 0 {
			t.Errorf("no line %q: this test does not go where it should", what)
		}
	}
}

// A client can choose a name as long as a message: the log has its beginning.
func TestLongEventInLog(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	h.On("x", func(c *sio.Context) error { return c.Ack() })
	c := h.join("/")
	c.send(`2["x`+strings.Repeat("é", 1000)+`"]`, `21["x"]`)
	c.want(`31[]`)
	// A character that the limit would split is left out.
	if event, want := log.only(t, "no handler")["event"], "x"+strings.Repeat("é", 31)+"…"; event != want {
		t.Errorf("event %q, want %q", event, want)
	}
}

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
	who := " addr=127.0.0.1:PORT event=%s nsp=/ sid=" + c.SID[:8] + " socket=" + id
	line := func(head, event string) string {
		return strings.ReplaceAll(regexp.QuoteMeta(head+fmt.Sprintf(who, event)), "PORT", `\d+`)
	}
	date := `(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `
	for _, want := range []string{
		date + line(`ERR sio handler failed error="no database"`, "fail") + "$",
		date + line(`ERR sio handler panicked error="panic: boom"`, "panic") + `\ngoroutine \d`,
		`log_test\.go:\d+`, // in the stack
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
		srv.On("log", sio.Logger()(func(*sio.Context) error { return &sio.Error{Message: strings.Repeat("x", 1<<16)} }))
		c := siotest.Connect(t, srv)
		for range 100 {
			c.Emit("fail")
			c.Emit("log")
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
	if n := strings.Count(got, "handled"); n != 10 || len(got) > 100_000 {
		t.Errorf("%d lines of the middleware in %d bytes, want 10", n, len(got))
	}
}

// The log says why a request is refused, and what it needs.
func TestRefusedRequest(t *testing.T) {
	var log logBuffer
	srv := sio.New(&sio.Options{Logger: log.logger()})
	w := ask(srv, http.MethodGet, "/socket.io/?EIO=3&transport=polling&token=SECRET")
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
	line := log.only(t, "request refused")
	if line["level"] != "warn" || line["component"] != "engineio" || line["code"] != 5.0 || line["why"] != "Unsupported protocol version" ||
		line["eio"] != "3" || line["addr"] != "192.0.2.1:1234" || !strings.Contains(line["needs"].(string), "AllowEIO3") {
		t.Errorf("log line %v", line)
	}
	if strings.Contains(log.String(), "SECRET") {
		t.Errorf("the log has the query: %s", &log)
	}
}
