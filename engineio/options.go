package engineio

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// The names of the transports.
const (
	TransportPolling   = "polling"
	TransportWebSocket = "websocket"
)

// Options configure a Server. The zero value has the reference server's
// defaults. A nonsensical value makes New fail.
type Options struct {
	// PingInterval is the time from opening a session, or from a pong, to the
	// next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take before the peer is given up.
	// Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout bounds the move of a session to WebSocket. Default 10 s.
	UpgradeTimeout time.Duration
	// WriteTimeout bounds one blocked write, of 32 KB at most: who takes less in that
	// time, 3 KB/s by default, is given up. Default 10 s.
	WriteTimeout time.Duration
	// MaxPayload is the largest message that is accepted over WebSocket, the
	// largest body of a POST, and what several packets may add up to in the
	// answer to a GET, in bytes. Default 1,000,000.
	MaxPayload int
	// MaxHeaderBytes is the largest head of a request that is served: its target
	// and its fields, counted as HTTP/2 does it, each with its name, its value and
	// 32 bytes more; likewise each parameter of the query. What is kept of a
	// handshake is a copy of that, for the life of the session, and takes up to three
	// times as much. Beyond, the answer is 431, and the log says so, once. It
	// does not take the place of http.Server.MaxHeaderBytes, which is a megabyte by
	// default: that bounds what is read in the first place. Default 16 KiB, as in Node.
	MaxHeaderBytes int
	// MaxPacketRate is how many packets a second of one session are handled; those
	// of five seconds may come at once. One that sends more is not read for a while,
	// and not closed. Of packets that cost a client next to nothing, cause more, and
	// are held back by nothing else, it is ten: pings of WebSocket, CONNECTs. Default 50,000, of which handlers that do
	// nothing take a tenth of a core; negative: any number.
	MaxPacketRate int
	// Transports that are served. Default polling and websocket.
	Transports []string
	// DisableUpgrades offers sessions that began on polling no upgrade. As with
	// the reference server, one that a client makes all the same is accepted.
	DisableUpgrades bool
	// LenientHeartbeat counts any bytes that arrive as a sign of life, every time, for
	// clients that answer no ping. Without it, a packet other than a pong postpones
	// the end once for each ping, as in the reference server, and a large message
	// does for as long as its bytes move, either way.
	LenientHeartbeat bool
	// AllowEIO3 serves clients of revision 3 of the protocol too, those of before
	// 2021, which ping by themselves. Whoever does not say EIO=4 is one, and a foreign
	// origin is refused then over polling, too.
	AllowEIO3 bool
	// CORS opens the server to other origins. Default: WebSocket for the same
	// origin only, polling without CORS headers.
	CORS *CORS
	// Hosts are what the server is reached by from outside, such as "example.com",
	// "example.com:8443" or "*.example.com", behind a proxy that does not pass on
	// the Host header: pages that come from there are of the same origin, whatever
	// the Host of the request is. Default: that one counts.
	Hosts []string
	// Cookie, if set, is sent with the polling handshake, its value being the
	// session's id. Name defaults to "io", Path to "/", SameSite to Lax; it is
	// always HttpOnly, and Secure over TLS, be it a proxy's that says so in
	// X-Forwarded-Proto.
	Cookie *http.Cookie
	// HTTPCompressionThreshold is from how many bytes on the answer to a GET is
	// compressed, for a client that takes gzip: a few milliseconds of a core for
	// a megabyte. Where an answer may hold a secret together with what others
	// have chosen, its length tells of the secret. Default 1024; negative: never.
	HTTPCompressionThreshold int
	// Compression compresses the messages of WebSockets whose clients offer it.
	// Default: none.
	Compression *Deflate
	// QueueBytes bounds what waits to be sent to one session, counted as
	// WebSocket frames that are not compressed. A single message is accepted
	// whatever its size while nothing waits. While the client takes something within
	// each WriteTimeout, eight times as much may wait ([Grace]): not that it is too
	// slow, we are too fast. Default 4 MiB.
	QueueBytes int
	// QueuePackets bounds the same in packets. Default 16,384.
	QueuePackets int
	// TotalBytes bounds what waits to be sent to all sessions together, and by itself
	// what is held of large messages that they send, until these are complete and
	// handled. Beyond, those sessions end that hold most for longest; a session that
	// keeps up, and small messages, are not counted, and what goes to many counts
	// once. Default 256 MiB: 64 sessions with all that QueueBytes allows.
	TotalBytes int
	// PollPackets is how many packets the answer to a GET has at most, unless it goes
	// to a browser, which shows itself by Sec-Fetch-Mode: a client on polling gets so
	// many in a round trip, of small ones 320 a second where that takes 50 ms. The
	// official Python client ends its connection over more than 16, and nothing tells
	// it from other programs for sure; where none comes, more is faster. Default 16.
	PollPackets int
	// KeepSlow drops what does not fit into a session's queue, with
	// ErrQueueFull, and keeps the session. By default it is closed. With it, nothing
	// exceeds QueueBytes and QueuePackets.
	KeepSlow bool
	// Logger gets the lifecycle of sessions at info and packets at debug,
	// never their content. Default: silent.
	Logger *zerolog.Logger

	cors  *corsRules // of CORS, or nil
	hosts []hostRule // of Hosts
}

