package sio

import (
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/recovery"
)

// The names of the transports, for Options.Transports.
const (
	TransportPolling   = engineio.TransportPolling
	TransportWebSocket = engineio.TransportWebSocket
)

// Options configure a [Server]. The zero value of each field stands for its
// default, which is that of the reference server where that has one. [New]
// panics on values that make no sense.
type Options struct {
	// Path is the path that ServeHTTP answers at and below. Handlers made by the
	// framework adapters leave the path to the router. Default "/socket.io".
	Path string

	// PingInterval is the time from a pong to the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout bounds the move from polling to WebSocket. Default 10 s.
	UpgradeTimeout time.Duration
	// ConnectTimeout is how long a connection may be in no namespace before it
	// is closed. Default 45 s.
	ConnectTimeout time.Duration
	// WriteTimeout is how long a client may take to receive 32 KB before it is
	// disconnected. Default 10 s.
	WriteTimeout time.Duration

	// MaxPayload is the largest message or POST that a client may send, in
	// bytes. Default 1,000,000.
	MaxPayload int
	// MaxHeaderBytes bounds the target and the fields of a request, and so what is
	// kept of a handshake, which takes up to three times as much. Each field and
	// each parameter of the query counts with 32 bytes more. A larger request is
	// answered with 431. It bounds what is served: set http.Server.MaxHeaderBytes
	// to bound what is read. Default 16 KiB.
	MaxHeaderBytes int
	// MaxPacketRate is how many packets a second are handled of one client, which
	// may send five seconds' worth at once. A client that sends more is not
	// closed, but not read for a while. Of packets that cost a client next to
	// nothing and the server more, WebSocket pings and CONNECTs, the limit is ten
	// a second. Default 50,000, which takes a tenth of a core if handlers do
	// nothing. Negative: no limit.
	MaxPacketRate int
	// MaxAttachments is how many binary attachments one packet may have, in
	// both directions. The official clients accept no more than the default.
	// Default 10.
	MaxAttachments int
	// EventQueue is how many events of one connection may wait for their
	// handlers. When so many wait, the connection is not read until there is room
	// again. A handler that waits for an ack of its client gets it only if fewer
	// events come before it. Default 128.
	EventQueue int
	// QueueBytes and QueuePackets bound what waits to be sent to one client.
	// While the client keeps taking what it is sent, eight times as much may
	// wait, so that a handler can emit faster than the network carries. Default
	// 4 MiB and 16,384.
	QueueBytes   int
	QueuePackets int
	// TotalBytes bounds what waits to be sent to all clients together, and,
	// counted separately, what is held of large messages from them. Beyond it, the
	// clients that have held the most for the longest are closed. Default 256 MiB.
	TotalBytes int
	// PollPackets is how many packets the answer to one poll may have, unless it
	// goes to a browser, whose answers have any number. The official Python client
	// accepts no more than the default. Where no such client connects, more makes
	// programs that stay on polling faster: they get that many per round trip.
	// Default 16.
	PollPackets int
	// HijackPolling has the requests of polling clients read by the server itself,
	// which costs a third of what net/http does. Middlewares in front of the server
	// then see the handshake and the first requests of a connection, but not each
	// poll: what they check, log or limit for each request no longer is. Headers
	// that they set for browsers, such as those of CORS, stay. It is for HTTP/1.1
	// without TLS, on Linux, and changes nothing elsewhere; http.Server.ConnState
	// is told that the connection was hijacked, and, as BaseContext and ConnContext
	// are, of the same as a new one, of another type, when a request comes that is
	// for somebody else. Default: off.
	HijackPolling bool
	// KeepSlow keeps a client whose queue is full: Emit fails with [ErrQueueFull]
	// at QueueBytes and QueuePackets, and no more than these ever waits. By
	// default such a client is closed with the reason "slow consumer".
	KeepSlow bool

	// MaxRooms is how many rooms one client may be in, in one namespace. Beyond
	// it, Join fails with [ErrTooManyRooms]. A room with nobody else in it costs
	// some 150 bytes and its name. Default 1,000.
	MaxRooms int
	// MaxDynamicNamespaces is how many namespaces of patterns and functions may
	// exist at a time, and MaxClientNamespaces how many of them one client may be
	// in. Beyond these, clients are refused with "too many namespaces". When
	// MaxDynamicNamespaces is reached, though, the address whose clients have made
	// most of them (of IPv6, the network of 64 bits) loses one to an address that
	// would still have fewer. Behind a proxy all clients have the same address,
	// unless a middleware in front of the server sets RemoteAddr. Default 10,000
	// and 32.
	MaxDynamicNamespaces int
	MaxClientNamespaces  int
	// Compression turns on per-message deflate for WebSockets, as
	// perMessageDeflate does in the reference server. Default nil: none.
	Compression *Compression

	// Transports lists the transports that are served. Default polling and
	// websocket.
	Transports []string
	// DisableUpgrades offers no upgrade to clients that began on polling.
	DisableUpgrades bool
	// LenientHeartbeat counts any bytes that arrive as a sign of life, every time,
	// for clients that answer no pings. The bytes of a large message count without
	// it, too.
	LenientHeartbeat bool
	// AllowEIO3 serves clients of Engine.IO 3, too, such as version 2 of the
	// JavaScript client: all that do not say EIO=4. Their connect handler of "/"
	// runs at once, without a payload to bind; in other namespaces the payload is
	// the query of the namespace. A foreign origin is refused to them over polling
	// as well, even without CORS. The ids of their sockets are made of the
	// session's id, which is a secret: do not tell a client the id of another.
	AllowEIO3 bool
	// CORS opens the server to pages of other origins. Default nil: WebSocket for
	// the same origin only, and no CORS headers.
	CORS *CORS
	// Hosts lists the names by which the server is reached from outside, such as
	// "example.com", "example.com:8443" or "*.example.com". It is for a server
	// behind a proxy that does not pass on the Host header: pages from these hosts
	// have the same origin as the server, whatever the Host of the request.
	// Default: the Host of the request decides.
	Hosts []string
	// Cookie, if set, is the template of a cookie that carries the session's id
	// and is sent with the polling handshake. Its name defaults to "io". It is
	// always HttpOnly, and Secure over TLS, also where a proxy says so in
	// X-Forwarded-Proto.
	Cookie *http.Cookie
	// HTTPCompressionThreshold is the size in bytes from which the answer to a poll
	// is compressed, for clients that accept gzip, unless a middleware in front of
	// the server compresses. Where an answer holds a secret beside something that
	// others chose, its compressed length tells about the secret. Default 1024.
	// Negative: never.
	HTTPCompressionThreshold int
	// ClientFiles, if set, has the files of the JavaScript client: the folder dist
	// of npm's socket.io-client, as os.DirFS("node_modules/socket.io-client/dist")
	// or a part of an embed.FS. Its bundles, such as socket.io.min.js, and their
	// source maps are served below the server's path, and no other file. Each is
	// read when it is first asked for, and kept. If there is none of them, New logs
	// a warning.
	ClientFiles fs.FS
	// ForgetRequest keeps nothing of the request that opened a connection:
	// Context.Request returns nil, and values of a framework's context are gone
	// unless a capture function returns them. It saves some 5 KB per connection.
	ForgetRequest bool

	// Parser is the format of packets, which must be that of the clients, such
	// as that of package socketio/parser/msgpack. Default: the protocol's text format.
	Parser parser.Parser
	// Codec encodes and decodes arguments. Default [parser.JSON].
	Codec parser.Codec
	// Validator checks what typed handlers get, by rules in the tags of its types: one
	// of package siovalidate does. Default none.
	Validator Validator
	// Cluster makes several servers one: what goes to rooms reaches clients of all of
	// them, and clients need no sticky sessions. It is a *cluster.Cluster, from a package
	// such as cluster/redis or cluster/nats. Default: this server is alone.
	Cluster Cluster
	// Broker makes the broker of each namespace, which carries what goes to its sockets.
	// It is for brokers of your own, and can't be combined with Cluster. Default: in the
	// memory of this process.
	Broker func(*socketio.Local) socketio.Broker
	// Recovery lets clients whose connection broke come back as the sockets
	// that they were. Default nil: they get new ones.
	Recovery *Recovery
	// Observers are told what the server does, for metrics and the like; with one, traffic
	// is counted, too. Default: none, which costs nothing.
	Observers []*Observer
	// Ready, if set, is asked by [Server.Ready] as long as the server itself is ready:
	// an error has load balancers send new clients elsewhere, and its text is what they
	// are told. It must return at once. A cluster's is its method Ready, which fails
	// while the engine is away: where that is away for all servers, though, there is
	// nobody left. Default: nothing else is asked.
	Ready func() error
	// Logger gets sessions and sockets that come and go at level info, and those that the
	// application refuses; packets at debug; clients that the server refuses, or that break
	// the protocol, at warn; failing handlers at error; but no payloads or credentials. Of
	// what clients can cause at will, 20 lines of a kind are written in 10 s, half of them for
	// one address, and the others at debug; each handler that fails is a kind. The field
	// "addr" is the RemoteAddr of the request: behind a proxy that is the proxy's, unless a
	// middleware in front of the server sets it. See [SlogLogger] for log/slog.
	// Default: warnings and errors are written to standard error. A pointer to
	// zerolog.Nop() is silent.
	Logger *zerolog.Logger
}

