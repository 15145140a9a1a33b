package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
)

// A kind of flood is what a stranger does over and over: says units, several or
// one at a time.
type kind struct {
	name  string
	over  over
	sizes []size
	unit  func(seq int) []byte // frames; by polling, a packet; raw, a request

	first string // the packet behind the handshake; default CONNECT to "/"
	deaf  bool   // answers are not read
	fresh bool   // a connection, and a session, for each beat
	polls bool   // by polling: GETs rather than POSTs
	lacks bool   // the last byte of each beat does not come

	work   bool  // the server's two cores can't do it all: who waits how long is only told
	memory int64 // MiB by which the server may grow; default enough
}

// over is the way that a kind goes.
type over string

const (
	websocket over = ""
	polling   over = "polling"
	probe     over = "upgrade" // a WebSocket with the id of a session that began by polling
	raw       over = "HTTP"    // requests without a session
	encrypted over = "TLS"     // over WebSocket
	revision3 over = "EIO3"    // over WebSocket
	deflating over = "deflate" // over WebSocket
)

// A size is how many connections there are, how often they say something, in all,
// and how much each time: at least a unit.
type size struct {
	conns int
	beats float64 // a second
	bytes int
}

// enough MiB is what a server may take more while it is flooded, unless a kind says
// otherwise: buffers of two thousand connections, and garbage.
const enough = 96

// host is what requests name: nobody checks.
var host = load.Server{Addr: netip.AddrPortFrom(load.Source(0), 80)}

// Sizes that suit many kinds. One connection has 4 MB/s, 32 have 16 together, and
// two thousand 3.
var (
	packed = []size{{1, 128, 32 << 10}, {32, 512, 32 << 10}, {2000, 20_000, 160}}
	singly = []size{{1, 20_000, 0}, {32, 20_000, 0}, {2000, 20_000, 0}}
	// For what an application has to work for, an event that many send is load.
	worked = []size{{1, 128, 4 << 10}, {32, 128, 4 << 10}, {2000, 5_000, 0}}
	anew   = []size{{32, 500, 0}}
	posted = []size{{1, 32, 128 << 10}, {32, 64, 128 << 10}, {2000, 2_000, 256}}
	asked  = []size{{1, 2_000, 0}, {32, 4_000, 0}}
)

var pingFrame = []byte{0x89, 0x81, 1, 2, 3, 4, 'y'}

