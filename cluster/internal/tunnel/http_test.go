package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveHTTP serves on b, and returns a client that reaches it from a.
func serveHTTP(t testing.TB, w *wire, h http.Handler) (*http.Client, *http.Server) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	l := w.muxes["b"].Listen()
	var wg sync.WaitGroup
	wg.Go(func() { // until the test ends
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	tr := &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return w.muxes["a"].Dial(ctx, host)
	}}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return &http.Client{Transport: tr}, srv
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	w.Write(body)
}

func TestHTTP(t *testing.T) {
	w := newWire(t, "a", "b")
	client, _ := serveHTTP(t, w, http.HandlerFunc(echo))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() { // ends with its requests
			for j := range 20 {
				body := bytes.Repeat([]byte{byte(i), byte(j)}, i*j*100)
				res, err := client.Post("http://b/", "", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes of %d, %v", len(got), len(body), err)
				}
			}
		})
	}
	wg.Wait()
}

// TestHTTPLeaves has a client not wait for the answer: the handler knows.
func TestHTTPLeaves(t *testing.T) {
	w := newWire(t, "a", "b")
	begun, left := make(chan struct{}), make(chan struct{})
	client, _ := serveHTTP(t, w, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(left)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://b/", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the request
		<-begun
		cancel()
	}()
	if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-left
}

// TestHTTPGone has the server of a request that waits die.
func TestHTTPGone(t *testing.T) {
	w := newWire(t, "a", "b")
	begun := make(chan struct{})
	client, srv := serveHTTP(t, w, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}))
	go func() { // ends when it is gone
		<-begun
		w.muxes["a"].Gone("b")
	}()
	if _, err := client.Get("http://b/"); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	srv.Close()
}

// BenchmarkStream has 100 bytes be answered by as many.
func BenchmarkStream(b *testing.B) {
	w := newWire(b, "a", "b")
	c1, c2 := w.pipe(b, w.muxes["b"].Listen(), "a", "b")
	done := make(chan struct{})
	go func() { // ends with the stream
		defer close(done)
		buf := make([]byte, 100)
		for {
			if _, err := io.ReadFull(c2, buf); err != nil {
				c2.Close()
				return
			}
			c2.Write(buf)
		}
	}()
	buf := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c1.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c1, buf); err != nil {
			b.Fatal(err)
		}
	}
	c1.Close()
	<-done
}

// BenchmarkHTTP has a request of 100 bytes be answered by as many.
func BenchmarkHTTP(b *testing.B) {
	w := newWire(b, "a", "b")
	client, _ := serveHTTP(b, w, http.HandlerFunc(echo))
	body := strings.Repeat("x", 100)
	b.ReportAllocs()
	for b.Loop() {
		res, err := client.Post("http://b/", "", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// BenchmarkCopy copies 10 MB.
func BenchmarkCopy(b *testing.B) {
	w := newWire(b, "a", "b")
	l := w.muxes["b"].Listen()
	data := make([]byte, 10_000_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		c1, c2 := w.pipe(b, l, "a", "b")
		go func() { // ends when all is written
			c1.Write(data)
			c1.Close()
		}()
		if n, err := io.Copy(io.Discard, c2); n != int64(len(data)) || err != nil {
			b.Fatal(fmt.Sprint(n, err))
		}
		c2.Close()
	}
}
