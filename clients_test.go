package sio_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/pipe"
)

// The clients that are not run in interop are replayed here: the requests and
// packets that they send as they connect, emit, and answer pings.

// A device is one of them, with connections to a server.
type device struct {
	t    *testing.T
	l    *pipe.Listener
	sid  string
	post string // what POSTs have for a Content-Type
	ws   net.Conn
	br   *bufio.Reader
}

const upgrading = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"

func (d *device) dial() (net.Conn, *bufio.Reader) {
	d.t.Helper()
	conn, err := d.l.Dial()
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

// request makes a request on a connection of its own.
func (d *device) request(method, query, lines, body string) string {
	d.t.Helper()
	conn, br := d.dial()
	defer conn.Close()
	if method == "POST" {
		lines += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", d.post, len(body))
	}
	go fmt.Fprintf(conn, "%s /socket.io/?%s HTTP/1.1\r\nHost: pipe.test:80\r\n%s\r\n%s", method, query, lines, body) // until it is read
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		d.t.Fatalf("%s %s: %s %q %v", method, query, res.Status, b, err)
	}
	return string(b)
}

var sidIn = regexp.MustCompile(`"sid":"([^"]+)"`)

// open opens a session by polling.
func (d *device) open(query, lines string) {
	d.t.Helper()
	m := sidIn.FindStringSubmatch(d.request("GET", query, lines, ""))
	if m == nil {
		d.t.Fatal("no sid")
	}
	d.sid = m[1]
}

func (d *device) poll(query, want string) {
	d.t.Helper()
	if got := d.request("GET", query+"&sid="+d.sid, "", ""); !matches(got, want) {
		d.t.Fatalf("poll %q, want %q", got, want)
	}
}

// send posts, and waits until the handlers have done what they do.
func (d *device) send(query, body string) {
	d.t.Helper()
	if got := d.request("POST", query+"&sid="+d.sid, "", body); got != "ok" {
		d.t.Fatalf("answer of a POST %q", got)
	}
	synctest.Wait()
}

// matches has an asterisk in want stand for anything.
func matches(got, want string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, ".*") + "$").MatchString(got)
}

// upgrade opens a WebSocket.
func (d *device) upgrade(query, lines string) {
	d.t.Helper()
	d.ws, d.br = d.dial()
	go fmt.Fprintf(d.ws, "GET /socket.io/?%s HTTP/1.1\r\nHost: pipe.test:80\r\n%s%s\r\n", query, upgrading, lines) // until it is read
	res, err := http.ReadResponse(d.br, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		d.t.Fatal(res, err)
	}
}

func (d *device) frames(frames ...ws.Frame) {
	d.t.Helper()
	var b []byte
	for _, f := range frames {
		b = append(b, ws.MustCompileFrame(ws.MaskFrame(f))...)
	}
	if _, err := d.ws.Write(b); err != nil {
		d.t.Fatal(err)
	}
}

// text sends packets, all of them in one write.
func (d *device) text(packets ...string) {
	d.t.Helper()
	var frames []ws.Frame
	for _, p := range packets {
		frames = append(frames, ws.NewTextFrame([]byte(p)))
	}
	d.frames(frames...)
}

