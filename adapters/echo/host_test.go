package sioecho_test

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/logtest"
	"github.com/siokit/sio/internal/testclient"
)

// patience bounds every wait. A test that passes never waits that long.
const patience = 10 * time.Second

func newEcho() *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	return e
}

// serve serves e on a loopback socket until the test ends, and has srv shut
// down before. By then the HTTP server must have had nothing to complain about.
func serve(t *testing.T, e *echo.Echo, srv *sio.Server) (url string) {
	t.Helper()
	var errors logtest.Buffer
	web := httptest.NewUnstartedServer(e)
	web.Config.ErrorLog = log.New(&errors, "", 0)
	web.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		web.Close()
		if s := errors.String(); s != "" {
			t.Errorf("the HTTP server's ErrorLog: %s", s)
		}
	})
	return web.URL
}

// A client fails its test when something goes wrong.
type client struct {
	*testclient.Client
	t *testing.T
}

func dial(t *testing.T, url string, opts testclient.Options) *client {
	t.Helper()
	c, err := testclient.Dial(url, opts)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	t.Cleanup(c.Close)
	return &client{c, t}
}

func (c *client) connect() {
	c.t.Helper()
	if _, err := c.Connect("/", nil); err != nil {
		c.t.Fatalf("CONNECT: %v", err)
	}
}

func (c *client) send(packet string) {
	c.t.Helper()
	if err := c.Send(packet); err != nil {
		c.t.Fatalf("sending %.100q: %v", packet, err)
	}
}

func (c *client) want(packet string) {
	c.t.Helper()
	if got, err := c.Next(); err != nil || got != packet {
		c.t.Fatalf("packet %.200q %v, want %.200q", got, err, packet)
	}
}

func (c *client) upgrade() {
	c.t.Helper()
	if err := c.Upgrade(); err != nil {
		c.t.Fatal(err)
	}
}
