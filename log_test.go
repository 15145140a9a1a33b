package sio_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
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
