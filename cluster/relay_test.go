package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/timetest"
)

const relaySecret = "a secret of servers"

// eventually waits for something to be so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// A relayServer is one of a cluster whose servers relay requests by TCP.
type relayServer struct {
	*httptest.Server
	sio     *sio.Server
	cluster *cluster.Cluster
	engine  *memory.Engine
}

// startRelays starts n servers that know each other. Options are of each; wrap, if it is not nil, is
// what its handler is put into.
func startRelays(t *testing.T, n int, o sio.Options, relay func() *cluster.Relay, wrap func(*sio.Server) http.Handler) []*relayServer {
	t.Helper()
	hub := memory.NewHub()
	var all []*relayServer
	for i := range n {
		s := &relayServer{engine: hub.Engine()}
		var err error
		s.cluster, err = cluster.New(t.Context(), s.engine, wire.Sharded("", wire.Dynamic), &cluster.Options{
			Name: fmt.Sprint("s", i), Relay: relay(), Heartbeat: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		o := o
		o.Cluster = s.cluster
		s.sio = sio.New(&o)
		s.sio.On("echo", func(c *sio.Context) error {
			var v any
			if err := c.Bind(&v); err != nil {
				return err
			}
			return c.Ack(v)
		})
		var h http.Handler = s.sio
		if wrap != nil {
			h = wrap(s.sio)
		}
		s.Server = httptest.NewServer(h)
		all = append(all, s)
		t.Cleanup(s.stop)
	}
	for _, s := range all {
		eventually(t, "all servers know each other", func() bool { return len(s.cluster.Members()) == n-1 })
	}
	return all
}

func (s *relayServer) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = s.sio.Shutdown(ctx)
	_ = s.cluster.Close()
	s.Server.CloseClientConnections()
	s.Server.Close()
}

// The ways from one server to another.
var relayWays = map[string]func() *cluster.Relay{"TCP": byTCP, "tunnels": byTunnel}

func byTunnel() *cluster.Relay { return nil }

func byTCP() *cluster.Relay { return &cluster.Relay{Listen: "127.0.0.1:0", Secret: relaySecret} }

// A wanderer is a polling client whose requests go to one server after the other.
type wanderer struct {
	t       *testing.T
	servers []*relayServer
	next    int
	sid     string
	header  http.Header
	client  http.Client
}

func wander(t *testing.T, servers []*relayServer) *wanderer {
	t.Helper()
	w := &wanderer{t: t, servers: servers, header: make(http.Header), client: http.Client{Transport: &http.Transport{DisableCompression: true}}}
	t.Cleanup(w.leave)
	w.begin()
	return w
}

// begin opens the session, and has it connected to "/".
func (w *wanderer) begin() {
	w.t.Helper()
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(w.poll()[1:]), &open); err != nil {
		w.t.Fatal(err)
	}
	w.sid = open.SID
	w.post("40")
	if got := w.poll(); !strings.HasPrefix(got, "40{") {
		w.t.Fatalf("got %q, want a CONNECT", got)
	}
}

// do sends a request to the next server.
func (w *wanderer) do(method, body string) (int, string, http.Header) {
	w.t.Helper()
	s := w.servers[w.next%len(w.servers)]
	w.next++
	r, err := http.NewRequestWithContext(w.t.Context(), method, s.URL+"/socket.io/?EIO=4&transport=polling&sid="+w.sid, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header = w.header.Clone()
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(got), resp.Header
}

// leave ends the session, if it is there, so that its server need not wait for a last poll.
func (w *wanderer) leave() {
	for _, s := range w.servers {
		resp, err := w.client.Post(s.URL+"/socket.io/?EIO=4&transport=polling&sid="+w.sid, "text/plain", strings.NewReader("1"))
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	w.client.CloseIdleConnections()
}

func (w *wanderer) poll() string {
	w.t.Helper()
	status, body, _ := w.do("GET", "")
	if status != http.StatusOK {
		w.t.Fatalf("GET: %d %s", status, body)
	}
	return body
}

func (w *wanderer) post(body string) {
	w.t.Helper()
	if status, got, _ := w.do("POST", body); status != http.StatusOK || got != "ok" {
		w.t.Fatalf("POST: %d %s", status, got)
	}
}

// Each request of a session reaches another server than the one before, and all goes on
// as on one.
func TestRelayPolling(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			servers := startRelays(t, 3, sio.Options{}, way, nil)
			w := wander(t, servers)
			for i := range 50 {
				w.post(fmt.Sprintf(`42%d["echo",%d]`, i, i))
				if got, want := w.poll(), fmt.Sprintf("43%d[%d]", i, i); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			var relayed, answered uint64
			for _, s := range servers {
				stats := s.cluster.Stats()
				relayed, answered = relayed+stats.Relayed, answered+stats.Answered
				if stats.Unrelayed > 0 {
					t.Errorf("%d requests did not get there", stats.Unrelayed)
				}
			}
			if relayed != answered || relayed < 50 {
				t.Errorf("%d requests were relayed, and %d answered", relayed, answered)
			}
		})
	}
}

