package engineio_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
)

// An audit is an observer of every server under test: what it is told has to fit together.
type audit struct {
	t  *testing.T
	mu sync.Mutex

	open   map[*engineio.Session]bool // and whether it still is
	limits map[engineio.Limit]int     // how often they have acted
}

func newAudit(t *testing.T) *audit {
	return &audit{t: t, open: make(map[*engineio.Session]bool), limits: make(map[engineio.Limit]int)}
}

// reached returns how often a limit has acted.
func (a *audit) reached(limit engineio.Limit) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.limits[limit]
}

func (a *audit) observer() *engineio.Observer {
	return &engineio.Observer{
		SessionOpened: func(s *engineio.Session, transport string) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if _, known := a.open[s]; known {
				a.t.Errorf("a session is opened twice")
			}
			if got := s.Transport(); got != transport {
				a.t.Errorf("opened over %q, but it is over %q", transport, got)
			}
			a.open[s] = true
		},
		SessionClosed: func(s *engineio.Session, reason engineio.Reason) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if !a.open[s] {
				a.t.Errorf("a session that is not open is closed (%s)", reason)
			}
			a.open[s] = false
		},
		LimitReached: func(s *engineio.Session, limit engineio.Limit) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.limits[limit]++
		},
	}
}

// check is called when all sessions have ended. Who has answered a request gives back what it
// held a moment later, and Shutdown need not wait for it: limit bounds that.
func (a *audit) check(stats func() engineio.Stats, limit time.Duration) {
	a.mu.Lock()
	for _, open := range a.open {
		if open {
			a.t.Errorf("a session was not closed, as far as observers know")
		}
	}
	a.mu.Unlock()
	end := time.Now().Add(min(limit, patience)) // it may be time in a bubble
	st := stats()
	for st.IncomingBytes != 0 && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		st = stats()
	}
	st.Polling.In, st.Polling.Out, st.WebSocket.In, st.WebSocket.Out, st.Dropped = engineio.Flow{}, engineio.Flow{}, engineio.Flow{}, engineio.Flow{}, 0
	if st != (engineio.Stats{}) {
		a.t.Errorf("there are no sessions any more, and yet %+v", st)
	}
}

// A notebook is what an observer was told. Goroutines of the server tell it at the same time,
// a request's and its session's for one, so that what belongs to one step has no order: what
// each session is told in order is looked after by an audit.
type notebook struct {
	mu    sync.Mutex
	notes []string
}

func (n *notebook) note(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, s)
}

// wants checks what has been noted since the last call, in any order.
func (n *notebook) wants(t *testing.T, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.Sort(n.notes)
	slices.Sort(want)
	if !slices.Equal(n.notes, want) {
		t.Errorf("noted %q, want %q", n.notes, want)
	}
	n.notes = nil
}

func (n *notebook) observer() *engineio.Observer {
	return &engineio.Observer{
		SessionOpened:  func(_ *engineio.Session, transport string) { n.note("opened " + transport) },
		SessionClosed:  func(_ *engineio.Session, reason engineio.Reason) { n.note("closed " + string(reason)) },
		RequestRefused: func(_ *http.Request, why engineio.RefusedReason) { n.note("refused " + string(why)) },
		UpgradeEnded: func(_ *engineio.Session, outcome engineio.UpgradeOutcome, took time.Duration) {
			n.note("upgrade " + string(outcome) + " " + took.String())
		},
		PingAnswered: func(_ *engineio.Session, took time.Duration) { n.note("pong " + took.String()) },
		LimitReached: func(_ *engineio.Session, limit engineio.Limit) { n.note("limit " + string(limit)) },
	}
}

func observed(t *testing.T, opts engineio.Options, f func(t *testing.T, h *host, n *notebook)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var n notebook
		opts.Observers = []*engineio.Observer{nil, {}, n.observer()} // nil ones are passed over
		f(t, newPipeHost(t, &opts), &n)
	})
}

