package sioecho_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/internal/testclient"
)

// What is large enough to be compressed is so once, by the middleware if there
// is one.
func TestCompressedOnce(t *testing.T) {
	text := strings.Repeat("x", 10_000)
	for name, mw := range map[string]echo.MiddlewareFunc{
		"sio":              func(next echo.HandlerFunc) echo.HandlerFunc { return next },
		"Gzip":             middleware.Gzip(),
		"Gzip from 5000 B": middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 5000}),
	} {
		t.Run(name, func(t *testing.T) {
			srv := sio.New(&sio.Options{ClientFiles: fstest.MapFS{"socket.io.js": {Data: []byte(text)}}})
			srv.OnConnect(func(c *sio.Context) error { return c.Emit("text", text) })
			e := newEcho()
			e.Use(mw)
			e.Any("/socket.io/*", sioecho.Handler(srv))
			url := serve(t, e, srv) + "/socket.io/"

			c := dial(t, url, testclient.Options{})
			if err := c.Send("0"); err != nil {
				t.Fatal(err)
			}
			for answer := ""; !strings.Contains(answer, text); {
				answer = getGzip(t, url+"?EIO=4&transport=polling&sid="+c.SID)
			}
			if got := getGzip(t, url+"socket.io.js"); got != text {
				t.Errorf("%d bytes of the file", len(got))
			}
		})
	}
}

// getGzip returns the body of an answer, which is compressed if it is long.
func getGzip(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip") // by hand: else the client decompresses
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	body := io.Reader(res.Body)
	if encodings := res.Header.Values("Content-Encoding"); len(encodings) > 0 {
		if len(encodings) != 1 || encodings[0] != "gzip" {
			t.Fatalf("Content-Encoding %q", encodings)
		}
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	} else if res.ContentLength > 1024 {
		t.Errorf("%d bytes as they are", res.ContentLength)
	}
	b, err := io.ReadAll(body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	return string(b)
}