// want wants text frames, or, of what begins with a NUL, binary ones.
func (d *device) want(packets ...string) {
	d.t.Helper()
	for _, want := range packets {
		h, err := ws.ReadHeader(d.br)
		if err != nil {
			d.t.Fatalf("%v, want %q", err, want)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(d.br, payload); err != nil {
			d.t.Fatalf("%v, want %q", err, want)
		}
		op := ws.OpText
		if strings.HasPrefix(want, "\x00") {
			op = ws.OpBinary
		}
		if h.OpCode != op || !matches(string(payload), want) {
			d.t.Fatalf("opcode %d %q, want %q", h.OpCode, payload, want)
		}
	}
}

// pings answers two pings on the WebSocket, and proves that the session lives on.
func (d *device) pings() {
	d.t.Helper()
	for range 2 {
		d.want("2")
		d.text("3")
	}
	d.text(`427["echo","on"]`)
	d.want(`42["echo","on"]`, `437["on"]`)
}

func TestOtherClients(t *testing.T) {
	const (
		polling = "EIO=4&transport=polling"
		socket  = "EIO=4&transport=websocket"
		data    = "\x00\x01\x02 binary"
		event   = `451-1["echo",{"_placeholder":true,"num":0}]`
		echoed  = `451-["echo",{"_placeholder":true,"num":0}]`
		acked   = `461-1[{"_placeholder":true,"num":0}]`
	)
	base64 := base64.StdEncoding.EncodeToString([]byte(data))
	for name, replay := range map[string]func(d *device){
		"SocketIOClient 4 for .NET, upgraded": func(d *device) {
			d.post = "text/plain; charset=utf-8"
			d.open(polling, "")
			d.send(polling, `40{"token":"t"}`) // while the WebSocket is opened, and without a poll
			d.upgrade(socket+"&sid="+d.sid, "")
			d.text("5")
			d.want(`40{"sid":"*"}`)
			d.text(event)
			d.frames(ws.NewBinaryFrame([]byte(data)))
			d.want(echoed, data, acked, data)
			d.pings()
		},
		"SocketIOClient 4 for .NET, polling": func(d *device) {
			d.post = "text/plain; charset=utf-8"
			d.open(polling, "")
			d.send(polling, "40/chat,")
			d.poll(polling, `40/chat,{"sid":"*"}`)
			d.send(polling, `451-/chat,1["echo",{"_placeholder":true,"num":0}]`)
			d.send(polling, "b"+base64) // attachments come in a request of their own
			d.poll(polling, `451-/chat,["echo",{"_placeholder":true,"num":0}]`+"\x1eb"+base64+"\x1e"+`461-/chat,1[{"_placeholder":true,"num":0}]`+"\x1eb"+base64)
			for range 2 {
				d.poll(polling, "2")
				d.send(polling, "3")
			}
			d.send(polling, "41/chat,")
		},
		"SocketIOClient 4 for .NET, a WebSocket in chunks": func(d *device) {
			d.upgrade(socket, "")
			d.want(`0{*}`)
			d.text("40")
			d.want(`40{"sid":"*"}`)
			long := strings.Repeat("x", 20_000)
			packet := `421["echo","` + long + `"]`
			for len(packet) > 8192 { // its messages go in frames of 8 KB
				op := ws.OpContinuation
				if strings.HasPrefix(packet, "421") {
					op = ws.OpText
				}
				d.frames(ws.NewFrame(op, false, []byte(packet[:8192])))
				packet = packet[8192:]
			}
			d.frames(ws.NewFrame(ws.OpContinuation, true, []byte(packet)))
			d.want(`42["echo","`+long+`"]`, `431["`+long+`"]`)
			d.pings()
			d.text("41")
		},
		"socket.io-client-swift": func(d *device) {
			d.post = "text/plain; charset=UTF-8"
			lines := "Origin: http://pipe.test:80\r\n" // Starscream's, with the port
			d.open("transport=polling&b64=1&EIO=4", "")
			d.send("transport=polling&b64=1&EIO=4", "40")
			d.upgrade("transport=websocket&EIO=4&sid="+d.sid, lines+"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=15\r\n")
			d.text("2probe")
			d.want("3probe")
			d.send("transport=polling&b64=1&EIO=4", "6") // has the poll answered
			d.poll("transport=polling&b64=1&EIO=4", `*40{"sid":"*"}*`)
			d.text("5", event)
			d.frames(ws.NewBinaryFrame([]byte(data)))
			d.want(echoed, data, acked, data)
			d.pings()
			d.text("41")
		},
		"Dart's socket_io_client": func(d *device) {
			d.upgrade(socket, "user-agent: Dart/3.5 (dart:io)\r\ncache-control: no-cache\r\nsec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n")
			d.want(`0{*}`)
			d.text(`40{"token":"t"}`)
			d.want(`40{"sid":"*"}`)
			d.text(event)
			d.frames(ws.NewBinaryFrame([]byte(data)))
			d.want(echoed, data, acked, data)
			d.pings()
		},
		"Dart's socket_io_client, upgraded": func(d *device) {
			d.post = "text/plain;charset=UTF-8"
			d.open(polling+"&t=abc&b64=1", "user-agent: Dart/3.5 (dart:io)\r\n")
			d.upgrade(socket+"&sid="+d.sid, "user-agent: Dart/3.5 (dart:io)\r\n")
			d.text("2probe")
			d.want("3probe")
			d.poll(polling+"&t=abd", "6")
			d.text("5", "40", event)
			d.frames(ws.NewBinaryFrame([]byte(data)))
			d.want(`40{"sid":"*"}`, echoed, data, acked, data)
			d.pings()
		},
		"arduinoWebSockets, which awaits no answer to its probe": func(d *device) {
			lines := "Origin: file://\r\nUser-Agent: arduino-WebSocket-Client\r\n"
			d.open(polling, "Connection: keep-alive\r\n"+lines)
			d.upgrade(socket+"&sid="+d.sid, "Sec-WebSocket-Protocol: arduino\r\n"+lines)
			d.text("2probe", "5", "40/", `421["echo","hot"]`)
			d.want("3probe", `40{"sid":"*"}`, `42["echo","hot"]`, `431["hot"]`)
			d.pings()
			d.text("41")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sio.New(quiet(nil))
				for _, nsp := range []string{"/", "/chat"} {
					srv.Of(nsp).On("echo", func(c *sio.Context) error {
						var v any
						if err := c.Bind(&v); err != nil {
							return err
						}
						if err := c.Emit("echo", v); err != nil {
							return err
						}
						return c.Ack(v)
					})
				}
				l := pipe.Listen()
				stop := l.Serve(&http.Server{Handler: srv})
				t.Cleanup(func() {
					shut(t, srv)
					stop()
				})
				start := time.Now()
				replay(&device{t: t, l: l})
				if d := time.Since(start); d < 50*time.Second || d > 51*time.Second {
					t.Errorf("two pings took %v", d)
				}
				if srv.Connections() != 1 {
					t.Errorf("%d connections", srv.Connections())
				}
			})
		})
	}
}

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
				l := pipe.Listen()
				stop := l.Serve(&http.Server{Handler: test.handler})
				conn, err := l.Dial()
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
				stop()
			})
		})
	}
}
