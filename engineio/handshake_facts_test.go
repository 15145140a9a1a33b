package engineio_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

type noHandler struct{}

func (noHandler) Message([]byte, bool)  {}
func (noHandler) Close(engineio.Reason) {}

// TestHandshakeFacts has what a session knows of the request that opened it.
func TestHandshakeFacts(t *testing.T) {
	opened := make(chan *engineio.Session, 1)
	srv, err := engineio.New(&engineio.Options{CORS: &engineio.CORS{Origins: []string{"*"}}}, func(s *engineio.Session) engineio.Handler {
		opened <- s
		return noHandler{}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, secure := range []bool{false, true} {
		web := httptest.NewUnstartedServer(srv)
		if secure {
			web.StartTLS()
		} else {
			web.Start()
		}
		for _, origin := range []string{"", "https://example.com"} {
			before := time.Now()
			r, err := http.NewRequest("GET", web.URL+"/?EIO=4&transport=polling", nil)
			if err != nil {
				t.Fatal(err)
			}
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			res, err := web.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			s := <-opened
			if s.Secure() != secure || s.CrossDomain() != (origin != "") || s.Opened().Before(before) || s.Opened().After(time.Now()) {
				t.Errorf("over TLS %t, Origin %q: %t, %t, opened %v behind %v", secure, origin, s.Secure(), s.CrossDomain(), s.Opened(), before)
			}
			s.Abort("over")
		}
		web.Close()
	}
}
