package sio_test

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/siokit/sio"
)

const clientText = "/*! Socket.IO */ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// dist is what npm installs, and what must not be seen.
func dist() fstest.MapFS {
	files := fstest.MapFS{"package.json": {Data: []byte("private")}, "secret/socket.io.js": {Data: []byte("private")}}
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"} {
		files[name] = &fstest.MapFile{Data: []byte(clientText + name)}
		files[name+".map"] = &fstest.MapFile{Data: []byte(`{"file":"` + clientText + name + `"}`)}
	}
	return files
}

func TestClientFiles(t *testing.T) {
	files := dist()
	srv := sio.New(&sio.Options{ClientFiles: files})
	etags := make(map[string]bool)
	for name, file := range files {
		if !strings.HasPrefix(name, "socket.io.") {
			continue
		}
		for _, method := range []string{"GET", "HEAD"} {
			w := ask(srv, method, "/socket.io/"+name+"?v=1")
			body := string(file.Data)
			if method == "HEAD" {
				body = ""
			}
			if w.Code != 200 || w.Body.String() != body {
				t.Errorf("%s %s: %d %q", method, name, w.Code, w.Body)
			}
			mimeType := "application/javascript; charset=utf-8"
			if strings.HasSuffix(name, ".map") {
				mimeType = "application/json; charset=utf-8"
			}
			wantHeader(t, w.Header(), "Content-Type", mimeType)
			wantHeader(t, w.Header(), "Content-Length", strconv.Itoa(len(file.Data)))
			wantHeader(t, w.Header(), "Cache-Control", "public, max-age=0")
			wantHeader(t, w.Header(), "Vary", "Accept-Encoding")
			wantHeader(t, w.Header(), "Content-Encoding", "")
			wantHeader(t, w.Header(), "Access-Control-Allow-Origin", "")
			etags[w.Header().Get("ETag")] = true
		}
	}
	if len(etags) != 8 {
		t.Errorf("%d ETags for 8 files: %v", len(etags), etags)
	}
}

