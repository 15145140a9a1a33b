package engineio

import (
	"compress/gzip"
	"net/http"
	"sync"

	"github.com/siokit/sio/internal/negotiate"
)

// gzips holds writers: one is most of a megabyte.
var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

// compress returns the form in which payload goes out as the answer to r, and
// sets the headers for it. It is called without s.mu of the session.
func (s *Server) compress(w http.ResponseWriter, r *http.Request, payload []byte) []byte {
	threshold := s.opts.HTTPCompressionThreshold
	h := w.Header()
	if threshold < 0 || len(payload) < threshold || !negotiate.Gzip(h, r) {
		return payload
	}
	small, ok := squeeze(payload)
	if !ok {
		return payload
	}
	h.Set("Content-Encoding", "gzip")
	return small
}

// squeeze returns false if nothing is gained.
func squeeze(payload []byte) ([]byte, bool) {
	z := gzips.Get().(*gzip.Writer)
	defer gzips.Put(z)
	var out sliceWriter
	z.Reset(&out)
	_, _ = z.Write(payload) // a sliceWriter does not fail
	_ = z.Close()
	z.Reset(nil)
	return out.b, len(out.b) < len(payload)
}
