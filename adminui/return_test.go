package adminui_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/siotest"
)

// A traveller is a client that comes back after its connection has broken, to any server. The
// servers greet it with an event of theirs, whose offset it has.
type traveller struct {
	*siotest.Client
	pid, offset string
}

// travel connects a client that is to be let back in where it was, unless from is nil.
func travel(t *testing.T, srv *sio.Server, from *traveller) *traveller {
	t.Helper()
	var answers tee
	opts := &siotest.Options{Polling: true}
	if from != nil {
		opts.Auth = map[string]string{"pid": from.pid, "offset": from.offset}
	}
	c := &traveller{Client: siotest.Connect(t, answers.handler(srv), opts)}
	c.Expect("greeting").Bind(&c.offset)
	pid := regexp.MustCompile(`"pid":"([^"]+)"`).FindStringSubmatch(answers.String())
	if pid == nil {
		t.Fatalf("no pid in %s", answers.String())
	}
	c.pid = pid[1]
	if from != nil && c.ID() != from.ID() {
		t.Fatal("a client has not been recovered")
	}
	return c
}

// greet has a server greet travellers.
func greet(srv *sio.Server) {
	srv.OnConnected(func(c *sio.Context) error { return c.Emit("greeting") })
}

// A tee keeps what a handler answers.
type tee struct {
	mu sync.Mutex
	bytes.Buffer
}

func (k *tee) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Buffer.String()
}

func (k *tee) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(teeWriter{w, k}, r) })
}

type teeWriter struct {
	http.ResponseWriter
	kept *tee
}

func (w teeWriter) Write(b []byte) (int, error) {
	w.kept.mu.Lock()
	w.kept.Write(b)
	w.kept.mu.Unlock()
	return w.ResponseWriter.Write(b)
}

func (w teeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A client that comes back to another server has the id that it had: that it has left there may
// be told after it is here.
func TestReturnElsewhere(t *testing.T) {
	for crowd, patience := range map[int]time.Duration{1: time.Second, 300: 20 * time.Second} { // to tell that many have left takes a while
		t.Run(fmt.Sprint(crowd), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testReturn(t, crowd, patience) })
		})
	}
}

func testReturn(t *testing.T, crowd int, patience time.Duration) {
	hub := memory.NewHub()
	var all []*sio.Server
	var pages []page
	for i := range 2 {
		opts := clustered(t, hub.Journal())
		opts.Recovery = new(sio.Recovery)
		srv := mount(t, opts, adminui.Options{Unprotected: true, Mode: adminui.Development, ServerID: fmt.Sprint("s", i+1), MaxSockets: 2000})
		greet(srv)
		all = append(all, srv)
		pages = append(pages, open(t, srv, nil)) // it begins
		time.Sleep(100 * time.Millisecond)       // they tell at different times
	}
	m, p := make(model), pages[0]
	for move := range 2 {
		at, to := all[move%2], all[(move+1)%2]
		var clients []*traveller
		for range crowd {
			clients = append(clients, travel(t, at, nil))
		}
		time.Sleep(10 * time.Second)
		for _, c := range clients {
			c.Close()
		}
		for i, c := range slices.Backward(clients) { // of the last one it is told last
			clients[i] = travel(t, to, c)
		}
		time.Sleep(patience)
		m.read(t, p, all[0])
		for _, c := range clients {
			if m[c.ID()] == nil {
				t.Fatalf("move %d: the page has lost a client that has come back; it knows %d of %d", move, len(m), crowd)
			}
			c.Disconnect()
		}
		time.Sleep(10 * time.Second)
		if m.read(t, p, all[0]); len(m) > 0 {
			t.Fatalf("move %d: the page knows %d who have left", move, len(m))
		}
	}
}