func TestObserverOfUpgrades(t *testing.T) {
	observed(t, engineio.Options{}, func(t *testing.T, h *host, n *notebook) {
		p := h.open()
		n.wants(t, "opened polling")
		if st := h.Stats(); st.Polling.Sessions != 1 || st.WebSocket.Sessions != 0 {
			t.Errorf("%+v, want a session over polling", st)
		}
		c := h.probe(p)
		time.Sleep(time.Second)
		other := h.candidate(p)
		synctest.Wait()
		n.wants(t, "upgrade refused 0s")
		other.closed(1005)
		c.text("5")
		h.upgraded(c, p)
		n.wants(t, "upgrade done 1s")
		if st := h.Stats(); st.Polling.Sessions != 0 || st.WebSocket.Sessions != 1 {
			t.Errorf("%+v, want a session over WebSocket", st)
		}
		c.conn.Close()
		p.ends("transport close")
		synctest.Wait()
		n.wants(t, "closed transport close")
	})
	observed(t, engineio.Options{}, func(t *testing.T, h *host, n *notebook) {
		p := h.open()
		h.probe(p)
		time.Sleep(11 * time.Second)
		n.wants(t, "opened polling", "upgrade timeout 10s")
		c := h.probe(p)
		c.text("nonsense")
		synctest.Wait()
		n.wants(t, "upgrade failed 0s")
		h.probe(p)
		p.Abort("gone")
		synctest.Wait()
		n.wants(t, "upgrade session closed 0s", "closed gone")
	})
	// A session that is being closed takes what is queued along.
	observed(t, engineio.Options{}, func(t *testing.T, h *host, n *notebook) {
		p := h.open()
		c := h.probe(p)
		p.send("last")
		p.Session.Close()
		c.text("5")
		c.wants("4last")
		synctest.Wait()
		n.wants(t, "opened polling", "closed forced close", "upgrade done 0s")
	})
	// Clients that leave before they have the answer to the handshake.
	observed(t, engineio.Options{}, func(t *testing.T, h *host, n *notebook) {
		p := h.open()
		n.wants(t, "opened polling")
		for _, outcome := range []string{"failed", "refused"} {
			conn, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "GET /engine.io/?EIO=4&transport=websocket&sid="+p.ID()+" HTTP/1.1\r\nHost: pipe.test\r\n"+
				"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			conn.Close()
			synctest.Wait()
			n.wants(t, "upgrade "+outcome+" 0s")
			if outcome == "failed" {
				h.probe(p)
			}
		}
	})
}

func TestObserverOfHeartbeats(t *testing.T) {
	observed(t, engineio.Options{PingInterval: 10 * time.Second, PingTimeout: 5 * time.Second}, func(t *testing.T, h *host, n *notebook) {
		c, p := h.openWS()
		for range 2 {
			c.wants("2")
			time.Sleep(3 * time.Second)
			c.text("3")
			c.text("3") // that nobody has asked for
			synctest.Wait()
		}
		n.wants(t, "opened websocket", "pong 3s", "pong 3s")
		c.wants("2")
		p.ends("ping timeout")
		synctest.Wait()
		n.wants(t, "closed ping timeout")
	})
}

// TestObserverOfRefusals has a request for each reason.
func TestObserverOfRefusals(t *testing.T) {
	observed(t, engineio.Options{CORS: &engineio.CORS{Origins: []string{"https://a.test"}}, MaxPayload: 100}, func(t *testing.T, h *host, n *notebook) {
		for _, c := range []struct {
			method, query, header string
			why                   engineio.RefusedReason
		}{
			{"GET", "EIO=4&transport=pigeon", "", engineio.RefusedTransport},
			{"GET", polling + "&sid=nobody", "", engineio.RefusedSession},
			{"PUT", polling, "", engineio.RefusedMethod},
			{"GET", "EIO=4&transport=websocket", "", engineio.RefusedRequest},
			{"GET", polling, "Origin: https://b.test", engineio.RefusedOrigin},
			{"GET", "EIO=5&transport=polling", "", engineio.RefusedRevision},
			{"GET", polling + "&long=" + long, "", engineio.RefusedHead},
		} {
			var header []string
			if c.header != "" {
				header = append(header, c.header)
			}
			if r := h.do(c.method, c.query, "", header...); r.status < 400 {
				t.Errorf("%s %.40s: %d %v", c.method, c.query, r.status, r.err)
			}
			n.wants(t, "refused "+string(c.why))
		}
		p := h.open()
		n.wants(t, "opened polling")
		if r := h.do("PUT", polling+"&sid="+p.ID(), ""); r.status != 405 {
			t.Errorf("PUT: %d %v", r.status, r.err)
		}
		n.wants(t, "refused bad method")
		h.post(p.ID(), "4"+long)
		p.ends("transport error")
		synctest.Wait()
		n.wants(t, "refused body too large", "limit MaxPayload", "closed transport error")
	})
	// Bodies that are too slow, or too much at a time.
	observed(t, engineio.Options{TotalBytes: 1 << 19}, func(t *testing.T, h *host, n *notebook) {
		for _, c := range []struct {
			body   string
			status int
			noted  []string
		}{
			{"4", 408, []string{"closed transport error", "refused timeout"}},
			{"4" + strings.Repeat("x", 900_000), 503, []string{"limit TotalBytes", "closed transport error", "refused busy"}},
		} {
			p := h.open()
			conn, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			go io.WriteString(conn, h.head(p.ID(), fmt.Sprintf("Content-Length: %d", len(c.body)+1))+c.body)
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != c.status {
				t.Errorf("%v %v, want %d", res, err, c.status)
			}
			conn.Close()
			p.ends("transport error")
			synctest.Wait()
			n.wants(t, append([]string{"opened polling"}, c.noted...)...)
		}
	})
	// Those of the application, and of a server that shuts down, before or meanwhile.
	for _, transport := range []string{"polling", "websocket"} {
		synctest.Test(t, func(t *testing.T) {
			var n notebook
			var h *host
			capture := func() (any, error) { return nil, errors.New("no") }
			h = newPipeHost(t, &engineio.Options{Observers: []*engineio.Observer{n.observer()}}, func(web *http.Server) {
				web.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if h.Serve(w, r, func() (any, error) { return capture() }) != nil {
						w.WriteHeader(http.StatusForbidden)
					}
				})
			})
			ask := func() {
				if transport == "polling" {
					h.do("GET", polling, "")
					return
				}
				c, _ := h.raw(h.wsRequest("EIO=4&transport=websocket"))
				c.conn.Close()
			}
			ask()
			n.wants(t, "refused application")
			capture = func() (any, error) { return nil, h.Shutdown(t.Context()) }
			for range 2 {
				ask()
				synctest.Wait()
				n.wants(t, "refused shutting down")
			}
		})
	}
}

