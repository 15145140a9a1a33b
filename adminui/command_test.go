package adminui_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/siotest"
)

// The sockets of clients of Socket.IO 2 have the ids of their sessions, which are credentials.
func TestCommandsLogNoCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		logger := zerolog.New(zerolog.SyncWriter(&log))
		srv := sio.New(&sio.Options{Logger: &logger, AllowEIO3: true})
		adminui.Mount(srv, &adminui.Options{Unprotected: true})
		siotest.Cleanup(t, srv)
		answer := httptest.NewRecorder()
		srv.ServeHTTP(answer, httptest.NewRequest("GET", "/socket.io/?EIO=3&transport=polling", nil))
		sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(answer.Body.String())
		if sid == nil {
			t.Fatalf("no session: %s", answer.Body)
		}
		p := open(t, srv, nil)
		p.Call("join", "/", "room", sid[1])
		synctest.Wait()
		if srv.Socket(sid[1]) == nil || len(srv.Rooms()) != 1 {
			t.Error("no such socket has joined")
		}
		if text := log.String(); !strings.Contains(text, "admin command") || strings.Contains(text, sid[1]) {
			t.Errorf("the log has\n%s", text)
		}
	})
}
