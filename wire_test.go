package sio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// TestUpgradeOfOtherClients has the bytes of clients that send no probe: the
// handshake over polling, the WebSocket with its id, 5, and the CONNECT.
func TestUpgradeOfOtherClients(t *testing.T) {
	for name, test := range map[string]struct {
		poll, upgrade string // lines of the requests
		connect       string
		again         bool // the WebSocket takes the connection of the poll
	}{
		"arduinoWebSockets on an ESP32": {
			"Connection: keep-alive\r\nOrigin: file://\r\nUser-Agent: arduino-WebSocket-Client\r\n",
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n" +
				"Sec-WebSocket-Protocol: arduino\r\nOrigin: file://\r\nUser-Agent: arduino-WebSocket-Client\r\n",
			"40/", true,
		},
		"SocketIOClient for .NET": {
			"",
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n",
			"40", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, nil)
			h.On("echo", func(c *sio.Context) error { return c.Emit("echo", c.Transport()) })
			addr := strings.TrimSuffix(strings.TrimPrefix(h.url, "http://"), "/socket.io/")
			dial := func() (net.Conn, *bufio.Reader) {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				conn.SetDeadline(time.Now().Add(patience))
				return conn, bufio.NewReader(conn)
			}
			ask := func(conn net.Conn, br *bufio.Reader, query, lines string) *http.Response {
				fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", query, addr, lines)
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatal(err)
				}
				return res
			}
			conn, br := dial()
			res := ask(conn, br, "polling", test.poll)
			body, err := io.ReadAll(res.Body)
			_, rest, ok := strings.Cut(string(body), `"sid":"`)
			sid, _, _ := strings.Cut(rest, `"`)
			if !ok || err != nil {
				t.Fatalf("%s %q %v", res.Status, body, err)
			}
			if !test.again {
				conn, br = dial()
			}
			if res := ask(conn, br, "websocket&sid="+sid, test.upgrade); res.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(res.Status)
			}
			for _, packet := range []string{"5", test.connect, `42["echo"]`} {
				if err := ws.WriteFrame(conn, ws.MaskFrame(ws.NewTextFrame([]byte(packet)))); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{"40{", `42["echo","websocket"]`} {
				f, err := ws.ReadHeader(br)
				if err != nil {
					t.Fatal(err)
				}
				payload := make([]byte, f.Length)
				if _, err := io.ReadFull(br, payload); err != nil || !strings.HasPrefix(string(payload), want) {
					t.Fatalf("%q %v, want %q", payload, err, want)
				}
			}
		})
	}
}

// TestBodyThatDoesNotCome has requests that announce a body and send none, to what is
// answered in front of the engine.
func TestBodyThatDoesNotCome(t *testing.T) {
	srv := sio.New(&sio.Options{ClientFiles: dist()})
	deny := sio.HandshakeOnly(srv, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	})
	for name, test := range map[string]struct {
		handler http.Handler
		head    string
		status  int
	}{
		"another path":         {srv, "POST /elsewhere", 404},
		"a file of the client": {srv, "GET /socket.io/socket.io.js", 200},
		"a POST to a file":     {srv, "POST /socket.io/socket.io.js", 405},
		"behind HandshakeOnly": {deny(srv), "POST /socket.io/?EIO=4&transport=polling", 401},
		"a WebSocket, refused": {deny(srv), "GET /socket.io/?EIO=4&transport=websocket", 401},
		"a handshake":          {srv, "GET /socket.io/?EIO=4&transport=polling", 408},
		"with a capture function": {sio.HandlerWith(srv, func(*http.Request) (int, error) {
			t.Error("captured")
			return 0, nil
		}), "GET /socket.io/?EIO=4&transport=polling", 408},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pipe := testclient.NewPipe()
				web := &http.Server{Handler: test.handler}
				served := make(chan struct{})
				go func() { // until web.Close
					defer close(served)
					web.Serve(pipe)
				}()
				conn, err := pipe.Dial()
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", test.head)
				br := bufio.NewReader(conn)
				if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != test.status {
					t.Error(res, err)
				}
				io.Copy(io.Discard, br)
				if d := time.Since(start); d > 11*time.Second {
					t.Errorf("over after %v", d)
				}
				web.Close()
				<-served
			})
		})
	}
}
