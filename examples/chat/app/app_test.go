package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/presence"
	"github.com/siokit/sio/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs the program, and ends it with the test. It returns a function that
// joins a namespace as a new client.
func serve(t *testing.T) func(nsp string, auth any) (*testclient.Client, error) {
	t.Helper()
	addr, _ := serveApp(t, Options{Log: zerolog.Nop()})
	return dialer(t, addr)
}

// serveApp serves the chat, until the test ends or stop is called.
func serveApp(t *testing.T, o Options) (addr string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(o).Serve(ctx, ln) }() // until stop
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("serve:", err)
		}
	})
	t.Cleanup(stop)
	return ln.Addr().String(), stop
}

func dialer(t *testing.T, addr string) func(nsp string, auth any) (*testclient.Client, error) {
	return func(nsp string, auth any) (*testclient.Client, error) {
		c, err := testclient.Dial("http://"+addr+"/socket.io/", testclient.Options{WebSocket: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		_, err = c.Connect(nsp, auth)
		return c, err
	}
}

// next wants the next packet of c to be an event.
func next(t *testing.T, c *testclient.Client, event string, arg any) {
	t.Helper()
	packet, err := c.Next()
	if err != nil {
		t.Fatalf("waiting for %s: %v", event, err)
	}
	var name string
	if err := json.Unmarshal([]byte(testclient.Parse(packet).Data), &[]any{&name, arg}); err != nil || name != event {
		t.Fatalf("got %s, want the event %s", packet, event)
	}
}

// emit sends an event to "/", with an ack id or none.
func emit(t *testing.T, c *testclient.Client, id, event string, arg any) {
	t.Helper()
	data, err := json.Marshal([]any{event, arg})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send("2" + id + string(data)); err != nil {
		t.Fatalf("%s: %v", event, err)
	}
}

// call sends an event and returns the answer, an array. It passes over who comes and goes.
func call(t *testing.T, c *testclient.Client, event string, arg any) string {
	t.Helper()
	emit(t, c, "1", event, arg)
	packet, err := c.Next()
	for err == nil && strings.HasPrefix(packet, `2["presence",`) {
		packet, err = c.Next()
	}
	answer, ok := strings.CutPrefix(packet, "31")
	if err != nil || !ok {
		t.Fatalf("%s: got %s, %v", event, packet, err)
	}
	return answer
}

func TestLobby(t *testing.T) {
	dial := serve(t)
	_, err := dial("/chat", map[string]string{"token": "wrong"})
	if refused := new(testclient.Refused); !errors.As(err, &refused) || refused.Data != `{"message":"not authorized"}` {
		t.Errorf("with a wrong token: %v", err)
	}

	var heard text
	a, err := dial("/chat", map[string]string{"token": "right"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := dial("/chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	next(t, a, "system_message", &heard)
	if heard.Text != "Welcome!" {
		t.Errorf("welcomed with %q", heard.Text)
	}
	next(t, b, "system_message", &heard)

	if err := a.Send(`2/chat,7["chat_message",{"text":"hi"}]`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*testclient.Client{a, b} {
		next(t, c, "chat_message", &heard)
		if heard.Text != "hi" {
			t.Errorf("heard %q", heard.Text)
		}
	}
	if ack, err := a.Next(); ack != `3/chat,7[{"status":"ok"}]` {
		t.Errorf("answer %s, %v", ack, err)
	}
}

func TestChat(t *testing.T) {
	dial := serve(t)
	enter := func(name string) *testclient.Client {
		c, err := dial("/", map[string]string{"name": name})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ada, bob, eve := enter("Ada"), enter("Bob"), enter("Eve")

	// hears waits until c has been told that those in room "r" are these.
	told := make(map[*testclient.Client]map[string]string)
	hears := func(c *testclient.Client, want ...string) {
		t.Helper()
		here := told[c]
		if here == nil {
			here = make(map[string]string)
			told[c] = here
		}
		for {
			var ch presence.Change[member]
			next(t, c, "presence", &ch)
			if ch.Members != nil {
				clear(here)
			}
			for _, m := range slices.Concat(ch.Members, ch.Joined) {
				here[m.Key] = m.Value.Name
			}
			for _, m := range ch.Left {
				delete(here, m.Key)
			}
			if slices.Equal(slices.Sorted(maps.Values(here)), want) && ch.Room == key("r") {
				return
			}
		}
	}
	emit(t, ada, "", "room:join", "r")
	hears(ada, "Ada")
	emit(t, bob, "", "room:join", "r")
	hears(bob, "Ada", "Bob")
	hears(ada, "Ada", "Bob")

	if got := call(t, bob, "message", post{ID: "1", Room: "r", Text: "hello"}); got != `[{"status":"ok"}]` {
		t.Errorf("a message is answered %s", got)
	}
	var m message
	next(t, ada, "message:new", &m)
	if m.ID != "1" || m.Room != "r" || m.Text != "hello" || m.From.Name != "Bob" || m.At.IsZero() {
		t.Errorf("Ada gets %+v", m)
	}

	// From outside the room: refused, and as good as not said.
	if got := call(t, eve, "message", post{ID: "2", Room: "r", Text: "boo"}); !strings.Contains(got, "not in this room") {
		t.Errorf("a message from outside is answered %s", got)
	}
	emit(t, eve, "", "typing", typing{Room: "r", On: true})
	call(t, eve, "room:join", "elsewhere") // the typing has been handled

	emit(t, bob, "", "typing", typing{Room: "r", On: true, From: member{Name: "Ada"}})
	var ty typing
	next(t, ada, "typing", &ty)
	if ty.From.Name != "Bob" || !ty.On {
		t.Errorf("Ada hears of %+v", ty)
	}

	emit(t, bob, "", "room:leave", "r")
	var ch presence.Change[member]
	next(t, ada, "presence", &ch)
	if len(ch.Left) != 1 || ch.Left[0].Value.Name != "Bob" {
		t.Errorf("Ada hears %+v", ch)
	}
}

func TestBounds(t *testing.T) {
	dial := serve(t)
	for _, name := range []string{"", " ", "Ada ", strings.Repeat("é", maxName+1)} {
		if _, err := dial("/", map[string]string{"name": name}); err == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
	c, err := dial("/", map[string]string{"name": strings.Repeat("é", maxName)})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(answer string) bool { return strings.HasPrefix(answer, `[{"error":{"message":`) }
	for range 2 { // joining again takes no further place
		for i := range maxRooms {
			if answer := call(t, c, "room:join", "room"+string(rune('a'+i))); refused(answer) {
				t.Errorf("room %d: %s", i, answer)
			}
		}
	}
	for _, room := range []string{"one more", "", strings.Repeat("r", maxRoom+1)} {
		if answer := call(t, c, "room:join", room); !refused(answer) {
			t.Errorf("joining %q: %s", room, answer)
		}
	}
	for _, p := range []post{
		{ID: "1", Room: "rooma"},
		{ID: "1", Room: "rooma", Text: strings.Repeat("x", maxText+1)},
		{Room: "rooma", Text: "no id"},
	} {
		if answer := call(t, c, "message", p); !refused(answer) {
			t.Errorf("message of %d characters, id %q: %s", len(p.Text), p.ID, answer)
		}
	}
	if answer := call(t, c, "message", post{ID: "1", Room: "rooma", Text: strings.Repeat("é", maxText)}); refused(answer) {
		t.Errorf("the longest message: %s", answer)
	}
}

// TestDrain has a server that is not ready any more, while its users are still there.
func TestDrain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a := New(Options{Log: zerolog.Nop()})
	var wg sync.WaitGroup
	wg.Go(func() { // until cancel
		if err := a.Serve(ctx, ln); err != nil {
			t.Error("serve:", err)
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	ada, err := dialer(t, ln.Addr().String())("/", map[string]string{"name": "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	ready := func() int {
		rec := httptest.NewRecorder()
		a.echo.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/ready", nil))
		return rec.Code
	}
	if code := ready(); code != http.StatusOK {
		t.Errorf("/ready answers %d", code)
	}
	drained := make(chan error, 1)
	go func() { drained <- a.Drain(ctx) }() // until Ada has left
	for ready() != http.StatusServiceUnavailable {
		time.Sleep(time.Millisecond)
	}
	call(t, ada, "room:join", "r") // goes on
	for err == nil {
		_, err = ada.Next()
	}
	if err := <-drained; err != nil {
		t.Error("drain:", err)
	}
}

// TestContract wants the types of all that the page may send and get.
func TestContract(t *testing.T) {
	srv := Server()
	siotest.Cleanup(t, srv)
	var got []string
	for _, n := range srv.Contract().Namespaces {
		got = append(got, fmt.Sprintf("%s %v", n.Name, n.Auth))
		for _, e := range n.Receive {
			got = append(got, fmt.Sprintf("< %s %v %v", e.Name, e.Arg, e.Ack))
		}
		for _, e := range n.Send {
			got = append(got, fmt.Sprintf("> %s %v", e.Name, e.Arg))
		}
	}
	want := []string{
		"/ app.user",
		"< message app.post app.receipt",
		"< room:join string app.receipt",
		"< room:leave string app.receipt",
		"< typing app.signal <nil>",
		"> message:new app.message",
		"> presence presence.Change[github.com/siokit/sio/examples/chat/app.member]",
		"> typing app.typing",
		"/chat *app.ticket",
		"< chat_message app.text app.receipt",
		"> chat_message app.text",
		"> system_message app.text",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the contract is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPage(t *testing.T) {
	installed := t.TempDir()
	if err := os.WriteFile(filepath.Join(installed, ClientFile), []byte("the client"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ dir, script string }{
		{installed, "socket.io/socket.io.min.js"},
		{t.TempDir(), clientCDN},
		{"", clientCDN},
	} {
		a := New(Options{Client: test.dir, Log: zerolog.Nop()})
		siotest.Cleanup(t, a.srv)
		e := a.echo
		get := func(path string) *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
			return rec
		}
		if body := get("/").Body.String(); !strings.Contains(body, `<script src="`+test.script+`">`) {
			t.Errorf("client in %q: the page does not load %s", test.dir, test.script)
		}
		for _, asset := range []string{"chat.js", "style.css", "icon.svg"} {
			if code := get("/static/" + asset).Code; code != http.StatusOK {
				t.Errorf("%s: %d", asset, code)
			}
		}
		if body := get("/socket.io/" + ClientFile).Body.String(); (body == "the client") != (test.dir == installed) {
			t.Errorf("client in %q: served %q", test.dir, body)
		}
	}
}
