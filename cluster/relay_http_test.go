package cluster_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// dialWebSocket opens a WebSocket at a server, for a session.
func dialWebSocket(t *testing.T, s *relayServer, sid string) net.Conn {
	t.Helper()
	url := "ws" + strings.TrimPrefix(s.URL, "http") + "/socket.io/?EIO=4&transport=websocket&sid=" + sid
	conn, early, _, err := ws.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if early != nil {
		t.Fatal("the server has sent something before it was asked")
	}
	return conn
}

func sendText(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, _, err := wsutil.ReadServerData(conn)
	if err != nil || string(got) != want {
		t.Fatalf("got %.200q, %v, want %.200q", got, err, want)
	}
}

// A session moves to a WebSocket at another server, with binary data, large messages and
// compression.
func TestRelayUpgrade(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			servers := startRelays(t, 2, sio.Options{Compression: &sio.Compression{}}, way, nil)
			w := wander(t, servers)
			conn := dialWebSocket(t, servers[1], w.sid)
			sendText(t, conn, "2probe")
			wantText(t, conn, "3probe")
			w.next = 1
			if got := w.poll(); got != "6" {
				t.Fatalf("the poll is answered with %q", got)
			}
			sendText(t, conn, "5")
			for i, size := range []int{1, 500, 512, 513, 1024, 33 << 10, 100_000, 900_000} {
				text := strings.Repeat("x", size)
				sendText(t, conn, fmt.Sprintf(`42%d["echo","%s"]`, i, text))
				wantText(t, conn, fmt.Sprintf(`43%d["%s"]`, i, text))
			}
			sendText(t, conn, `451-9["echo",{"_placeholder":true,"num":0}]`)
			if err := wsutil.WriteClientBinary(conn, []byte{1, 2, 3}); err != nil {
				t.Fatal(err)
			}
			wantText(t, conn, `461-9[{"_placeholder":true,"num":0}]`)
			wantText(t, conn, "\x01\x02\x03")
			_ = conn.Close()
			eventually(t, "the session has ended", func() bool { return servers[0].sio.Connections() == 0 })
		})
	}
}

// A server that ends a session closes the WebSocket at another server with its close frame.
func TestRelayClosed(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			servers := startRelays(t, 2, sio.Options{}, way, nil)
			w := wander(t, servers)
			conn := dialWebSocket(t, servers[1], w.sid)
			sendText(t, conn, "2probe")
			wantText(t, conn, "3probe")
			sendText(t, conn, "5")
			sendText(t, conn, `421["echo",1]`)
			wantText(t, conn, "431[1]")
			if err := servers[0].sio.Disconnect(true); err != nil {
				t.Fatal(err)
			}
			wantText(t, conn, "41")
			_, _, err := wsutil.ReadServerData(conn)
			if _, ok := errors.AsType[wsutil.ClosedError](err); !ok {
				t.Errorf("the WebSocket ends with %v", err)
			}
		})
	}
}

// An answer is compressed once, and has each header once, whatever is in front of the
// server that relays it.
func TestRelayHeaders(t *testing.T) {
	cors := &sio.CORS{Origins: []string{"https://a.example"}, Credentials: true, ExposedHeaders: []string{"X-A"}}
	servers := startRelays(t, 2, sio.Options{CORS: cors}, byTCP, func(srv *sio.Server) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Middleware", "ran")
			srv.ServeHTTP(w, r)
		})
	})
	w := wander(t, servers)
	w.header.Set("Origin", "https://a.example")
	w.header.Set("Accept-Encoding", "gzip")
	text := strings.Repeat("x", 10_000)
	var heads []http.Header
	for i := range servers {
		w.post(fmt.Sprintf(`420["echo","%s"]`, text)) // both are compressed to as many bytes
		w.next = i
		status, body, h := w.do("GET", "")
		z, err := gzip.NewReader(strings.NewReader(body))
		if status != 200 || err != nil {
			t.Fatalf("%d %v: %.100q", status, err, body)
		}
		if got, err := io.ReadAll(z); err != nil || string(got) != fmt.Sprintf(`430["%s"]`, text) {
			t.Errorf("got %.100q, %v", got, err)
		}
		h.Del("Date")
		heads = append(heads, h)
	}
	if a, b := fmt.Sprint(heads[0]), fmt.Sprint(heads[1]); a != b {
		t.Errorf("one server answers with\n%s, the other with\n%s", a, b)
	}
	w.header.Set("Origin", "https://b.example")
	w.header.Set("Access-Control-Request-Method", "POST")
	for range servers {
		if status, _, h := w.do("OPTIONS", ""); h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of a foreign origin: %d %v", status, h)
		}
	}
	w.header.Set("Origin", "https://a.example")
	for range servers {
		if status, _, h := w.do("OPTIONS", ""); status != 204 || h.Get("Access-Control-Allow-Origin") != "https://a.example" {
			t.Errorf("preflight: %d %v", status, h)
		}
	}
}

