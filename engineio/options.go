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

// Options configure a Server. A zero field has its default, which is that of the
// reference server where that has one. New fails if a value makes no sense.
type Options struct {
	// PingInterval is the time from opening a session, or from a pong, to the
	// next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take before the session ends with "ping
	// timeout". Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long the move of a session to WebSocket may take.
	// Default 10 s.
	UpgradeTimeout time.Duration
	// WriteTimeout is how long one write of at most 32 KB may block. A client that takes
	// less in that time, 3 KB/s by default, is disconnected. Default 10 s.
	WriteTimeout time.Duration
	// MaxPayload is, in bytes, the largest message that is accepted over WebSocket, the
	// largest body of a POST, and the largest answer to a GET unless it is a single
	// packet. At most 256 MiB. Default 1,000,000.
	MaxPayload int
	// MaxHeaderBytes is the largest head of a request that is served, in bytes. Its
	// target and its fields are counted as in HTTP/2, each field with its name, its
	// value and 32 bytes more; each parameter of the query counts 32 bytes more, too.
	// A larger one is answered with 431, and the log says so, once. What is kept of a
	// handshake for the life of the session is a copy of the head, and takes up to three
	// times as much. http.Server.MaxHeaderBytes, a megabyte by default, is still needed:
	// it bounds what is read in the first place. Default 16 KiB, as in Node.
	MaxHeaderBytes int
	// MaxPacketRate is how many packets a second are handled of one session; those of
	// five seconds may come at once. A session that sends more is not read for a while,
	// but not closed. The rate is ten for packets that cost the client next to nothing,
	// cause the server work, and are held back by nothing else: pings of WebSocket, and
	// what [Session.CountCheap] counts, such as the CONNECTs of Socket.IO. Default
	// 50,000, which takes a tenth of a core while handlers do nothing. Negative means no
	// limit.
	MaxPacketRate int
	// Transports are the transports that are served. Default polling and websocket.
	Transports []string
	// DisableUpgrades makes the server offer no upgrade to sessions that begin on
	// polling. As with the reference server, an upgrade that a client makes all the same
	// is accepted.
	DisableUpgrades bool
	// LenientHeartbeat makes any bytes that arrive count as an answer to a ping, for
	// clients that send no pong. Without it, a packet other than a pong postpones the
	// ping timeout once for each ping, as in the reference server, and a large message
	// postpones it for as long as its bytes move, in either direction.
	LenientHeartbeat bool
	// AllowEIO3 makes the server accept clients of revision 3 of the protocol, too:
	// those of before 2021, which send the pings. A client that does not say EIO=4 is
	// taken for one, and if it is of a foreign origin it is refused over polling, too.
	AllowEIO3 bool
	// CORS opens the server to pages of other origins. Default: WebSocket from the same
	// origin only, and polling without CORS headers.
	CORS *CORS
	// Hosts are the names by which the server is reached from outside, such as
	// "example.com", "example.com:8443" or "*.example.com". They are for a server behind
	// a proxy that does not pass on the Host header: pages of these hosts are of the same
	// origin, whatever the Host of the request is. Default: the Host of the request.
	Hosts []string
	// Cookie, if set, is sent with the answer to a handshake over polling. Its value is
	// the session's id. Name defaults to "io", Path to "/", SameSite to Lax. It is always
	// HttpOnly. It is Secure over TLS, which may end at a proxy that says so in
	// X-Forwarded-Proto. Default: none.
	Cookie *http.Cookie
	// HTTPCompressionThreshold is the size in bytes from which on the answer to a GET is
	// compressed, for a client that accepts gzip. A megabyte takes a few milliseconds of
	// a core. The length of an answer that holds a secret beside what others have chosen
	// tells about the secret. Default 1024. Negative means never.
	HTTPCompressionThreshold int
	// Compression compresses the messages of WebSockets whose clients offer it.
	// Default: none.
	Compression *Deflate
	// QueueBytes bounds what waits to be sent to one session, in bytes of WebSocket
	// frames that are not compressed. While nothing waits, a single message of any size
	// is accepted. While the client takes something within each WriteTimeout, [Grace]
	// times as much may wait: then the sender is too fast, not the client too slow.
	// Default 4 MiB.
	QueueBytes int
	// QueuePackets bounds what waits to be sent to one session in packets, with the same
	// grace. Default 16,384.
	QueuePackets int
	// TotalBytes bounds, in bytes, what waits to be sent to all sessions together, and,
	// counted apart, what is held of large messages that have come, until these are
	// complete and handled. If there is more, the sessions that hold most for longest
	// are ended. Sessions that keep up are not counted, nor are small messages, and what
	// is sent to many is counted once. Default 256 MiB, which is 64 sessions with all
	// that QueueBytes allows.
	TotalBytes int
	// PollPackets is how many packets the answer to a GET has at most, unless it goes to
	// a browser, which is known by its Sec-Fetch-Mode header. A client on polling gets no
	// more in one round trip: 320 small ones a second where that takes 50 ms. The official
	// Python client breaks off if it gets more than 16, and can't be told from other
	// programs for sure; where it is not used, more is faster. Default 16.
	PollPackets int
	// HijackPolling takes the connections of polling clients over, as those of WebSockets
	// are, and reads their requests itself, which costs a third of what net/http does. What
	// stands in front of the server (authentication, logs, limits) then sees the handshake,
	// and the first requests of a connection, not each poll. Headers that it sets for
	// browsers, such as those of CORS, stay as they were with the first request of the same
	// kind; others are dropped. A request about which there is any doubt, or that is not for
	// a session here, goes back to the [http.Server] with its connection: it then comes
	// again through its BaseContext, ConnContext and ConnState as a new one, of another type
	// than what its listener gave it. Its timeouts do not hold while a poll waits, but for
	// IdleTimeout; its Shutdown ends connections between two requests, its Close does not. Only HTTP/1.1 without TLS is taken over, on Linux; the rest is
	// served by net/http as it is without. Default: off.
	HijackPolling bool
	// KeepSlow makes Send drop what does not fit into a session's queue, and return
	// ErrQueueFull, where by default the session is closed as well. There is no grace
	// then beyond QueueBytes and QueuePackets.
	KeepSlow bool
	// Peers are the other servers of a cluster, to which requests of their sessions are
	// relayed. Default: none, and a session that is not here is unknown.
	Peers Peers
	// Observers are told what happens to sessions; with one, traffic is counted, too.
	// Default: none, which costs nothing.
	Observers []*Observer
	// Logger logs the lifecycle of sessions at level info, and packets at level debug,
	// never their content. Default: none.
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
	out.Observers = slices.DeleteFunc(slices.Clone(out.Observers), func(o *Observer) bool { return o == nil })
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
