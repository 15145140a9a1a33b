package sio

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/negotiate"
)

// clientNames are the files that [Options.ClientFiles] is asked for, each of
// them also with ".map".
var clientNames = []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"}

// clientFiles are the files of the official client, by name.
type clientFiles map[string]*clientFile

// A clientFile is read when it is asked for, and kept.
type clientFile struct {
	fsys     fs.FS
	name     string
	mimeType string

	mu        sync.Mutex // protects the following
	read      bool
	plain, gz representation // do not change once read
}

// A representation is a form in which a file goes out.
type representation struct {
	data []byte
	etag string
}

func newRepresentation(data []byte) representation {
	sum := sha256.Sum256(data)
	return representation{data, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

func newClientFiles(fsys fs.FS) clientFiles {
	files := make(clientFiles)
	for _, name := range clientNames {
		files[name] = &clientFile{fsys: fsys, name: name, mimeType: "application/javascript; charset=utf-8"}
		name += ".map"
		files[name] = &clientFile{fsys: fsys, name: name, mimeType: "application/json; charset=utf-8"}
	}
	return files
}

// find returns the file that r asks for, or nil. What names a transport is not
// for a file.
func (files clientFiles) find(r *http.Request) *clientFile {
	p := r.URL.Path
	f := files[p[strings.LastIndexByte(p, '/')+1:]]
	if f == nil || r.URL.Query().Has("transport") {
		return nil
	}
	return f
}

// checkClientFiles warns if there are none. It is no reason to panic: tests of an
// application run in other folders than the application, and need no client.
func (s *Server) checkClientFiles() {
	if s.opts.ClientFiles == nil {
		return
	}
	for _, name := range clientNames {
		if _, err := fs.Stat(s.opts.ClientFiles, name); err == nil {
			return
		}
	}
	s.log.Warn().Strs("files", clientNames).Msg("Options.ClientFiles has no file of the client: it is the folder dist of npm's socket.io-client")
}

// load returns both forms of the file, which may be the same.
func (f *clientFile) load() (plain, gz representation, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read {
		return f.plain, f.gz, nil
	}
	data, err := fs.ReadFile(f.fsys, f.name)
	if err != nil {
		return plain, gz, err
	}
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is valid
	_, _ = z.Write(data)                                    // a Buffer does not fail
	_ = z.Close()
	f.read = true
	f.plain = newRepresentation(data)
	f.gz = f.plain
	if buf.Len() < len(data) {
		f.gz = newRepresentation(bytes.Clone(buf.Bytes()))
	}
	return f.plain, f.gz, nil
}

// serveFile answers a request for a file of the client.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, f *clientFile) {
	if s.io.CORS(w, r) {
		return
	}
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if f.fsys == nil {
		http.Error(w, "not found: "+f.name+" is served where Options.ClientFiles is set", http.StatusNotFound)
		return
	}
	form, gz, err := f.load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "not found: "+f.name+" is not in Options.ClientFiles", http.StatusNotFound)
		return
	case err != nil:
		s.log.Sparse(zerolog.ErrorLevel, r.RemoteAddr, "file", f.name).Str("file", f.name).Err(err).Msg("cannot read the client")
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	compressed := negotiate.Gzip(h, r) && len(gz.data) < len(form.data)
	if compressed {
		form = gz
	}
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("ETag", form.etag)
	if matches(r.Header.Values("If-None-Match"), form.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.mimeType)
	h.Set("Content-Length", strconv.Itoa(len(form.data)))
	if compressed {
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(form.data) // the client may go
	}
}

// matches is the weak comparison of If-None-Match (RFC 9110, section 13.1.2).
func matches(values []string, etag string) bool {
	for _, v := range values {
		for f := range strings.SplitSeq(v, ",") {
			f = strings.TrimSpace(f)
			if f == "*" || strings.TrimPrefix(f, "W/") == etag {
				return true
			}
		}
	}
	return false
}
