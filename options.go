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
)

// CORS opens a server to pages of other origins, over both transports.
type CORS = engineio.CORS

// Compression compresses the messages of WebSockets whose clients offer it.
type Compression = engineio.Deflate

// Recovery lets clients come back as the sockets that they were.
type Recovery = socketio.Recovery

// The names of the transports, for Options.Transports.
const (
	TransportPolling   = engineio.TransportPolling
	TransportWebSocket = engineio.TransportWebSocket
)

// Options configure a Server. The zero value of each field is its default,
// which is the reference server's where that has one. [New] panics on values
// that make no sense.
type Options struct {
	// Path that ServeHTTP answers at and below. The handlers of the framework
	// adapters leave the path to the router. Default "/socket.io".
	Path string

	// PingInterval is the time from a pong to the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout bounds the move from polling to WebSocket. Default 10 s.
	UpgradeTimeout time.Duration
	// ConnectTimeout is how long a connection may be in no namespace. Default
	// 45 s.
	ConnectTimeout time.Duration
	// WriteTimeout is how long a client may take for 32 KB of what it is sent before
	// it is given up. Default 10 s.
	WriteTimeout time.Duration

	// MaxPayload is the largest message or POST that a client may send, in
	// bytes. Default 1,000,000.
	MaxPayload int
	// MaxHeaderBytes bounds the target and the fields of a request, and so what is
	// kept of a handshake, which takes up to three times as much: each field and each
	// parameter of the query counts with 32 bytes more. Beyond, the answer is 431.
	// Set http.Server.MaxHeaderBytes, too: that bounds what is read. Default 16 KiB.
	MaxHeaderBytes int
	// MaxPacketRate is how many packets a second of one client are handled; those of
	// five seconds may come at once. A client that sends more is not read for a
	// while, and not closed. Of what costs it next to nothing, and causes more, it is
	// ten: pings of WebSocket, CONNECTs. Default 50,000, of which handlers that do
	// nothing take a tenth of a core; negative: any number.
	MaxPacketRate int
	// MaxAttachments is how many binary attachments one packet may have, in
	// both directions; the official clients accept no more than the default.
	// Default 10.
	MaxAttachments int
	// EventQueue is how many events of one connection may wait for their
	// handlers before it is not read any more. A handler that waits for an ack
	// of its client needs the answer to come before that. Default 128.
	EventQueue int
	// QueueBytes and QueuePackets bound what waits to be sent to one client. Eight
	// times as much may while it takes what it is sent, however much quicker a
	// handler emits. Default 4 MiB and 16,384.
	QueueBytes   int
	QueuePackets int
	// TotalBytes bounds what waits to be sent to all clients together, and by itself
	// what is held of large messages from them. Beyond, those are closed that hold most
	// for longest. Default 256 MiB.
	TotalBytes int
	// PollPackets is how many packets the answer to a poll has at most, unless it goes
	// to a browser. The official Python client takes no more than the default; where
	// none comes, more makes programs that stay on polling faster: they get so many in a
	// round trip. Default 16.
	PollPackets int
	// KeepSlow lets Emit fail with [ErrQueueFull] at that bound, and not beyond, and
	// keeps the client. By default it is closed, with "slow consumer".
	KeepSlow bool

	// MaxRooms is how many rooms one client may be in, in one namespace: Join fails
	// beyond. A room that nobody else is in costs some 150 bytes and its name. Default
	// 1,000.
	MaxRooms int
	// MaxDynamicNamespaces is how many namespaces of patterns and functions may
	// exist at a time, and MaxClientNamespaces how many of them one client may be
	// in. Beyond, clients are refused with "too many namespaces"; but of all that may
	// exist, the address whose clients have made most of them (of IPv6, its network of
	// 64 bits) loses one to an address that would still have fewer. Behind a proxy all
	// are one address, unless a middleware before the server sets RemoteAddr. Default
	// 10,000 and 32.
	MaxDynamicNamespaces int
	MaxClientNamespaces  int
	// Compression turns on per-message deflate for WebSockets, as
	// perMessageDeflate does in the reference server. Default: none.
	Compression *Compression

	// Transports that are served. Default polling and websocket.
	Transports []string
	// DisableUpgrades offers clients that began on polling no upgrade.
	DisableUpgrades bool
	// LenientHeartbeat counts any bytes that arrive as a sign of life, every time: for
	// clients that answer no ping. A large message on its way is one without it.
	LenientHeartbeat bool
	// AllowEIO3 serves clients of version 2 of the JavaScript client too, and
	// others of Engine.IO 3: whoever does not say EIO=4. Their connect handler of "/" runs at once, without
	// a payload to bind; in other namespaces that is the query of the namespace.
	// A foreign origin is refused to them over polling, too, even without CORS.
	// They know their sockets by ids made of the session's id, which is a secret:
	// tell no client the id of another.
	AllowEIO3 bool
	// CORS opens the server to other origins. Default: WebSocket for the same
	// origin only, and no CORS headers.
	CORS *CORS
	// Hosts are what the server is reached by from outside, such as "example.com",
	// "example.com:8443" or "*.example.com", behind a proxy that does not pass on
	// the Host header: pages that come from there are of the same origin, whatever
	// the Host of the request is. Default: that one counts.
	Hosts []string
	// Cookie, if set, is the template of a cookie that carries the session's
	// id, sent with the polling handshake. Name defaults to "io". It is always
	// HttpOnly, and Secure over TLS, be it a proxy's that says so in
	// X-Forwarded-Proto.
	Cookie *http.Cookie
	// HTTPCompressionThreshold is from how many bytes on the answer to a poll is
	// compressed, for a client that takes gzip; unless a middleware before the
	// server compresses. Where an answer may hold a secret together with what
	// others have chosen, its length tells of the secret. Default 1024;
	// negative: never.
	HTTPCompressionThreshold int
	// ClientFiles, if set, is the folder dist of npm's socket.io-client:
	// os.DirFS("node_modules/socket.io-client/dist"), or a part of an
	// embed.FS. The bundles in it, such as socket.io.min.js, and their
	// source maps are served below the server's path, and nothing else. Each is
	// read when it is asked for first, and kept. If there is none of them, New
	// says so in the log.
	ClientFiles fs.FS
	// ForgetRequest keeps nothing of the handshake request: Context.Request is
	// nil, and a framework's context is gone unless captured by hand. It saves
	// some 5 KB for each connection.
	ForgetRequest bool

	// Parser is the format of packets, which must be that of the clients, such
	// as that of package socketio/parser/msgpack. Default: the protocol's text format.
	Parser parser.Parser
	// Codec encodes and decodes arguments. Default [parser.JSON].
	Codec parser.Codec
	// Broker makes the broker of each namespace. Default: in memory.
	Broker func(*socketio.Local) socketio.Broker
	// Recovery lets clients whose connection broke come back as the sockets
	// that they were. Default nil: they get new ones.
	Recovery *Recovery
	// Logger gets sessions and sockets that come and go at info, every packet
	// at debug, failing handlers at error; never a payload or a credential.
	// Default: warnings and errors go to standard error, of those that say the
	// same no more than 10 in 10 s. A pointer to zerolog.Nop() is silent.
	Logger *zerolog.Logger
}

