package adminui_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/siotest"
)

// logged returns a server with an Admin UI, and what it logs from that level.
func logged(t *testing.T, level zerolog.Level, opts *sio.Options, o adminui.Options) (*sio.Server, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	logger := zerolog.New(zerolog.SyncWriter(&log)).Level(level)
	opts.Logger = &logger
	srv := sio.New(opts)
	adminui.Mount(srv, &o)
	siotest.Cleanup(t, srv)
	return srv, &log
}

// v2 connects a client of Socket.IO 2 by a handshake alone, and returns the id of its session,
// which is that of its socket.
func v2(t *testing.T, srv *sio.Server) string {
	t.Helper()
	answer := httptest.NewRecorder()
	srv.ServeHTTP(answer, httptest.NewRequest("GET", "/socket.io/?EIO=3&transport=polling", nil))
	synctest.Wait()
	sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(answer.Body.String())
	if sid == nil {
		t.Fatalf("no session: %s", answer.Body)
	}
	return sid[1]
}

// The sockets of clients of Socket.IO 2 have the ids of their sessions, which are credentials.
// They may be another server's, and in any namespace.
func TestCommandsLogNoCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		opts := func() *sio.Options {
			o := clustered(t, hub.Engine())
			o.AllowEIO3 = true
			return o
		}
		srv, log := logged(t, zerolog.WarnLevel, opts(), adminui.Options{Unprotected: true})
		srv.Of("/x{y}")
		other, _ := logged(t, zerolog.WarnLevel, opts(), adminui.Options{Unprotected: true})
		here, there := v2(t, srv), v2(t, other)
		p := open(t, srv, nil)
		for _, id := range []string{here, there} {
			p.Call("join", "/", "room", id)
			p.Call("join", "/", id, "nobody")
			p.Call("leave", "/x?access_token=s3cr3t", "room", "/x?access_token=s3cr3t#"+id)
		}
		synctest.Wait()
		for i, s := range []*sio.Server{srv, other} {
			if len(s.Rooms()) != 1 {
				t.Errorf("no socket of server %d has joined", i+1)
			}
		}
		text := log.String()
		if n := strings.Count(text, "admin command"); n != 6 {
			t.Errorf("%d commands are logged:\n%s", n, text)
		}
		for _, secret := range []string{here, there, "s3cr3t"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log has %s:\n%s", secret, text)
			}
		}
		for _, id := range []string{here, there} {
			if n := strings.Count(text, id[:8]); n != 3 {
				t.Errorf("the log has %d times which socket it was, want 3:\n%s", n, text)
			}
		}
		p.Call("join", "/", "twenty-four-characters-")
		if !strings.Contains(log.String(), "twenty-four-characters-") {
			t.Errorf("the name of a room is not in the log:\n%s", log)
		}
	})
}

// Who may only look gets no credentials: neither ids of sessions, nor what is behind the name of a
// namespace.
func TestReadOnlyShowsNoCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := logged(t, zerolog.WarnLevel, &sio.Options{AllowEIO3: true}, adminui.Options{Unprotected: true, ReadOnly: true, Mode: adminui.Development})
		dynamic := srv.Of("/x{y}")
		dynamic.On("ask", func(c *sio.Context) error { return c.Emit("answer") })
		ids := []string{v2(t, srv)}
		const name = "/x?access_token=s3cr3t"
		before := siotest.Connect(t, srv, &siotest.Options{Namespace: name})
		var told strings.Builder
		p := open(t, srv, nil)
		features(t, p)
		told.WriteString(p.Expect("all_sockets").String())
		ids = append(ids, v2(t, srv))
		after := siotest.Connect(t, srv, &siotest.Options{Namespace: name})
		time.Sleep(time.Second)
		for _, c := range []*siotest.Client{before, after} {
			c.Emit("ask")
			c.Expect("answer")
			if err := srv.Of(name).To(c.ID()).Join("room"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			c.Disconnect()
		}
		time.Sleep(time.Second)
		if err := srv.Of("/admin").Emit("end"); err != nil {
			t.Fatal(err)
		}
		for e := p.Next(); e.Name() != "end"; e = p.Next() {
			told.WriteString(e.String())
		}
		text := told.String()
		if !containsAll(text, ids[0][:8], ids[1][:8], `"/x"`, "all_sockets", "socket_connected", "socket_disconnected", "room_joined", "room_left", "event_received", "event_sent") {
			t.Errorf("the page is told too little: %s", text)
		}
		for _, secret := range append(ids, "s3cr3t") {
			if strings.Contains(text, secret) {
				t.Errorf("the page is told of %s: %s", secret, text)
			}
		}
	})
}

// Who has logged in, and what is done, is in the log of a server in production.
func TestWhatIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, log := logged(t, zerolog.WarnLevel, new(sio.Options), adminui.Options{Username: "admin", PasswordHash: hash})
		lines := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if text := log.String(); strings.Count(text, "\n") != 1 || !containsAll(text, want...) {
				t.Errorf("the log has\n%s, want a line with %q", text, want)
			}
			log.Reset()
		}
		siotest.Refused(t, srv, &siotest.Options{Namespace: "/admin", Auth: credentials{"username": "admin", "password": "wrong"}})
		lines(`"level":"warn"`, "admin login failed")
		p := open(t, srv, login)
		lines(`"level":"warn"`, "admin logged in", p.ID())
		p.Call("emit", "/", "room", "news")
		lines(`"level":"warn"`, "admin command", `"command":"emit"`, `"filter":"room"`, `"event":"news"`, p.ID())
		if err := p.CallError("emit", "/", nil, "disconnect"); !strings.Contains(err.Message, "see the server's log") {
			t.Error(err)
		}
		lines(`"level":"error"`, "admin command", `"event":"disconnect"`, "reserved")
	})
}

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// Servers with the same name and process id are two.
func TestDefaultServerID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := make(map[string]bool)
		for range 2 {
			srv := mount(t, nil, adminui.Options{Unprotected: true})
			s := bind[stats](t, open(t, srv, nil).until("server_stats", nil))
			if !regexp.MustCompile(`^.+#\d+-[a-z2-7]{6}$`).MatchString(s.ServerID) {
				t.Errorf("ServerID %q", s.ServerID)
			}
			ids[s.ServerID] = true
		}
		if len(ids) != 2 {
			t.Errorf("two servers are %v", ids)
		}
	})
}
