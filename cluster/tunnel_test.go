package cluster_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// tunnelled starts two servers whose requests go by the engine. It returns their engines, and
// what asks the second for what the handler of the first answers: it has a Content-Length.
func tunnelled(t *testing.T, h http.HandlerFunc) (engines [2]*memory.Engine, ask func(path, body string) (string, bool)) {
	hub := memory.NewHub()
	var clusters [2]*cluster.Cluster
	for i := range clusters {
		engines[i] = hub.Engine()
		c, err := cluster.New(t.Context(), engines[i], wire.Subjects(""), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		clusters[i] = c
	}
	clusters[0].Attach(h)
	clusters[1].Attach(h)
	id := clusters[0].NewID()
	return engines, func(path, body string) (string, bool) {
		w := httptest.NewRecorder()
		ok := clusters[1].Relay(w, httptest.NewRequest("POST", path, strings.NewReader(body)), id)
		n, err := strconv.Atoi(w.Header().Get("Content-Length"))
		return w.Body.String(), ok && err == nil && n == w.Body.Len()
	}
}

// TestTunnelOutages has the engines of both servers be away, or hang, while requests go by
// them: who has an answer has the right one, no request is served twice, nobody waits for
// ever, and afterwards all is well.
func TestTunnelOutages(t *testing.T) {
	for range 3 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { outages(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func outages(t *testing.T, random *rand.Rand) {
	var reading atomic.Int32
	var mu sync.Mutex
	served := make(map[string]int)
	engines, ask := tunnelled(t, func(w http.ResponseWriter, r *http.Request) {
		reading.Add(1)
		body, err := io.ReadAll(r.Body)
		reading.Add(-1)
		if err != nil {
			return
		}
		mu.Lock()
		served[r.URL.Path]++
		n := served[r.URL.Path]
		mu.Unlock()
		if n > 1 {
			t.Errorf("%s is served again", r.URL.Path)
		}
		select { // as a poll does
		case <-time.After(time.Duration(len(body)%7) * time.Second):
		case <-r.Context().Done():
			return
		}
		body = append(body, r.URL.Path...)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	answered, failed := 0, 0
	for i := range 20 {
		size := random.IntN(100_000)
		wg.Go(func() { // ends with the outages
			for j := 0; ; j++ {
				path, body := fmt.Sprint("/", i, "/", j), strings.Repeat(string(rune('a'+i)), size+j)
				begin := time.Now()
				got, ok := ask(path, body)
				if took := time.Since(begin); took > time.Minute {
					t.Errorf("%s took %v", path, took)
				}
				mu.Lock()
				if ok {
					answered++
				} else {
					failed++
				}
				mu.Unlock()
				if ok && got != body+path || !ok && !strings.HasPrefix(body+path, got) {
					t.Errorf("%s: %d bytes are another answer", path, len(got))
				}
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
				}
			}
		})
	}
	for range 20 {
		time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
		e, away := engines[random.IntN(2)], time.Duration(random.IntN(20_000))*time.Millisecond
		if random.IntN(2) == 0 {
			e.Cut()
			time.Sleep(away)
			e.Heal()
		} else {
			e.Freeze()
			time.Sleep(away)
			e.Thaw()
		}
	}
	close(stop)
	wg.Wait()
	time.Sleep(time.Minute)
	if n := reading.Load(); n > 0 {
		t.Errorf("%d requests are read that nobody sends any more", n)
	}
	if got, ok := ask("/last", "x"); !ok || got != "x/last" {
		t.Errorf("in the end, %q, %v", got, ok)
	}
	if answered == 0 || failed == 0 {
		t.Errorf("%d are answered and %d are not", answered, failed)
	}
	t.Logf("%d are answered, %d are not", answered, failed)
}

// TestTunnelLarge has more than the window come, with an engine that hangs in the middle.
func TestTunnelLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := bytes.Repeat([]byte("0123456789"), 1_000_000)
		var engines [2]*memory.Engine
		engines, ask := tunnelled(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(large)))
			w.Write(large[:len(large)/2])
			http.NewResponseController(w).Flush()
			engines[1].Freeze()
			time.AfterFunc(8*time.Second, engines[1].Thaw)
			w.Write(large[len(large)/2:])
		})
		if got, ok := ask("/", ""); !ok || got != string(large) {
			t.Errorf("%d bytes, %v", len(got), ok)
		}
	})
}

// TestTunnelForgotten has a server give up a connection while the one that waits for its
// answer is cut off, and not know of it: it hears of it when it is back.
func TestTunnelForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engines, ask := tunnelled(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(10 * time.Second)
			w.Header().Set("Content-Length", "0")
		})
		time.AfterFunc(5*time.Second, engines[1].Cut)
		time.AfterFunc(35*time.Second, engines[1].Heal)
		done := make(chan bool, 1)
		go func() { // ends with the request, or the cluster
			_, ok := ask("/", "")
			done <- ok
		}()
		select {
		case ok := <-done:
			if ok {
				t.Error("an answer that was lost has come")
			}
		case <-time.After(40 * time.Second):
			t.Error("it still waits")
		}
	})
}
