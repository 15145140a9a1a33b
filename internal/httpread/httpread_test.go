package httpread

import (
	"fmt"
	"strings"
	"testing"
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