// Nothing else of the folder is ever read.
func TestClientFilesAndNothingElse(t *testing.T) {
	allowed := dist()
	var read []string
	srv := sio.New(&sio.Options{ClientFiles: openFunc(func(name string) (fs.File, error) {
		read = append(read, name)
		return allowed.Open(name)
	})})
	read = nil // New has looked whether there is anything
	for _, path := range []string{
		"/socket.io/package.json", "/socket.io/", "/socket.io", "/socket.io/socket.io.js/", "/socket.io/socket.io.js.map.map",
		"/socket.io/SOCKET.IO.JS", "/socket.io/..%2fpackage.json", "/socket.io/../package.json", "/socket.io/secret%2fpackage.json",
		"/socket.io/socket.io.js%00", "/socket.io/socket.io.js%2f..", "/socket.io/.", "/socket.io/%5c..%5csocket.io.js",
		"/socket.io/socket.io.js?EIO=4&transport=nope", "/socket.io/socket.io.js?transport",
	} {
		if w := ask(srv, "GET", path); w.Code == 200 || strings.Contains(w.Body.String(), "private") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	if len(read) > 0 {
		t.Errorf("read: %q", read)
	}
	ask(srv, "GET", "/socket.io/secret/..%2f..%2fsocket.io.js") // names the file, not a folder
	if !slices.Equal(read, []string{"socket.io.js"}) {
		t.Errorf("read: %q", read)
	}
}

// openFunc is a file system.
type openFunc func(name string) (fs.File, error)

func (f openFunc) Open(name string) (fs.File, error) { return f(name) }

func TestClientFilesGzip(t *testing.T) {
	files := dist()
	files["socket.io.min.js"] = &fstest.MapFile{Data: []byte("short")} // gets longer
	srv := sio.New(&sio.Options{ClientFiles: files})
	plain := ask(srv, "GET", "/socket.io/socket.io.js")
	w := ask(srv, "GET", "/socket.io/socket.io.js", "Accept-Encoding: deflate, gzip;q=0.5")
	wantHeader(t, w.Header(), "Content-Encoding", "gzip")
	wantHeader(t, w.Header(), "Content-Length", strconv.Itoa(w.Body.Len()))
	wantHeader(t, w.Header(), "Vary", "Accept-Encoding")
	if etag := w.Header().Get("ETag"); etag == plain.Header().Get("ETag") {
		t.Errorf("both forms have the strong ETag %s", etag)
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != plain.Body.String() {
		t.Errorf("%q %v", b, err)
	}

	w = ask(srv, "GET", "/socket.io/socket.io.js", "Accept-Encoding: gzip;q=0, br")
	wantHeader(t, w.Header(), "Content-Encoding", "")
	w = ask(srv, "GET", "/socket.io/socket.io.min.js", "Accept-Encoding: gzip")
	if w.Body.String() != "short" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("%q, %v", w.Body, w.Header())
	}
}

func TestClientFilesNotModified(t *testing.T) {
	srv := sio.New(&sio.Options{ClientFiles: dist()})
	etag := ask(srv, "GET", "/socket.io/socket.io.js").Header().Get("ETag")
	other := ask(srv, "GET", "/socket.io/socket.io.js", "Accept-Encoding: gzip").Header().Get("ETag")
	for _, tt := range []struct {
		header []string
		status int
	}{
		{[]string{"If-None-Match: " + etag}, 304},
		{[]string{"If-None-Match: W/" + etag}, 304},
		{[]string{`If-None-Match: "a", W/"b",` + etag}, 304},
		{[]string{`If-None-Match: "a"`, "If-None-Match: " + etag}, 304},
		{[]string{"If-None-Match: *"}, 304},
		{[]string{"If-None-Match: " + other, "Accept-Encoding: gzip"}, 304},
		{[]string{"If-None-Match: " + other}, 200}, // of the other form
		{[]string{`If-None-Match: "a", "b"`}, 200},
		{[]string{"If-None-Match: " + strings.Trim(etag, `"`)}, 200},
		{[]string{"If-None-Match:  "}, 200},
		{[]string{"If-None-Match: ,,W/,"}, 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			w := ask(srv, method, "/socket.io/socket.io.js", tt.header...)
			if w.Code != tt.status {
				t.Errorf("%s %q: %d, want %d", method, tt.header, w.Code, tt.status)
			}
			if w.Code != 304 {
				continue
			}
			if w.Body.Len() > 0 || w.Header().Get("Content-Length") != "" || w.Header().Get("Content-Encoding") != "" {
				t.Errorf("304 with %q, %v", w.Body, w.Header())
			}
			wantHeader(t, w.Header(), "Cache-Control", "public, max-age=0")
			wantHeader(t, w.Header(), "Vary", "Accept-Encoding")
		}
	}
}

func TestClientFilesRefused(t *testing.T) {
	files := dist()
	delete(files, "socket.io.min.js")
	fault := true
	var log logBuffer
	srv := sio.New(&sio.Options{Logger: log.logger(), ClientFiles: openFunc(func(name string) (fs.File, error) {
		if fault && name == "socket.io.js.map" {
			return nil, errors.New("disk on fire")
		}
		return files.Open(name)
	})})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		w := ask(srv, method, "/socket.io/socket.io.js")
		if w.Code != 405 {
			t.Errorf("%s: %d", method, w.Code)
		}
		wantHeader(t, w.Header(), "Allow", "GET, HEAD")
	}
	if w := ask(srv, "GET", "/socket.io/socket.io.min.js"); w.Code != 404 || w.Header().Get("ETag") != "" {
		t.Errorf("a file that is not there: %d %v", w.Code, w.Header())
	}
	if w := ask(srv, "GET", "/socket.io/socket.io.js.map"); w.Code != 500 || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("a file that can't be read: %d %q", w.Code, w.Body)
	}
	if line := log.only(t, "cannot read the client"); line["level"] != "error" || line["error"] != "disk on fire" {
		t.Errorf("logged: %v", line)
	}
	fault = false // what failed is tried again
	if w := ask(srv, "GET", "/socket.io/socket.io.js.map"); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// Who sees a 404 in the browser learns what to do.