// A Cluster is this server's part in a cluster: a [*cluster.Cluster].
//
// [*cluster.Cluster]: https://pkg.go.dev/github.com/siokit/sio/cluster#Cluster
type Cluster interface {
	// Broker returns the broker of a namespace.
	Broker(*socketio.Local) socketio.Broker
	// Peers are the other servers, to which requests of their clients are relayed.
	engineio.Peers
}

// CORS opens a server to pages of other origins. Its origins guard both
// transports: a browser enforces CORS for polling but not for WebSocket, so
// the server refuses by itself.
type CORS struct {
	// Origins lists the origins that are allowed, such as
	// "https://app.example.com". "https://*.example.com" allows every origin below
	// example.com, at any depth, but not "https://example.com" itself; whoever can
	// get such a name is let in. Case and a default port don't matter. Programs
	// have origins with other schemes, such as "capacitor://localhost".
	//
	// "*" allows every origin, and "null" every page that hides its own, but
	// neither allows a request that carries credentials (a cookie, an Authorization
	// header or a TLS client certificate): any page could then act in the name of
	// its visitor.
	Origins []string
	// OriginFunc, if set, allows further origins. It is called with the value
	// of the Origin header, from many goroutines.
	OriginFunc func(origin string) bool
	// Credentials allows polling requests with cookies. It can't be combined with
	// the origins "*" and "null".
	Credentials bool
	// AllowedHeaders lists the headers that a page may send, as preflight requests
	// are told. Default: those that they ask for.
	AllowedHeaders []string
	// ExposedHeaders lists the headers of answers that a page may read.
	ExposedHeaders []string
	// MaxAge is how long a browser may keep the answer to a preflight request.
	// Default: what the browser chooses.
	MaxAge time.Duration
}

