package cluster_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/timetest"
)

// A server that ends has the others let go of the clients whose requests it relays: a poll
// that waits is answered, and a WebSocket closed, once nothing is under way there.
func TestRelayDrain(t *testing.T) {
	for name, way := range relayWays {
		for end, f := range map[string]func(s *sio.Server) error{
			"Drain":    func(s *sio.Server) error { return s.Drain(t.Context(), &sio.DrainOptions{Notice: -1}) },
			"Shutdown": func(s *sio.Server) error { return s.Shutdown(t.Context()) },
		} {
			t.Run(end+" by "+name, func(t *testing.T) {
				servers := startRelays(t, 2, sio.Options{}, way, nil)
				owner := servers[0].sio
				begun, release, reasons := make(chan bool, 1), make(chan bool), make(chan sio.Reason, 1)
				owner.On("slow", func(c *sio.Context) error {
					begun <- true
					<-release
					return c.Ack()
				})
				owner.OnDisconnect(func(c *sio.Context) error { reasons <- c.Reason(); return nil })
				polls, moved := wander(t, servers), wander(t, servers[:1])
				conn := dialWebSocket(t, servers[1], moved.sid)
				sendText(t, conn, "2probe")
				wantText(t, conn, "3probe")
				sendText(t, conn, "5")
				var both bytes.Buffer // in one write: who reads the first reads the other
				ok(t, wsutil.WriteClientText(&both, []byte(`421["slow"]`)))
				ok(t, wsutil.WriteClientText(&both, []byte(`422["echo",1]`)))
				if _, err := conn.Write(both.Bytes()); err != nil {
					t.Fatal(err)
				}
				timetest.Receive(t, begun, 20*time.Second, "the slow handler: what no server has read is not under way")
				before := servers[0].cluster.Stats().Answered
				answer := make(chan string, 1)
				go func() {
					polls.next = 1
					_, body, _ := polls.do(http.MethodGet, "")
					answer <- body
				}()
				eventually(t, "the poll is at the other server", func() bool { return servers[0].cluster.Stats().Answered > before })

				done := make(chan error, 1)
				go func() { done <- f(servers[1].sio) }()
				if body := timetest.Receive(t, answer, 20*time.Second, "the answer to the poll"); body != "6" {
					t.Errorf("the poll is answered with %q", body)
				}
				if end == "Drain" {
					release <- true
					wantText(t, conn, "431[]")
					wantText(t, conn, "432[1]")
				}
				frame := make([]byte, 4)
				if _, err := io.ReadFull(conn, frame); err != nil || string(frame) != "\x88\x02\x03\xf4" { // 1012
					t.Errorf("the WebSocket ends with %x, %v", frame, err)
				}
				_ = conn.Close()
				if end == "Shutdown" {
					release <- true
				}
				if r := timetest.Receive(t, reasons, 20*time.Second, "the end of the socket"); r != "server shutting down" {
					t.Errorf("reason %q", r)
				}
				if err := timetest.Receive(t, done, 20*time.Second, end); err != nil {
					t.Error(err)
				}
				// The cluster may be closed while a load balancer still sends requests.
				_ = servers[1].cluster.Close()
				polls.next = 1
				if status, body, _ := polls.do(http.MethodGet, ""); status != http.StatusServiceUnavailable {
					t.Errorf("a poll is refused with %d %s, which no load balancer would try elsewhere", status, body)
				}
				if n := servers[1].cluster.Stats().Unrelayed; n > 0 {
					t.Errorf("%d requests count as not relayed", n)
				}
				polls.servers = servers[:1]
				polls.post(`423["echo",2]`)
				if got := polls.poll(); got != "433[2]" {
					t.Errorf("got %q behind it", got)
				}
			})
		}
	}
}