// Large payloads go through in both directions.
func TestRelayLarge(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			w := wander(t, startRelays(t, 3, sio.Options{HTTPCompressionThreshold: -1}, way, nil))
			text := strings.Repeat("0123456789", 99_000)
			for i := range 3 {
				w.post(fmt.Sprintf(`42%d["echo","%s"]`, i, text))
				if got, want := w.poll(), fmt.Sprintf(`43%d["%s"]`, i, text); got != want {
					t.Fatalf("got %d bytes, want %d", len(got), len(want))
				}
			}
		})
	}
}

// What is too large is refused with 413, and the session ends.
func TestRelayTooLarge(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			servers := startRelays(t, 2, sio.Options{MaxPayload: 100_000}, way, nil)
			for _, size := range []int{100_001, 1_000_000} {
				w := wander(t, servers)
				w.next = 1 // the other one
				if status, body, h := w.do("POST", strings.Repeat("x", size)); status != http.StatusRequestEntityTooLarge {
					t.Errorf("%d bytes: %d %s %v", size, status, body, h)
				}
				eventually(t, "the session has ended", func() bool { return servers[0].sio.Connections() == 0 })
			}
		})
	}
}

const unknownSID = `{"code":1,"message":"Session ID unknown"}`

// Ids that no session has are refused at once, whoever seems to have made them.
func TestRelayUnknown(t *testing.T) {
	servers := startRelays(t, 2, sio.Options{}, byTCP, nil)
	w := wander(t, servers)
	own := w.sid
	forged := []byte(own)
	forged[0] ^= 1
	for name, sid := range map[string]string{
		"another form":   "x",
		"forged":         string(forged),
		"random":         "AAAAAAAAAAAAAAAAAAAA",
		"not base64url":  "********************",
		"one that ended": endedSession(t, servers),
	} {
		w.sid = sid
		for range servers {
			timetest.Prompt(t, time.Second/2, name, func() time.Duration { // servers that are new wait
				w.next = 0
				start := time.Now()
				if status, body, _ := w.do("GET", ""); status != 400 || body != unknownSID {
					t.Errorf("%s: %d %s", name, status, body)
				}
				return time.Since(start)
			})
			slices.Reverse(servers)
		}
	}
}

// endedSession returns the id of a session that has ended.
func endedSession(t *testing.T, servers []*relayServer) string {
	w := wander(t, servers)
	w.post("1")
	return w.sid
}

// A client that goes away while a poll waits at the wrong server is gone at the right one.
func TestRelayClientLeaves(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			servers := startRelays(t, 2, sio.Options{}, way, nil)
			w := wander(t, servers)
			answered := servers[0].cluster.Stats().Answered
			conn, err := net.Dial("tcp", servers[1].Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", w.sid)
			eventually(t, "the request is at the other server", func() bool { return servers[0].cluster.Stats().Answered > answered })
			if n := servers[0].sio.Connections(); n != 1 {
				t.Fatalf("%d connections", n)
			}
			_ = conn.Close()
			eventually(t, "the session has ended", func() bool { return servers[0].sio.Connections() == 0 })
		})
	}
}

// When a server goes, polls of its sessions that wait elsewhere are answered at once.
func TestRelayOwnerDies(t *testing.T) {
	for name, way := range relayWays {
		t.Run(name, func(t *testing.T) {
			servers := startRelays(t, 2, sio.Options{}, way, nil)
			w := wander(t, servers)
			answered := servers[0].cluster.Stats().Answered
			w.next = 1
			type answer struct {
				status int
				body   string
			}
			got := make(chan answer, 1)
			go func() {
				status, body, _ := w.do("GET", "")
				got <- answer{status, body}
			}()
			eventually(t, "the request is at the other server", func() bool { return servers[0].cluster.Stats().Answered > answered })
			_ = servers[0].cluster.Close() // without Shutdown: its connections break, as they do with its process
			select {
			case a := <-got:
				if a != (answer{400, unknownSID}) {
					t.Errorf("%+v", a)
				}
			case <-time.After(20 * time.Second):
				t.Error("the poll was not answered")
			}
			w.next = 1
			if status, body, _ := w.do("GET", ""); status != 400 || body != unknownSID {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}