// Default limits of the send queue. 4 MiB is more than the kernel holds for a
// connection that stalls, so that a burst passes and a peer that has stopped
// reading does not; 16,384 packets keep their bookkeeping below that.
const (
	defaultQueueBytes   = 4 << 20
	defaultQueuePackets = 16384
	defaultTotalBytes   = 256 << 20
)

// defaultMaxPacketRate is more than twice what one client can do that waits for each
// answer: 20,000 a second.
const defaultMaxPacketRate = 50_000

// maxMaxPayload keeps sums of a few payloads within an int of 32 bits.
const maxMaxPayload = 256 << 20

// withDefaults returns a checked copy.
func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	var errs []error
	duration := func(name string, d *time.Duration, def time.Duration) {
		if *d < 0 {
			errs = append(errs, fmt.Errorf("%s is negative (%v)", name, *d))
		}
		if *d == 0 {
			*d = def
		}
	}
	number := func(name string, n *int, def int) {
		if *n < 0 {
			errs = append(errs, fmt.Errorf("%s is negative (%d)", name, *n))
		}
		if *n == 0 {
			*n = def
		}
	}
	duration("PingInterval", &out.PingInterval, 25*time.Second)
	duration("PingTimeout", &out.PingTimeout, 20*time.Second)
	duration("UpgradeTimeout", &out.UpgradeTimeout, 10*time.Second)
	duration("WriteTimeout", &out.WriteTimeout, 10*time.Second)
	for name, d := range map[string]time.Duration{"PingInterval": out.PingInterval, "PingTimeout": out.PingTimeout} {
		if d > 0 && d < time.Millisecond {
			errs = append(errs, fmt.Errorf("%s is %v: clients are told milliseconds", name, d))
		}
	}
	number("MaxPayload", &out.MaxPayload, 1_000_000)
	if out.PingInterval+out.PingTimeout > math.MaxInt32*time.Millisecond {
		errs = append(errs, fmt.Errorf("PingInterval and PingTimeout are %v together: the timers of browsers do not go that far", out.PingInterval+out.PingTimeout))
	}
	if out.MaxPayload > maxMaxPayload {
		errs = append(errs, fmt.Errorf("MaxPayload is over %d bytes (%d)", maxMaxPayload, out.MaxPayload))
	}
	number("MaxHeaderBytes", &out.MaxHeaderBytes, 16<<10)
	number("QueueBytes", &out.QueueBytes, defaultQueueBytes)
	number("QueuePackets", &out.QueuePackets, defaultQueuePackets)
	number("TotalBytes", &out.TotalBytes, defaultTotalBytes)
	number("PollPackets", &out.PollPackets, 16)
	if out.MaxPacketRate == 0 {
		out.MaxPacketRate = defaultMaxPacketRate
	}
	if out.HTTPCompressionThreshold == 0 {
		out.HTTPCompressionThreshold = 1024
	}
	if out.Transports == nil {
		out.Transports = []string{TransportPolling, TransportWebSocket}
	}
	if len(out.Transports) == 0 {
		errs = append(errs, errors.New("Transports is empty"))
	}
	for _, t := range out.Transports {
		if t != TransportPolling && t != TransportWebSocket {
			errs = append(errs, fmt.Errorf("Transports: unknown transport %q", t))
		}
	}
	out.Transports = slices.Clone(out.Transports)
	out.cors = nil
	if out.CORS != nil {
		rules, err := out.CORS.compile()
		if err != nil {
			errs = append(errs, err)
		}
		out.CORS, out.cors = &rules.CORS, rules
	}
	out.Hosts, out.hosts = slices.Clone(out.Hosts), nil
	for _, h := range out.Hosts {
		rule, err := parseHostRule(h)
		if err != nil {
			errs = append(errs, fmt.Errorf("Hosts: %q is not a host such as \"example.com\" or \"example.com:8443\": %w", h, err))
		}
		out.hosts = append(out.hosts, rule)
	}
	if out.Compression != nil {
		d := *out.Compression
		out.Compression = &d
		if err := d.validate(); err != nil {
			errs = append(errs, err)
		}
	}
	if out.Cookie != nil {
		out.Cookie = cookieTemplate(*out.Cookie)
		if err := out.Cookie.Valid(); err != nil {
			errs = append(errs, fmt.Errorf("Cookie: %w", err))
		}
	}
	if out.Logger == nil {
		nop := zerolog.Nop()
		out.Logger = &nop
	}
	return out, errors.Join(errs...)
}
