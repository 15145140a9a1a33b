package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// listen returns a server of which each connection is given to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // until the listener is closed
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// abortable is what the writers of package engineio are.
type abortable struct{ http.ResponseWriter }

func (abortable) Abort() { panic(http.ErrAbortHandler) }

// front returns a server that has all answered at an address, and the errors of that.
func front(t *testing.T, to string) (*httptest.Server, <-chan error) {
	t.Helper()
	c := NewClient(func(ctx context.Context, to string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", to)
	})
	errs := make(chan error, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := c.Forward(abortable{w}, r, to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
		}
		if r.Context().Err() != nil {
			err = ErrRequest // the client has left, which is its doing, too
		}
		errs <- err
	}))
	t.Cleanup(func() {
		s.Close()
		c.Close()
	})
	return s, errs
}

// An answer that breaks off does not pass for a whole one, whether it tells its length or not.
func TestAnswerBreaksOff(t *testing.T) {
	for name, head := range map[string]string{
		"length": "Content-Length: 100\r\n\r\nhello",
		"chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := front(t, listen(t, func(conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head)
				}
			}))
			resp, err := http.Post(s.URL, "text/plain", strings.NewReader("x")) // a GET would be repeated
			if err != nil {
				return // nothing of it has been sent
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("%q passes for the answer", got)
			}
		})
	}
}

// A server that ends without an answer is no fault of the client, and a body that does not
// come is.
func TestWhoseFault(t *testing.T) {
	s, errs := front(t, listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1000)) }))
	resp, err := http.Get(s.URL)
	if err != nil || resp.StatusCode != http.StatusBadGateway {
		t.Fatalf("%+v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if err := <-errs; err == nil || errors.Is(err, ErrRequest) {
		t.Errorf("the server's fault: %v", err)
	}

	s, errs = front(t, listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }))
	for name, request := range map[string]string{
		"short":     "Content-Length: 10\r\n\r\nhello",
		"long":      "Content-Length: 100000\r\n\r\nhello",
		"chunks":    "Transfer-Encoding: chunked\r\n\r\n10\r\nhello",
		"malformed": "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello",
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s", request)
		_ = conn.(*net.TCPConn).CloseWrite()
		select {
		case err := <-errs:
			if !errors.Is(err, ErrRequest) {
				t.Errorf("%s: the client's fault: %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: waited in vain", name)
		}
		_ = conn.Close()
	}
}

// A request that waits for its answer holds no buffers but that of its connection.
func TestWaitingIsLight(t *testing.T) {
	const n = 300
	asked := make(chan struct{}, n)
	release := make(chan struct{})
	owner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	defer owner.Close()
	c := NewClient(func(ctx context.Context, to string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", to)
	})
	defer c.Close()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what is in pools goes with the second
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			r := httptest.NewRequest("GET", "/", nil)
			if err := c.Forward(httptest.NewRecorder(), r, owner.Listener.Addr().String()); err != nil {
				t.Error(err)
			}
		})
	}
	for range n {
		<-asked
	}
	if each := (heap() - before) / n; each > 30<<10 { // both sides together
		t.Errorf("%d bytes for each", each)
	}
	close(release)
	wg.Wait()
}

// Who waits for a server that does not answer goes on when it is given up: those that
// connect, those that wait for that, and those that are connected.
func TestGone(t *testing.T) {
	entered := make(chan struct{}, 2*maxDials)
	c := NewClient(func(ctx context.Context, _ string) (net.Conn, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	defer c.Close()
	errs := make(chan error, 2*maxDials)
	for range 2 * maxDials {
		go func() { errs <- c.Try(t.Context(), "a") }()
	}
	for range maxDials {
		<-entered
	}
	c.Gone("a")
	for range 2 * maxDials { // those that had not begun make a connection to a new "a"
		select {
		case err := <-errs:
			if !errors.Is(err, errGone) {
				t.Fatal(err)
			}
		case <-entered:
			c.Gone("a")
			if err := <-errs; !errors.Is(err, errGone) {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("waited in vain")
		}
	}
}