// Compression turns on the compression of WebSocket messages, per-message
// deflate (RFC 7692), for clients that offer it, as browsers do.
//
// Each message is compressed by itself, both ways: no context outlives it, and
// an idle connection takes no more memory than without. A message for many
// clients is compressed once, by the goroutine that emits it. Compressing a
// message takes 0.8 to 1.2 MB, depending on Level and the version of Go, and
// inflating one takes 75 KB besides the message: a pool has about one of each
// for every core.
//
// Options.MaxPayload bounds a message both as it arrives and as it is inflated,
// since 1 KB can become 1 MB. A message of 1 MB made for the purpose can cost
// most of a second of one core, and nearly a thousand times its size in
// short-lived garbage. It is inflated by a goroutine of its own connection,
// where it holds up nobody else.
//
// Over TLS, the size of a compressed message tells about its content. Send a
// message that holds a secret beside something that an attacker chose without
// compression: c.Compress(false).Emit(…).
type Compression struct {
	// Threshold is the size in bytes from which messages are compressed. Default
	// 1024, as in the reference server.
	Threshold int
	// Level goes from 1, fast, to 9, small. Default 1. Level 6 makes JSON smaller
	// by another sixth, in two to four times the time.
	Level int
}

// Recovery lets a client whose connection broke come back as the socket that it
// was, with its id, its rooms and the values that handlers have set, and sends it
// the events that it has missed. The zero value has the reference server's window.
// It costs some 300 bytes per client.
//
// Every event that is not volatile and wants no ack gets an offset as its last
// argument, and is kept. It is sent again only to clients that it was meant for
// when it was emitted. Emitting to a [Socket] that has left fails as it does
// without Recovery; what is addressed to the socket's id or its rooms waits for
// it. With Options.KeepSlow, an event that did not fit into a client's queue is
// not sent again if something later did.
//
// A client identifies itself by a secret, its pid. Whoever shows the pid of a
// client that is still connected gets a new socket; where the old connection has
// ended and the server has not noticed yet, it asks there first, and waits up to
// three seconds. Then the connect handler decides as always. The handler sees the
// client's id, rooms and values, and what it does to the socket takes effect when
// it accepts. Until then nothing of the client changes: it may still be connected,
// and after a refusal it goes on, or comes back, as before.
//
// A client that comes back does not wait for handlers that still run for its old
// connection, and values that these set later are lost. Should the connection
// break again after the missed events have been sent and before the CONNECT is
// answered, the official clients hear these events twice, since they keep what
// comes before the answer.
type Recovery struct {
	// Window is how long a client may be away. Default 2 minutes.
	Window time.Duration

	// The following are for a server alone, or in a cluster without a journal. With one,
	// events and records are the journal's, and its limits bound them.

	// MaxBytes bounds the events that are kept for the clients of one namespace.
	// For all dynamic namespaces together the bound is sixteen times as much, which
	// can be exceeded for a moment. A client that has missed an event that is gone
	// starts anew. A client that comes back looks through all events but those for
	// one other client or room, one client at a time, which holds up emits to the
	// namespace for half a millisecond. Default 2 MiB, half of what may wait to be
	// sent to a client.
	MaxBytes int
	// MaxSessions bounds the clients of one namespace that are away. Beyond it, the
	// one that left first of the address that most of them come from (of IPv6, the
	// network of 64 bits) has to start anew. Default 10,000.
	MaxSessions int
	// Store makes the store of a namespace, which keeps the events and the clients
	// that are away, within these bounds. For a dynamic namespace it is called under
	// a lock: it must neither block nor emit. Default: a [recovery.MemoryStore].
	Store func(namespace string) recovery.Store
}