var long = strings.Repeat("x", 20_000)

func TestObserverOfLimits(t *testing.T) {
	observed(t, engineio.Options{MaxPacketRate: 100, MaxPayload: 1000}, func(t *testing.T, h *host, n *notebook) {
		p := h.open()
		n.wants(t, "opened polling")
		body := "4" + strings.Repeat("x\x1e4", 99) + "x"
		for range 5 {
			h.post(p.ID(), body).want(t, 200, "ok")
		}
		n.wants(t)
		last := make(chan reply, 1)
		go func() { last <- h.post(p.ID(), body) }()
		synctest.Wait()
		n.wants(t, "limit MaxPacketRate")
		if st := h.Stats(); st.Paused != 1 {
			t.Errorf("%d sessions are paused, want one", st.Paused)
		}
		(<-last).want(t, 200, "ok")
		if st := h.Stats(); st.Paused != 0 || st.Polling.In.Packets != 600 {
			t.Errorf("%+v, want 600 packets, and nobody paused", st)
		}
		for range 600 {
			p.next()
		}
		c, _ := h.openWS()
		c.text(long)
		synctest.Wait()
		n.wants(t, "opened websocket", "limit MaxPayload", "closed transport error")
	})
	observed(t, engineio.Options{QueuePackets: 10, KeepSlow: true}, func(t *testing.T, h *host, n *notebook) {
		p := h.open()
		for range 10 {
			p.send("x")
		}
		if st := h.Stats(); st.QueuedPackets != 10 || st.QueuedBytes != 10*4 || st.Slow != 1 {
			t.Errorf("%+v, want 10 packets queued", st)
		}
		if err := p.Send(engineio.NewMessage([]byte("x"))); err != engineio.ErrQueueFull {
			t.Errorf("Send: %v", err)
		}
		if p.TrySend(engineio.NewMessage([]byte("x"))) {
			t.Error("TrySend sends")
		}
		n.wants(t, "opened polling", "limit QueueBytes")
		if st := h.Stats(); st.Dropped != 1 {
			t.Errorf("%d dropped, want 1", st.Dropped)
		}
	})
}

// TestTraffic counts every packet and every byte that a client has counted.
func TestTraffic(t *testing.T) {
	observed(t, engineio.Options{}, func(t *testing.T, h *host, n *notebook) {
		handshake := h.do("GET", polling, "")
		p := h.peer()
		p.h = h
		h.post(p.ID(), "4one\x1e4three").want(t, 200, "ok")
		p.want("one", "three")
		p.send("a", "bb")
		h.get(p.ID()).want(t, 200, "4a\x1e4bb")
		st := h.Stats()
		if want := (engineio.Flow{Packets: 2, Bytes: 11}); st.Polling.In != want {
			t.Errorf("in: %+v, want %+v", st.Polling.In, want)
		}
		if want := (engineio.Flow{Packets: 3, Bytes: uint64(len(handshake.body) + 6)}); st.Polling.Out != want {
			t.Errorf("out: %+v, want %+v", st.Polling.Out, want)
		}
		c := h.upgrade(p)
		c.text("4hello")
		synctest.Wait()
		p.send("world!")
		c.wants("4world!")
		synctest.Wait()
		st = h.Stats()
		// With the probe, its answer, the upgrade, and what upgrade has said.
		if want := (engineio.Flow{Packets: 4, Bytes: 4*6 + 6 + 1 + 10 + 6}); st.WebSocket.In != want {
			t.Errorf("in: %+v, want %+v", st.WebSocket.In, want)
		}
		if want := (engineio.Flow{Packets: 2, Bytes: 2 + 6 + 2 + 7}); st.WebSocket.Out != want {
			t.Errorf("out: %+v, want %+v", st.WebSocket.Out, want)
		}
	})
}

// What a decoder above says of what has come may quote it, however much that is.
func TestCauseIsPrintable(t *testing.T) {
	var log strings.Builder
	logger := zerolog.New(&log).Level(zerolog.InfoLevel)
	observed(t, engineio.Options{Logger: &logger}, func(t *testing.T, h *host, _ *notebook) {
		_, p := h.openWS()
		p.CloseWith(errors.New("no packet: " + strings.Repeat("\u202e", 10_000)))
		p.ends("forced close")
		synctest.Wait()
		if got := log.String(); len(got) > 10_000 || !strings.Contains(got, `"cause":"no packet: \\u202e`) {
			t.Errorf("%d bytes: %.500s", len(got), got)
		}
	})
}
