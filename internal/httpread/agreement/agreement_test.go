// Package agreement compares httpread with net/http. It is a package of its own for what it
// needs of golang.org/x/net: who uses the server has no need of that.
package agreement

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"github.com/siokit/sio/internal/httpread"
)

const (
	get      = "GET /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\nHost: example.com\r\n"
	overhead = 32 // of each field and parameter
)

// FuzzRead compares with net/http: what is read here, that reads in the same way, and nothing
// that it refuses is read here.
func FuzzRead(f *testing.F) {
	f.Add([]byte(get + "\r\n"))
	f.Add([]byte(get + "Content-Length: 0\r\nCookie: a\r\n\r\nGET / HTTP/1.1\r\n"))
	f.Add([]byte("POST /%41?x=%zz HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\nConnection: keep-alive\r\nA: \x80 b  \r\n\r\nabc"))
	f.Add([]byte("POST /?x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Add([]byte("GET /?x HTTP/1.1\nHost: a\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var h httpread.Head
		kept := bytes.Clone(in)
		v := httpread.Read(in, &h)
		if !bytes.Equal(in, kept) {
			t.Fatal("what is read has changed")
		}
		switch v {
		case httpread.Partial:
			if len(in) > httpread.MaxHead {
				t.Fatalf("%d bytes wait for more", len(in))
			}
			return
		case httpread.Other:
			return
		}
		for _, n := range []int{0, 1, h.Size / 2, h.Size - 1} { // whatever has come first, the verdict is the same
			var part httpread.Head
			if v := httpread.Read(in[:n], &part); v != httpread.Partial {
				t.Fatalf("of a head of %d bytes, %d are verdict %d", h.Size, n, v)
			}
		}
		rest := bufio.NewReader(bytes.NewReader(in))
		r, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", in[:h.Size], err)
		}
		method := http.MethodGet
		if h.Post {
			method = http.MethodPost
		}
		if r.Method != method || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.RequestURI != string(h.Path)+"?"+string(h.Query) ||
			r.URL.RawQuery != string(h.Query) {
			t.Fatalf("net/http sees %s %s", r.Method, r.RequestURI)
		}
		if r.Host != string(h.Host) || !httpguts.ValidHostHeader(r.Host) {
			t.Fatalf("net/http sees the host %q, we %q", r.Host, h.Host)
		}
		if r.ContentLength != int64(h.Length) || len(r.TransferEncoding) > 0 || r.Close || len(r.Trailer) > 0 {
			t.Fatalf("net/http sees a length of %d (%v, close %t), we %d", r.ContentLength, r.TransferEncoding, r.Close, h.Length)
		}
		cost := len(r.RequestURI) + overhead*strings.Count(r.URL.RawQuery, "&")
		for name, values := range r.Header {
			for _, v := range values {
				cost += len(name) + len(v) + overhead
				if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
					t.Fatalf("%q: %q is no field", name, v)
				}
			}
		}
		if cost != h.Cost {
			t.Fatalf("net/http sees a head of %d, we of %d", cost, h.Cost)
		}
		for _, name := range []string{"Expect", "Upgrade", "Transfer-Encoding", "Te"} {
			if _, ok := r.Header[name]; ok {
				t.Fatalf("there is %s", name)
			}
		}
		for name, v := range map[string][]byte{
			"Origin": h.Origin, "Content-Type": h.ContentType, "Accept-Encoding": h.AcceptEncoding, "Sec-Fetch-Site": h.FetchSite, "Sec-Fetch-Mode": h.FetchMode,
		} {
			if !slices.Equal(r.Header[name], []string{string(v)}) && (len(r.Header[name]) > 0 || len(v) > 0) {
				t.Fatalf("%s: net/http sees %q, we %q", name, r.Header[name], v)
			}
		}
		if (r.Header.Get("Cookie") != "") != h.Cookie || (r.Header.Get("Authorization") != "") != h.Authorization {
			t.Fatal("credentials")
		}
		// Where the body begins, that is the same, too.
		if left := len(in) - h.Size; rest.Buffered() < min(left, 1) {
			t.Fatalf("%d bytes behind the head, net/http has %d", left, rest.Buffered())
		}
	})
}
