package engineio_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
)

// TestMaxHeaderBytes has heads of just the limit, and of a byte more.
func TestMaxHeaderBytes(t *testing.T) {
	const query = "EIO=4&transport=polling"
	uri := len("/engine.io/?"+query) + 32 // for the second parameter
	for name, test := range map[string]struct {
		query, lines string
		size         int
	}{
		"nothing but the target": {"", "", uri},
		"a field":                {"", "X: 12345\r\n", uri + 6 + 32},
		"a field twice":          {"", "X: 1\r\nX: 2\r\n", uri + 2*(2+32)},
		"a parameter":            {"&a", "", uri + 2 + 32},
		"empty parameters":       {"&&&", "", uri + 3*(1+32)},
		// It goes, and has its own place.
		"trailers": {"", "Transfer-Encoding: chunked\r\nTrailer: A, B, Cc\r\n", uri + 4 + 3*32},
	} {
		for more := range 2 {
			t.Run(fmt.Sprintf("%s/%d", name, more), func(t *testing.T) {
				h := newHost(t, &engineio.Options{MaxHeaderBytes: test.size - more})
				_, res := h.raw("GET /engine.io/?" + query + test.query + " HTTP/1.1\r\nHost: x\r\n" + test.lines + "\r\n0\r\n\r\n")
				if want := []int{200, 431}[more]; res.StatusCode != want || h.Len() != 1-more {
					t.Errorf("%s, %d sessions", res.Status, h.Len())
				}
			})
		}
	}
	t.Run("nothing is captured beyond", func(t *testing.T) {
		h := newHost(t, nil)
		r := httptest.NewRequest("GET", "/engine.io/?"+query, nil)
		for i := range 115_000 {
			r.Header[fmt.Sprintf("%x", i)] = []string{""}
		}
		w := httptest.NewRecorder()
		err := h.Serve(w, r, func() (any, error) {
			t.Error("captured")
			return nil, nil
		})
		if body := w.Body.String(); err != nil || w.Code != 431 || body != `{"code":3,"message":"Request header fields too large"}` {
			t.Errorf("%d %q %v", w.Code, body, err)
		}
	})
	t.Run("an upgrade", func(t *testing.T) {
		h := newHost(t, nil)
		_, res := h.raw(h.wsRequest("EIO=4&transport=websocket", "X: "+strings.Repeat("x", 17_000)))
		if res.StatusCode != 431 || h.Len() != 0 {
			t.Errorf("%s, %d sessions", res.Status, h.Len())
		}
	})
	t.Run("a POST", func(t *testing.T) {
		h := newHost(t, nil)
		p := h.open()
		_, res := h.raw("POST /engine.io/?" + query + "&sid=" + p.ID() + " HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X:\r\n", 600) + "Content-Length: 2\r\n\r\n4a")
		if res.StatusCode != 431 {
			t.Errorf("%s", res.Status)
		}
		p.silent()
		p.alive()
	})
	t.Run("no parameter is looked for beyond", func(t *testing.T) {
		h := newHost(t, nil)
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			r := httptest.NewRequest(method, "/engine.io/?"+query, nil)
			r.URL.RawQuery += strings.Repeat("&%", 100_000) // each costs an allocation
			r.RequestURI = "/engine.io/?" + r.URL.RawQuery
			if n := testing.AllocsPerRun(1, func() {
				w := httptest.NewRecorder()
				if h.Knows(r) || h.Preflight(w, r) {
					t.Error("it is known")
				}
				if h.ServeHTTP(w, r); w.Code != 431 {
					t.Errorf("%s: %d", method, w.Code)
				}
			}); n > 1000 {
				t.Errorf("%s: %.0f allocations", method, n)
			}
		}
	})
	t.Run("the log says so", func(t *testing.T) {
		var log strings.Builder
		logger := zerolog.New(&log)
		srv, err := engineio.New(&engineio.Options{MaxHeaderBytes: 10, Logger: &logger}, nil)
		if err != nil {
			t.Fatal(err)
		}
		srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/engine.io/?"+query, nil))
		if line := log.String(); !strings.Contains(line, `"level":"warn"`) || !strings.Contains(line, "Options.MaxHeaderBytes") {
			t.Errorf("%s", line)
		}
	})
}
