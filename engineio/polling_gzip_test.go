package engineio_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio/engineio"
)

// inflated checks the headers of a compressed answer, and returns what is in it.
func (r reply) inflated(t *testing.T) string {
	t.Helper()
	if r.err != nil || r.status != 200 {
		t.Fatalf("response %d %v", r.status, r.err)
	}
	if got := r.header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding %q, want gzip", got)
	}
	if got, want := r.header.Get("Content-Length"), strconv.Itoa(len(r.body)); got != want {
		t.Errorf("Content-Length %q, want %s", got, want)
	}
	if got := r.header.Get("Vary"); got != "Accept-Encoding" {
		t.Errorf("Vary %q", got)
	}
	if got := r.header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
		t.Errorf("Content-Type %q", got)
	}
	z, err := gzip.NewReader(strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// asIs checks an answer that is not compressed.
func (r reply) asIs(t *testing.T, body string) {
	t.Helper()
	r.want(t, 200, body)
	if got := r.header.Get("Content-Encoding"); got != "" {
		t.Errorf("Content-Encoding %q for %d bytes", got, len(body))
	}
	if got, want := r.header.Get("Content-Length"), strconv.Itoa(len(body)); got != want {
		t.Errorf("Content-Length %q, want %s", got, want)
	}
}

func TestCompression(t *testing.T) {
	h := newHost(t, nil)
	p := h.open()
	get := func(accept string) reply {
		return h.do("GET", polling+"&sid="+p.ID(), "", "Accept-Encoding: "+accept)
	}
	long := strings.Repeat("x", 1023) // with its type, 1024 bytes

	p.send(long)
	if got := get("gzip, deflate").inflated(t); got != "4"+long {
		t.Errorf("%d bytes, want %d", len(got), 1024)
	}
	p.send(long[1:])
	r := get("gzip")
	r.asIs(t, "4"+long[1:])
	if r.header.Get("Vary") != "" {
		t.Error("Vary on an answer that is never compressed")
	}
	for _, accept := range []string{"identity", "gzip;q=0", "br"} {
		p.send(long)
		r := get(accept)
		r.asIs(t, "4"+long)
		if r.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: Vary %q", accept, r.header.Get("Vary"))
		}
	}

	// Several packets, more than a batch, one of them in base64.
	data := bytes.Repeat([]byte("binary"), 50_000)
	p.send(long)
	if err := p.Send(engineio.NewBinaryMessage(data)); err != nil {
		t.Fatal(err)
	}
	if got, want := get("gzip").inflated(t), "4"+long+"\x1eb"+base64.StdEncoding.EncodeToString(data); got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	// One that is not to be compressed keeps what goes with it from being so.
	p.send(long)
	if err := p.Send(engineio.NewMessage([]byte("secret")).Plain()); err != nil {
		t.Fatal(err)
	}
	get("gzip").asIs(t, "4"+long+"\x1e4secret")
	p.alive()
}

// The type is that of what was compressed.
func TestCompressionV3(t *testing.T) {
	h := newHost(t, allow3)
	c := h.open3("")
	c.sendBinary(make([]byte, 4096)...)
	r := h.do("GET", "EIO=3&transport=polling&sid="+c.ID(), "", "Accept-Encoding: gzip")
	if r.header.Get("Content-Encoding") != "gzip" || r.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%q %q", r.header.Get("Content-Encoding"), r.header.Get("Content-Type"))
	}
}

func TestCompressionThreshold(t *testing.T) {
	for _, tt := range []struct {
		threshold int
		bytes     int
		want      bool
	}{
		{0, 1023, false}, {0, 1024, true}, {100, 99, false}, {100, 100, true}, {-1, 100_000, false},
	} {
		h := newHost(t, &engineio.Options{HTTPCompressionThreshold: tt.threshold})
		p := h.open()
		p.send(strings.Repeat("x", tt.bytes-1))
		r := h.do("GET", polling+"&sid="+p.ID(), "", "Accept-Encoding: gzip")
		if got := r.header.Get("Content-Encoding") == "gzip"; got != tt.want {
			t.Errorf("threshold %d, %d bytes: compressed %t", tt.threshold, tt.bytes, got)
		}
	}
}

// Only answers to polls are compressed, be they ever so long.
func TestNotCompressed(t *testing.T) {
	h := newHost(t, &engineio.Options{HTTPCompressionThreshold: 1})
	r := h.do("GET", polling, "", "Accept-Encoding: gzip")
	if r.status != 200 || !strings.HasPrefix(r.body, "0{") || r.header.Get("Content-Encoding") != "" {
		t.Errorf("handshake: %d %q, %v", r.status, r.body, r.header)
	}
	p := h.peer()
	h.do("POST", polling+"&sid="+p.ID(), "4hello", "Accept-Encoding: gzip").asIs(t, "ok")
	p.want("hello")
	h.do("GET", polling+"&sid=unknown", "", "Accept-Encoding: gzip").want(t, 400, code1)
	if r := h.do("HEAD", polling+"&sid="+p.ID(), "", "Accept-Encoding: gzip"); r.status != 405 || r.header.Get("Vary") != "" {
		t.Errorf("HEAD: %d %v", r.status, r.header)
	}
	p.send("x") // a gzip of it is longer
	h.do("GET", polling+"&sid="+p.ID(), "", "Accept-Encoding: gzip").asIs(t, "4x")
}

// A middleware that compresses by itself is left to do so.
func TestCompressionLeftToMiddleware(t *testing.T) {
	h := newHost(t, nil)
	for name, value := range map[string]string{"Content-Encoding": "br", "Vary": "Origin, Accept-Encoding"} {
		p := h.open()
		long := strings.Repeat("x", 5000)
		p.send(long)
		r := httptest.NewRequest("GET", "/engine.io/?"+polling+"&sid="+p.ID(), nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		w.Header().Set(name, value)
		h.ServeHTTP(w, r)
		if w.Body.String() != "4"+long || w.Header().Get(name) != value {
			t.Errorf("%s: %d bytes, %v", name, w.Body.Len(), w.Header())
		}
	}
}

// Many at a time share the writers, and nothing else.
func TestCompressionConcurrent(t *testing.T) {
	h := newHost(t, nil)
	var wg sync.WaitGroup
	for i := range 16 {
		p := h.open()
		wg.Go(func() {
			for j := range 20 {
				text := strings.Repeat(strconv.Itoa(i)+" "+strconv.Itoa(j)+" ", 1000)
				p.send(text)
				if got := h.do("GET", polling+"&sid="+p.ID(), "", "Accept-Encoding: gzip").inflated(t); got != "4"+text {
					t.Errorf("session %d got another's, or half", i)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCompression(b *testing.B) {
	payload := strings.Repeat(`42["quote",{"symbol":"ABC","bid":12.25,"ask":12.5,"volume":1000}]`, 200)
	var sess *engineio.Session
	srv, err := engineio.New(nil, func(s *engineio.Session) engineio.Handler {
		sess = s
		return &nobody{}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Shutdown(b.Context())
	srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?"+polling, nil))
	msg := engineio.NewMessage([]byte(payload))
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("GET", "/?"+polling+"&sid="+sess.ID(), nil)
		r.Header = http.Header{"Accept-Encoding": {"gzip"}}
		w := httptest.NewRecorder()
		sess.Send(msg)
		srv.ServeHTTP(w, r)
	}
}

type nobody struct{}

func (nobody) Message([]byte, bool)  {}
func (nobody) Close(engineio.Reason) {}
