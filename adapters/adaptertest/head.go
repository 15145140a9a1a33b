package adaptertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/internal/testclient"
)

// keptOfHead is how many bytes a connection may keep of the worst handshake that is
// let in, with all that a framework makes of it.
const keptOfHead = 64 << 10

// heads are handshakes that are long, each in its way.
var heads = map[string]func(query string, bytes int) (string, http.Header){
	"many names": func(query string, bytes int) (string, http.Header) {
		h := make(http.Header)
		for i := range bytes / (4 + 32) {
			h[fmt.Sprintf("X%03x", i)] = []string{""}
		}
		return query, h
	},
	"one name": func(query string, bytes int) (string, http.Header) {
		return query, http.Header{"X": make([]string, bytes/(1+32))}
	},
	"one value": func(query string, bytes int) (string, http.Header) {
		return query, http.Header{"X": {strings.Repeat("x", bytes-33)}}
	},
	"cookies": func(query string, bytes int) (string, http.Header) {
		return query, http.Header{"Cookie": {strings.Repeat("a=b;", (bytes-40)/4)}}
	},
	"many parameters": func(query string, bytes int) (string, http.Header) {
		var b strings.Builder
		for i := range bytes / (4 + 32) {
			fmt.Fprintf(&b, "&%03x", i)
		}
		return query + b.String(), make(http.Header)
	},
	"one parameter": func(query string, bytes int) (string, http.Header) {
		return query + strings.Repeat("&a", bytes/(2+32)), make(http.Header)
	},
}

// headLimit has requests whose head is too long, and some that just pass.
func headLimit(t *testing.T, f Framework) {
	for _, form := range []Form{Handler, HandlerWith} {
		h := start(t, f, Config{Form: form, Capture: func(user string) (Captured, error) { return Captured{user}, nil }})
		const query = "?EIO=4&transport=polling"
		c := h.dial(testclient.Options{})
		for name, long := range heads {
			q, header := long(query, 100_000)
			if a := h.do(http.MethodGet, h.path+q, header, ""); a.status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%v, a handshake with %s: status %d", form, name, a.status)
			}
			q, header = long(query+"&sid="+c.SID, 100_000)
			if a := h.do(http.MethodGet, h.path+q, header, ""); a.status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%v, a GET with %s: status %d", form, name, a.status)
			}
			q, header = long("?EIO=4&transport=websocket", 100_000)
			header.Set("Upgrade", "websocket")
			header.Set("Connection", "Upgrade")
			header.Set("Sec-WebSocket-Version", "13")
			header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			if a := h.do(http.MethodGet, h.path+q, header, ""); a.status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%v, a WebSocket with %s: status %d", form, name, a.status)
			}
		}
		equal(t, "connections", h.Connections(), 1)
		for name, long := range heads {
			q, header := long(query, 15_000)
			const n = 8
			before := alloctest.Heap()
			for range n {
				if a := h.do(http.MethodGet, h.path+q, header, ""); a.status != http.StatusOK {
					t.Fatalf("%v, a handshake with %s: status %d", form, name, a.status)
				}
			}
			h.http.CloseIdleConnections()
			if kept := (alloctest.Heap() - before) / n; kept > keptOfHead {
				t.Errorf("%v, %s: %d bytes are kept", form, name, kept)
			}
		}
	}
}