// A middleware that wants a token at the handshake lets requests of sessions of other
// servers pass, at the path of the server and nowhere else.
func TestRelayHandshakeOnly(t *testing.T) {
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				http.Error(w, "no token", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	servers := startRelays(t, 3, sio.Options{}, byTCP, func(srv *sio.Server) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", srv)
		mux.HandleFunc("/secret/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the secret") })
		return sio.HandshakeOnly(srv, guard)(mux)
	})
	w := &wanderer{t: t, servers: servers, header: http.Header{"Authorization": {"x"}}}
	w.begin()
	t.Cleanup(w.leave)
	w.header.Del("Authorization")
	for i := range 6 {
		w.post(fmt.Sprintf(`42%d["echo",%d]`, i, i))
		if got, want := w.poll(), fmt.Sprintf("43%d[%d]", i, i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	for _, s := range servers {
		for _, path := range []string{"/secret/", "/socket.io/x"} {
			resp, err := http.Get(s.URL + path + "?EIO=4&transport=polling&sid=" + w.sid)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with the id of a session: %d", path, resp.StatusCode)
			}
		}
	}
}

// A poll at the wrong server is answered before a timeout there ends it, and the session
// goes on.
func TestRelayDeadline(t *testing.T) {
	servers := startRelays(t, 2, sio.Options{}, byTCP, func(srv *sio.Server) http.Handler {
		return http.TimeoutHandler(srv, 2*time.Second, "too late")
	})
	w := wander(t, servers)
	for range 2 {
		w.next = 1
		if got := w.poll(); got != "6" {
			t.Fatalf("the poll is answered with %q", got)
		}
	}
	w.post(`421["echo",1]`)
	if got := w.poll(); got != "431[1]" {
		t.Errorf("got %q", got)
	}
}

// Clients of the server in front may speak HTTP/2.
func TestRelayHTTP2(t *testing.T) {
	servers := startRelays(t, 2, sio.Options{}, byTCP, nil)
	front := httptest.NewUnstartedServer(servers[1].Config.Handler)
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	w := wander(t, servers[:1])
	w.servers = []*relayServer{{Server: front}}
	w.client = *front.Client()
	for i := range 5 {
		w.post(fmt.Sprintf(`42%d["echo","%s"]`, i, strings.Repeat("x", 10_000*i)))
		if got, want := w.poll(), fmt.Sprintf(`43%d["%s"]`, i, strings.Repeat("x", 10_000*i)); got != want {
			t.Fatalf("got %.100q, want %.100q", got, want)
		}
	}
	if n := servers[1].cluster.Stats().Relayed; n != 10 {
		t.Errorf("%d requests were relayed", n)
	}
	w.servers = servers
}