func (o *Options) path() string {
	if o.Path == "" {
		return "/socket.io"
	}
	return strings.TrimSuffix(o.Path, "/")
}

// lower returns the options of the layers below.
func (o *Options) lower() *socketio.Options {
	return &socketio.Options{
		Engine: engineio.Options{
			PingInterval:     o.PingInterval,
			PingTimeout:      o.PingTimeout,
			UpgradeTimeout:   o.UpgradeTimeout,
			WriteTimeout:     o.WriteTimeout,
			MaxPayload:       o.MaxPayload,
			MaxPacketRate:    o.MaxPacketRate,
			MaxHeaderBytes:   o.MaxHeaderBytes,
			Compression:      o.Compression,
			Transports:       o.Transports,
			DisableUpgrades:  o.DisableUpgrades,
			LenientHeartbeat: o.LenientHeartbeat,
			AllowEIO3:        o.AllowEIO3,
			CORS:             o.CORS,
			Hosts:            o.Hosts,
			Cookie:           o.Cookie,
			QueueBytes:       o.QueueBytes,
			QueuePackets:     o.QueuePackets,
			TotalBytes:       o.TotalBytes,
			PollPackets:      o.PollPackets,
			KeepSlow:         o.KeepSlow,
			Logger:           o.Logger,

			HTTPCompressionThreshold: o.HTTPCompressionThreshold,
		},
		ConnectTimeout: o.ConnectTimeout,
		MaxAttachments: o.MaxAttachments,
		EventQueue:     o.EventQueue,
		Parser:         o.Parser,
		Codec:          o.Codec,
		Broker:         o.Broker,
		Recovery:       o.Recovery,
		SessionClosed:  sessionClosed,
		Logger:         o.Logger,

		MaxRooms:             o.MaxRooms,
		MaxDynamicNamespaces: o.MaxDynamicNamespaces,
		MaxClientNamespaces:  o.MaxClientNamespaces,
	}
}