var kinds = []*kind{
	// What has to be answered, or looked at, for a few bytes.
	{name: "pings, packed", sizes: packed, unit: always(pingFrame)},
	{name: "pings, singly", sizes: singly, unit: always(pingFrame)},
	{name: "pings, packed, pongs not read", sizes: packed[1:], unit: always(pingFrame), deaf: true},
	{name: "pings of 125 bytes, pongs not read", sizes: packed[1:2], unit: always(frame(9, strings.Repeat("x", 125))), deaf: true},
	{name: "pongs", sizes: packed, unit: always(frame(10, ""))},
	{name: "packet 6, packed", sizes: packed, unit: always(text("6"))},
	{name: "packet 6, singly", sizes: singly[1:], unit: always(text("6"))},
	{name: "packet 3", sizes: packed, unit: always(text("3"))},
	{name: "fragments of one byte", sizes: packed, unit: always(inPieces(`42["nobody"]`))},
	{name: "fragments without end", sizes: packed[:2], unit: always([]byte{0x00, 0x80, 0, 0, 0, 0}), first: "+4"},
	{name: "probes", over: probe, sizes: packed[:2], unit: always(text("2probe"))},
	{name: "pings, packed, over TLS", over: encrypted, sizes: packed, unit: always(pingFrame)},
	{name: "CONNECT to unknown namespaces, over TLS", over: encrypted, sizes: packed[1:2], unit: numbered("40/x%d,")},
	{name: "acks that nobody waits for", sizes: packed, unit: always(text("43123[]"))},
	{name: "CONNECT to unknown namespaces", sizes: packed, unit: numbered("40/x%d,")},
	{name: "CONNECT to unknown namespaces, answers not read", sizes: packed[1:], unit: numbered("40/x%d,"), deaf: true},
	{name: "CONNECT and DISCONNECT", sizes: worked, unit: always(slices.Concat(text("40/chat,"), text("41/chat,")))},
	{name: "CONNECT with a bogus pid", sizes: worked, unit: always(slices.Concat(text(`40/chat,{"pid":"bogus","offset":"x"}`), text("41/chat,")))},
	{name: "CONNECT and DISCONNECT, dynamic", sizes: worked, unit: numbered("40/room-%d,", "41/room-%[1]d,")},
	{name: "dynamic namespaces", sizes: []size{{32, 200, 0}, {400, 400, 2 << 10}}, unit: numbered("40/room-%d,")},

	// Events.
	{name: "events that nobody handles", sizes: packed, unit: always(text(`42["nobody"]`))},
	{name: "events that nobody handles, with ack", sizes: worked, unit: always(text(`421["nobody"]`))},
	{name: "events with a handler", sizes: worked, unit: always(text(`42["echo",{"n":1,"text":"x"}]`))},
	{name: "events with a handler, beyond what is possible", sizes: packed[1:], unit: always(text(`42["echo",{"n":1,"text":"x"}]`)), work: true},
	{name: "events with ack", sizes: worked, unit: always(text(`421["echo",{"n":1,"text":"x"}]`))},
	{name: "events with ack, beyond what is possible", sizes: packed[1:], unit: always(text(`421["echo",{"n":1,"text":"x"}]`)), work: true},
	{name: "events with ack, answers not read", sizes: worked[:2], unit: always(text(`421["echo",{"n":1,"text":"x"}]`)), deaf: true},
	{name: "events whose argument does not fit", sizes: worked, unit: always(text(`421["echo",[]]`))},
	{name: "rooms joined and left", sizes: worked, unit: always(slices.Concat(text(`42["join"]`), text(`42["leave"]`)))},
	{name: "broadcasts", sizes: []size{{32, 500, 0}, {2000, 20, 0}}, unit: always(text(`42["shout","x"]`)), first: `42["join"]`},
	{name: "broadcasts, not read", sizes: []size{{32, 500, 0}}, unit: always(text(`42["shout","` + strings.Repeat("x", 8<<10) + `"]`)), first: `42["join"]`, deaf: true, memory: 256},
	{name: "binary events", sizes: worked, unit: always(slices.Concat(text(`451-["nobody",{"_placeholder":true,"num":0}]`), frame(2, "x")))},
	{name: "890 KB of objects for any", sizes: []size{{1, 4, 0}, {16, 8, 0}}, unit: always(text(`42["any",[{"":0}` + strings.Repeat(`,{"":0}`, 127_000) + `]]`)), memory: 512},
	{name: "many rooms, left at once", sizes: []size{{1, 4, 0}}, unit: inTurn(text(`42["rooms",1000000]`), slices.Concat(text("41"), text("40"))), memory: 512},

	{name: "events whose handler takes 50 ms", sizes: []size{{1, 200, 0}, {32, 500, 0}, {2000, 2_000, 0}}, unit: always(text(`42["wait",50]`))},
	{name: "events nested deeply", sizes: packed[:2], unit: always(text(`42["nobody",` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "]"))},
	{name: "pings of revision 3", over: revision3, sizes: packed, unit: always(text("2"))},
	{name: "deflated, packet 6", over: deflating, sizes: packed, unit: always(deflated("6"))},
	{name: "deflated, events of 990 KB", over: deflating, sizes: []size{{1, 32, 0}, {32, 64, 0}}, unit: always(deflated(`42["nobody","` + strings.Repeat("x", 990_000) + `"]`)), memory: 192},

	// What ends a session: they come again.
	{name: "unknown packets", sizes: anew, unit: always(text("x")), fresh: true},
	{name: "invalid JSON", sizes: anew, unit: always(text("42[")), fresh: true},
	{name: "empty frames", sizes: anew, unit: always(text("")), fresh: true},
	{name: "binary out of place", sizes: anew, unit: always(frame(2, "x")), fresh: true},
	{name: "frames without a mask", sizes: anew, unit: always([]byte{0x81, 1, '4'}), fresh: true},
	{name: "close frames", sizes: anew, unit: always(frame(8, "")), fresh: true},
	{name: "connects, and no word", sizes: anew, unit: always(nil), first: "none", fresh: true},
	{name: "come and leave", sizes: anew, unit: always(text("41")), fresh: true},
	{name: "upgrades not finished", over: probe, sizes: anew, unit: always(text("2probe")), fresh: true},
	{name: "polls hung up", over: polling, sizes: anew, unit: always(nil), polls: true, fresh: true},
	{name: "half a request", over: raw, sizes: append(anew, size{2000, 500, 0}), unit: always([]byte("GET /socket.io/?EIO=4")), fresh: true},
	{name: "handshakes by polling, not used", over: polling, sizes: anew, unit: always([]byte("6")), fresh: true, memory: 192},

	// By polling.
	{name: "POSTs of packet 6", over: polling, sizes: posted, unit: always([]byte("6"))},
	{name: "POSTs of events that nobody handles", over: polling, sizes: posted, unit: always([]byte(`42["nobody"]`))},
	{name: "POSTs of events with ack", over: polling, sizes: []size{{32, 64, 4 << 10}}, unit: always([]byte(`421["echo",{"n":1,"text":"x"}]`))},
	{name: "POSTs of CONNECT to unknown namespaces", over: polling, sizes: posted[:2], unit: func(seq int) []byte { return fmt.Appendf(nil, "40/x%d,", seq) }},
	{name: "POSTs to unknown sessions", over: raw, sizes: asked, unit: always(load.PostRequest(host, "AAAAAAAAAAAAAAAAAAAA", "6"))},
	{name: "GETs of unknown sessions", over: raw, sizes: asked, unit: always(load.GetRequest(host, "AAAAAAAAAAAAAAAAAAAA"))},
	{name: "GETs with a wrong query", over: raw, sizes: asked, unit: always([]byte("GET /socket.io/?EIO=4&transport=x HTTP/1.1\r\nHost: x\r\n\r\n"))},
	{name: "handshakes by polling, over one connection", over: raw, sizes: []size{{1, 500, 0}, {32, 1_000, 0}}, unit: always(load.GetRequest(host, "")), memory: 192},

	// What takes memory while it waits.
	{name: "3.6 MB asked for, never polled", over: polling, sizes: []size{{300, 50, 60}}, unit: always([]byte(`42["give",900000]`)), fresh: true, memory: 256},
	{name: "3.6 MB asked for, not read", sizes: []size{{300, 50, 90}}, unit: always(text(`42["give",900000]`)), fresh: true, deaf: true, memory: 256},
	{name: "POSTs of 998 KB that lack a byte", over: polling, sizes: []size{{300, 300, 0}}, unit: always([]byte(`42["` + strings.Repeat("x", 998_000) + `"]`)), fresh: true, lacks: true, memory: 256},
	{name: "messages of 998 KB that lack a byte", sizes: []size{{300, 300, 0}}, unit: always(text(`42["` + strings.Repeat("x", 998_000) + `"]`)), fresh: true, lacks: true, memory: 256},
	{name: "attachments that lack the last", sizes: []size{{300, 100, 0}}, unit: always(slices.Concat(text(`452-["nobody",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`), frame(2, strings.Repeat("x", 990_000)))), fresh: true, memory: 256},
	{name: "CONNECTs of 900 KB", sizes: []size{{1, 32, 0}, {32, 32, 0}}, unit: always(slices.Concat(text(`40/chat,{"token":"`+strings.Repeat("x", 900_000)+`"}`), text("41/chat,"))), memory: 256},
}

func kindNamed(name string) *kind {
	i := slices.IndexFunc(kinds, func(k *kind) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return kinds[i]
}

// A flooding is a kind, by one of its sizes.
type flooding struct {
	kind  *kind
	index int
}

func (f flooding) size() size { return f.kind.sizes[f.index] }

func (f flooding) String() string { return fmt.Sprintf("%s × %d", f.kind.name, f.size().conns) }

// choose returns what matches, over so many connections if that is not 0.
func choose(pattern *regexp.Regexp, conns int) []flooding {
	var all []flooding
	for _, k := range kinds {
		for i, s := range k.sizes {
			if pattern.MatchString(k.name) && (conns == 0 || conns == s.conns) {
				all = append(all, flooding{k, i})
			}
		}
	}
	return all
}