func (o *Options) path() string {
	if o.Path == "" {
		return "/socket.io"
	}
	return strings.TrimSuffix(o.Path, "/")
}

// lower returns the options of the layers below.
func (o *Options) lower() *socketio.Options {
	broker := o.Broker
	if o.Cluster != nil {
		broker = o.Cluster.Broker
	}
	return &socketio.Options{
		Engine: engineio.Options{
			PingInterval:     o.PingInterval,
			PingTimeout:      o.PingTimeout,
			UpgradeTimeout:   o.UpgradeTimeout,
			WriteTimeout:     o.WriteTimeout,
			MaxPayload:       o.MaxPayload,
			MaxPacketRate:    o.MaxPacketRate,
			MaxHeaderBytes:   o.MaxHeaderBytes,
			Compression:      (*engineio.Deflate)(o.Compression),
			Transports:       o.Transports,
			DisableUpgrades:  o.DisableUpgrades,
			LenientHeartbeat: o.LenientHeartbeat,
			AllowEIO3:        o.AllowEIO3,
			CORS:             (*engineio.CORS)(o.CORS),
			Hosts:            o.Hosts,
			Cookie:           o.Cookie,
			QueueBytes:       o.QueueBytes,
			QueuePackets:     o.QueuePackets,
			TotalBytes:       o.TotalBytes,
			PollPackets:      o.PollPackets,
			HijackPolling:    o.HijackPolling,
			KeepSlow:         o.KeepSlow,
			Peers:            o.Cluster,
			Logger:           o.Logger,

			HTTPCompressionThreshold: o.HTTPCompressionThreshold,
		},
		ConnectTimeout: o.ConnectTimeout,
		MaxAttachments: o.MaxAttachments,
		EventQueue:     o.EventQueue,
		Parser:         o.Parser,
		Codec:          o.Codec,
		Broker:         broker,
		Recovery:       (*socketio.Recovery)(o.Recovery),
		SessionClosed:  sessionClosed,
		Logger:         o.Logger,

		MaxRooms:             o.MaxRooms,
		MaxDynamicNamespaces: o.MaxDynamicNamespaces,
		MaxClientNamespaces:  o.MaxClientNamespaces,
	}
}
