package httpread

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

const get = "GET /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\nHost: example.com\r\n"

func TestRead(t *testing.T) {
	in := "POST /a/%20b/?x=1&y=%zz HTTP/1.1\r\nHost: [::1]:80\r\nCONTENT-length:  12 \r\nContent-Type: text/plain\r\n" +
		"Origin: http://o\r\nAccept-Encoding: gzip\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n" +
		"Cookie: a=b\r\nAuthorization: x\r\nConnection: Keep-Alive\r\nX-Empty:\r\nX-More: \xc3\xa4\r\n\r\nhello"
	var h Head
	if v := Read([]byte(in), &h); v != Whole {
		t.Fatalf("verdict %d", v)
	}
	got := fmt.Sprintf("%t %s %s %d %s %s %s %s %s %s %t %t", h.Post, h.Path, h.Query, h.Length, h.Host, h.ContentType, h.Origin, h.AcceptEncoding, h.FetchSite, h.FetchMode, h.Cookie, h.Authorization)
	if want := "true /a/%20b/ x=1&y=%zz 12 [::1]:80 text/plain http://o gzip same-origin cors true true"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if h.Size != len(in)-len("hello") {
		t.Errorf("a head of %d bytes, want %d", h.Size, len(in)-len("hello"))
	}
	for n := range h.Size {
		if v := Read([]byte(in[:n]), &h); v != Partial {
			t.Fatalf("%q: verdict %d", in[:n], v)
		}
	}
}

// TestDoubt has what is not to be read here, most of it since two programs could see two
// different requests in it.
func TestDoubt(t *testing.T) {
	post := func(lines ...string) string {
		return "POST /?x HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	for _, in := range []string{
		// the request line
		"HEAD /?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"get /?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /?x HTTP/1.0\r\nHost: a\r\n\r\n",
		"GET /?x HTTP/2.0\r\nHost: a\r\n\r\n",
		"GET /?x  HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET  /?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /?x\tHTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://a/?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /?x y HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /?x#y HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /%zz?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /%2?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /?\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /?\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\r\nGET /?x HTTP/1.1\r\nHost: a\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		// lines
		"GET /?x HTTP/1.1\nHost: a\n\n",
		get + "A: b\n\r\n",
		get + "A: b\r\r\n\r\n",
		get + "A: b\r\n c\r\n\r\n",
		get + "A: b\r\n\tc\r\n\r\n",
		get + " A: b\r\n\r\n",
		get + "A : b\r\n\r\n",
		get + "A\x00: b\r\n\r\n",
		get + "A: b\x00c\r\n\r\n",
		get + "A: b\rc\r\n\r\n",
		get + "A: b\tc\r\n\r\n",
		get + "A b\r\n\r\n",
		get + ": b\r\n\r\n",
		get + "A\xc3\xa4: b\r\n\r\n",
		// Host
		"GET /?x HTTP/1.1\r\n\r\n",
		"GET /?x HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /?x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET /?x HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET /?x HTTP/1.1\r\nHost: u@a\r\n\r\n",
		// lengths
		post(),
		post("Content-Length:"),
		post("Content-Length: +1"),
		post("Content-Length: -1"),
		post("Content-Length: 01"),
		post("Content-Length: 1, 1"),
		post("Content-Length: 1 1"),
		post("Content-Length: 0x1"),
		post("Content-Length: 1", "Content-Length: 1"),
		post("Content-Length: 1", "content-length: 2"),
		post("Content-Length: 99999999999999999999"),
		post("Content-Length: 1", "Transfer-Encoding: chunked"),
		post("Content-Length: 1", "Transfer-Encoding: identity"),
		post("Content-Length: 1", "transfer-encoding:\x0bchunked"),
		post("Transfer-Encoding: chunked"),
		get + "Content-Length: 1\r\n\r\nx",
		// what changes the connection, or asks for an answer of its own
		get + "Connection: close\r\n\r\n",
		get + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		get + "Connection: keep-alive, Content-Length\r\n\r\n",
		get + "Upgrade: h2c\r\n\r\n",
		get + "TE: trailers\r\n\r\n",
		get + "Trailer: A\r\n\r\n",
		post("Content-Length: 1", "Expect: 100-continue"),
		// what we look at must not be there twice
		get + "Origin: a\r\nOrigin: b\r\n\r\n",
		get + "Cookie: a\r\nCookie: b\r\n\r\n",
		get + "Accept-Encoding: a\r\nAccept-Encoding: b\r\n\r\n",
		get + "Sec-Fetch-Site: a\r\nSec-Fetch-Site: b\r\n\r\n",
		get + "Sec-Fetch-Mode: a\r\nSec-Fetch-Mode: b\r\n\r\n",
		get + "Authorization: a\r\nAuthorization: b\r\n\r\n",
		get + "Content-Type: a\r\nContent-Type: b\r\n\r\n",
		// too much
		get + "A: " + strings.Repeat("b", MaxHead) + "\r\n\r\n",
		"GET /?" + strings.Repeat("x", MaxHead),
	} {
		var h Head
		if v := Read([]byte(in), &h); v != Other {
			t.Errorf("%.200q: verdict %d", in, v)
		}
	}
	in := []byte(get + "Cookie: a\r\nContent-Length: 0\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() {
		var h Head
		if Read(in, &h) != Whole {
			t.Fatal("not read")
		}
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// FuzzRead compares with net/http: what is read here, that reads in the same way, and nothing
// that it refuses is read here.
func FuzzRead(f *testing.F) {
	f.Add([]byte(get + "\r\n"))
	f.Add([]byte(get + "Content-Length: 0\r\nCookie: a\r\n\r\nGET / HTTP/1.1\r\n"))
	f.Add([]byte("POST /%41?x=%zz HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\nConnection: keep-alive\r\nA: \x80 b  \r\n\r\nabc"))
	f.Add([]byte("POST /?x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Add([]byte("GET /?x HTTP/1.1\nHost: a\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var h Head
		kept := bytes.Clone(in)
		v := Read(in, &h)
		if !bytes.Equal(in, kept) {
			t.Fatal("what is read has changed")
		}
		switch v {
		case Partial:
			if len(in) > MaxHead {
				t.Fatalf("%d bytes wait for more", len(in))
			}
			return
		case Other:
			return
		}
		for _, n := range []int{0, 1, h.Size / 2, h.Size - 1} { // whatever has come first, the verdict is the same
			var part Head
			if v := Read(in[:n], &part); v != Partial {
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