func TestClientFilesMissing(t *testing.T) {
	for want, o := range map[string]sio.Options{
		"not found: socket.io.min.js is served where Options.ClientFiles is set\n": {},
		"not found: socket.io.min.js is not in Options.ClientFiles\n":              {ClientFiles: os.DirFS("node_modules/nowhere")},
	} {
		var log logBuffer
		o.Logger = log.logger()
		srv := sio.New(&o)
		if w := ask(srv, "GET", "/socket.io/socket.io.min.js"); w.Code != 404 || w.Body.String() != want {
			t.Errorf("%d %q, want %q", w.Code, w.Body, want)
		}
		warnings := log.lines(t, "Options.ClientFiles has no file of the client: it is the folder dist of npm's socket.io-client")
		if o.ClientFiles == nil && len(warnings) > 0 || o.ClientFiles != nil && (len(warnings) != 1 || warnings[0]["level"] != "warn") {
			t.Errorf("logged %v", warnings)
		}
	}
	var log logBuffer
	sio.New(&sio.Options{ClientFiles: fstest.MapFS{"socket.io.msgpack.min.js": {}}, Logger: log.logger()})
	if log.String() != "" {
		t.Errorf("one file is enough, but logged: %s", log.String())
	}
}

// A page of another origin may load a module, if it may connect.
func TestClientFilesCORS(t *testing.T) {
	const origin = "https://app.example"
	srv := sio.New(&sio.Options{ClientFiles: dist(), CORS: &sio.CORS{Origins: []string{origin}}})
	w := ask(srv, "GET", "/socket.io/socket.io.esm.min.js", "Origin: "+origin)
	if w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	wantHeader(t, w.Header(), "Access-Control-Allow-Origin", origin)
	if vary := w.Header().Values("Vary"); !slices.Equal(vary, []string{"Origin", "Accept-Encoding"}) {
		t.Errorf("Vary: %q", vary)
	}
	w = ask(srv, "OPTIONS", "/socket.io/socket.io.js", "Origin: "+origin)
	if w.Code != 204 {
		t.Errorf("preflight: %d", w.Code)
	}
	w = ask(srv, "GET", "/socket.io/socket.io.js", "Origin: https://evil.example")
	wantHeader(t, w.Header(), "Access-Control-Allow-Origin", "")
}

// Wherever the server is mounted, and whatever the router does to the path.
func TestClientFilesMounted(t *testing.T) {
	srv := sio.New(&sio.Options{ClientFiles: dist(), Path: "/ws"})
	mux := http.NewServeMux()
	mux.Handle("/api/", http.StripPrefix("/api", sio.HandlerWith(srv, func(*http.Request) (int, error) { return 0, errors.New("no") })))
	h := sio.Wrap(srv, mux)
	for path, status := range map[string]int{
		"/ws/socket.io.js": 200, "/api/socket.io.js": 200, "/api/v2/socket.io.js": 200,
		"/socket.io/socket.io.js": 404, "/socket.io.js": 404,
	} {
		if w := ask(h, "GET", path); w.Code != status {
			t.Errorf("%s: %d, want %d", path, w.Code, status)
		}
	}
	// It opens no connection, but does not belong to one either: a middleware
	// that guards handshakes guards it.
	if !srv.IsHandshake(httptest.NewRequest("GET", "/ws/socket.io.js", nil)) {
		t.Error("the file passes HandshakeOnly")
	}
}

// Each file is read once, whoever asks at the same time.
func TestClientFilesReadOnce(t *testing.T) {
	files := dist()
	var reads atomic.Int32
	srv := sio.New(&sio.Options{ClientFiles: openFunc(func(name string) (fs.File, error) {
		reads.Add(1)
		return files.Open(name)
	})})
	reads.Store(0) // New has looked whether it is there
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if w := ask(srv, "GET", "/socket.io/socket.io.js"); w.Code != 200 {
					t.Errorf("%d", w.Code)
				}
			}
		})
	}
	wg.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("read %d times", n)
	}
}