// A body that breaks off ends the session, as it does at the server that has it. One with
// an unknown length gets there.
func TestRelayBodies(t *testing.T) {
	servers := startRelays(t, 2, sio.Options{}, byTCP, nil)
	post := func(sid, head, body string) net.Conn {
		conn, err := net.Dial("tcp", servers[1].Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprintf(conn, "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", sid, head, body)
		return conn
	}
	w := wander(t, servers)
	conn := post(w.sid, "Transfer-Encoding: chunked", "5\r\n421[\"\r\n8\r\necho\",1]\r\n0\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Fatalf("%+v, %v", resp, err)
	}
	if got := w.poll(); got != "431[1]" {
		t.Errorf("got %q", got)
	}
	conn = post(w.sid, "Content-Length: 100000", `422["echo",2]`)
	eventually(t, "the request is at the other server", func() bool { return servers[0].cluster.Stats().Answered >= 2 })
	_ = conn.Close()
	eventually(t, "the session has ended", func() bool { return servers[0].sio.Connections() == 0 })
	if n := servers[1].cluster.Stats().Unrelayed; n > 0 {
		t.Errorf("%d requests count as not relayed, which is the client's doing", n)
	}
}

// Whatever a client makes of its head, the server that has the session gets one request for
// each, and none for what the client has hidden in it.
func TestRelaySmuggling(t *testing.T) {
	servers := startRelays(t, 2, sio.Options{}, byTCP, nil)
	refused := []string{"two lengths", "trailers", "asks to let go", "asks for a session"} // here
	const hidden = "POST /socket.io/?EIO=4&transport=polling&sid=SID HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
	for name, raw := range map[string]string{
		"two lengths":         "POST TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n6" + hidden,
		"length and chunks":   "POST TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n6\r\n0\r\n\r\n" + hidden,
		"trailers":            "POST TARGET HTTP/1.1\r\nHost: x\r\nTrailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n6\r\n0\r\nContent-Length: 9\r\n\r\n" + hidden,
		"folded":              "POST TARGET HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n Content-Length: 9\r\nContent-Length: 1\r\nConnection: close\r\n\r\n6" + hidden,
		"expects":             "POST TARGET HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n6" + hidden,
		"absolute":            "POST http://otherTARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\n6" + hidden,
		"old":                 "POST TARGET HTTP/1.0\r\nContent-Length: 1\r\n\r\n6" + hidden,
		"body of a GET":       "GET TARGET&t=1 HTTP/1.1\r\nHost: x\r\nContent-Length: LEN\r\nConnection: close\r\n\r\n" + hidden,
		"target with a space": "GET TARGET&x= HTTP/1.1\r\nHost:x\r\n\r\n" + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"upgrade with a body": "POST TARGETWS HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: LEN\r\n\r\n" + hidden,
		"fields of servers":   "GET TARGET HTTP/1.1\r\nHost: x\r\nSio-Deadline: 1\r\nConnection: Sio-Deadline, Content-Type, close\r\n\r\n",
		"asks to let go":      "DELETE TARGETWS HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"asks for a session":  "HEAD TARGET HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := wander(t, servers[:1])
			w.post(`421["echo",1]`) // something to be polled
			before := servers[0].cluster.Stats().Answered
			conn, err := net.Dial("tcp", servers[1].Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			target := "/socket.io/?EIO=4&transport=polling&sid=" + w.sid
			ws := strings.Replace(target, "polling", "websocket", 1)
			secret := strings.Replace(hidden, "SID", w.sid, 1)
			_, _ = io.WriteString(conn, strings.NewReplacer("TARGETWS", ws, "TARGET", target, "LEN", fmt.Sprint(len(secret)), "SID", w.sid).Replace(raw))
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
			want := uint64(1)
			if slices.Contains(refused, name) {
				want = 0
			}
			if n := servers[0].cluster.Stats().Answered - before; n != want {
				t.Errorf("it takes %d requests to the other server, want %d", n, want)
			}
			if n := servers[0].sio.Connections(); n != 1 && name != "upgrade with a body" {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}

// A lockedBuffer holds what is logged.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Only who has the secret is talked to. The log says which server has another one.
func TestRelaySecret(t *testing.T) {
	hub := memory.NewHub()
	open := func(secret string, log *zerolog.Logger) *cluster.Cluster {
		c, err := cluster.New(t.Context(), hub.Engine(), wire.Sharded("", wire.Dynamic), &cluster.Options{
			Relay: &cluster.Relay{Listen: "127.0.0.1:0", Secret: secret}, Logger: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	var log lockedBuffer
	logger := zerolog.New(&log)
	a, b, c := open("one", &logger), open("one", nil), open("another", nil)
	for _, x := range []*cluster.Cluster{a, b, c} {
		x.Attach(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
		eventually(t, "all know each other", func() bool { return len(x.Members()) == 2 })
	}
	ask := func(method string, from, to *cluster.Cluster) (string, bool) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/", nil)
		ok := from.RelayTo(w, r, to.UID())
		return w.Body.String(), ok
	}
	if got, ok := ask("GET", a, b); !ok || got != "hello" {
		t.Errorf("got %q, %v", got, ok)
	}
	for _, method := range []string{"GET", "DELETE"} { // a client's request, and a server's own
		if got, ok := ask(method, a, c); ok {
			t.Errorf("a server with another secret is asked, and says %q", got)
		}
	}
	eventually(t, "the log says it", func() bool { return strings.Contains(log.String(), "does not have the secret") })
	if a.Stats().Unrelayed != 1 {
		t.Errorf("%+v", a.Stats())
	}
	for _, x := range []*cluster.Cluster{a, b} { // somebody without a secret
		conn, err := tls.Dial("tcp", x.RelayAddr(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			var got []byte
			if got, err = io.ReadAll(conn); err == nil && bytes.Contains(got, []byte("hello")) {
				t.Errorf("a stranger gets %q", got)
			}
		}
	}
}

func TestRelayOptions(t *testing.T) {
	for want, o := range map[string]cluster.Relay{
		"missing port":                 {Listen: "localhost"},
		"without a Secret or TLS":      {Listen: ":0"},
		"without a Secret or TLS, \"0": {Listen: "0.0.0.0:0"},
		"client certificates":          {Listen: ":0", TLS: &tls.Config{}},
		"less than 16 bytes":           {Listen: ":0", Secret: "fifteen bytes.."},
	} {
		_, err := cluster.New(context.Background(), memory.NewHub().Engine(), wire.Sharded("", wire.Dynamic), &cluster.Options{Relay: &o})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// Ids have the form that they always had, none is like another one, and which server has
// made one can be told by who has the key.
func TestSessionIDs(t *testing.T) {
	servers := startRelays(t, 3, sio.Options{}, byTCP, nil)
	seen := make(map[string]bool)
	heads := make(map[string]int)
	for range 1000 {
		for i, s := range servers {
			id := s.cluster.NewID()
			if len(id) != 20 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || seen[id] {
				t.Fatalf("id %q", id)
			}
			seen[id] = true
			heads[id[:2]]++
			for j, other := range servers {
				if other.cluster.Knows(id) != (i != j) {
					t.Fatalf("server %d takes an id of %d for that of another one: %v", j, i, i == j)
				}
			}
		}
	}
	if most := slices.Max(slices.Collect(func(yield func(int) bool) {
		for _, n := range heads {
			if !yield(n) {
				return
			}
		}
	})); most > 20 {
		t.Errorf("%d of 3000 ids begin alike", most)
	}
}
