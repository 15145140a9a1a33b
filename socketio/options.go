package socketio

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/parser"
)

// Options configure a Server. The zero value has the reference server's
// defaults.
type Options struct {
	// Engine configures the transports.
	Engine engineio.Options
	// ConnectTimeout is how long a connection may be in no namespace, before
	// the first CONNECT or after the last has been left. Default 45 s.
	ConnectTimeout time.Duration
	// MaxAttachments bounds the binary attachments of one packet, in both
	// directions. Default 10, which is what the official clients accept. It does
	// not apply to a Parser, which has limits of its own.
	MaxAttachments int
	// EventQueue bounds what waits for the handlers of one connection: events, and
	// sockets that come and go. At the bound, or when what waits holds twice
	// MaxPayload, the connection is not read. Default 128.
	EventQueue int
	// MaxRooms is how many rooms one socket may be in; [Socket.Join] fails beyond.
	// A room that nobody else is in costs some 150 bytes and its name. Default
	// 1,000.
	MaxRooms int
	// MaxDynamicNamespaces is how many dynamic namespaces may exist at a time,
	// and MaxClientNamespaces how many of them one client may be in. Beyond these,
	// clients are refused. But if another address has more dynamic namespaces than
	// the client's would have then, one of those of the address that has most is
	// ended instead. Default 10,000 and 32.
	MaxDynamicNamespaces int
	MaxClientNamespaces  int
	// Parser is the format of packets, which must be that of the clients.
	// Default: the text format of the protocol.
	Parser parser.Parser
	// Codec encodes and decodes arguments. Default [parser.JSON].
	Codec parser.Codec
	// Broker makes the broker of a namespace, which carries what is addressed
	// to rooms. Default: the Local one itself, in the memory of this process.
	Broker func(*Local) Broker
	// Recovery, if set, lets clients come back as the sockets that they were.
	Recovery *Recovery
	// SessionClosed, if set, is called when a connection and the contexts of its
	// sockets have ended. It must not block.
	SessionClosed func(*engineio.Session, Reason)
	// Observers are told what happens to sockets and sessions; with one, traffic is counted,
	// too. Default: none, which costs nothing.
	Observers []*Observer
	// Logger gets a line for each socket that comes or leaves at level info, and for
	// each packet at debug, never with its content. Default: Engine.Logger.
	Logger *zerolog.Logger
}

// maxMaxAttachments is far above what any client sends, and leaves room to
// count in.
const maxMaxAttachments = 1 << 16

func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	var errs []error
	if out.ConnectTimeout < 0 {
		errs = append(errs, fmt.Errorf("ConnectTimeout is negative (%v)", out.ConnectTimeout))
	}
	if out.MaxAttachments < 0 {
		errs = append(errs, fmt.Errorf("MaxAttachments is negative (%d)", out.MaxAttachments))
	}
	if out.MaxAttachments > maxMaxAttachments {
		errs = append(errs, fmt.Errorf("MaxAttachments is over %d (%d)", maxMaxAttachments, out.MaxAttachments))
	}
	if out.Parser != nil && out.Engine.AllowEIO3 {
		errs = append(errs, errors.New("Parser does not go with Engine.AllowEIO3, whose clients speak the text format"))
	}
	if out.EventQueue < 0 {
		errs = append(errs, fmt.Errorf("EventQueue is negative (%d)", out.EventQueue))
	}
	if out.MaxRooms < 0 {
		errs = append(errs, fmt.Errorf("MaxRooms is negative (%d)", out.MaxRooms))
	}
	if out.MaxDynamicNamespaces < 0 {
		errs = append(errs, fmt.Errorf("MaxDynamicNamespaces is negative (%d)", out.MaxDynamicNamespaces))
	}
	if out.MaxClientNamespaces < 0 {
		errs = append(errs, fmt.Errorf("MaxClientNamespaces is negative (%d)", out.MaxClientNamespaces))
	}
	if out.MaxRooms == 0 {
		out.MaxRooms = 1000
	}
	if out.MaxDynamicNamespaces == 0 {
		out.MaxDynamicNamespaces = 10_000
	}
	if out.MaxClientNamespaces == 0 {
		out.MaxClientNamespaces = 32
	}
	recovery, err := out.Recovery.withDefaults()
	if err != nil {
		errs = append(errs, err)
	}
	out.Recovery = recovery
	if out.ConnectTimeout == 0 {
		out.ConnectTimeout = 45 * time.Second
	}
	if out.MaxAttachments == 0 {
		out.MaxAttachments = parser.DefaultMaxAttachments
	}
	if out.EventQueue == 0 {
		out.EventQueue = 128
	}
	out.Observers = slices.DeleteFunc(slices.Clone(out.Observers), func(o *Observer) bool { return o == nil })
	out.Engine.Observers = append(slices.Clip(out.Engine.Observers), below(out.Observers)...)
	if out.Codec == nil {
		out.Codec = parser.JSON{}
	}
	if out.Broker == nil {
		out.Broker = func(l *Local) Broker { return l }
	}
	if out.Logger == nil {
		out.Logger = out.Engine.Logger
	}
	if out.Logger == nil {
		nop := zerolog.Nop()
		out.Logger = &nop
	}
	if out.Engine.Logger == nil {
		out.Engine.Logger = out.Logger
	}
	return out, errors.Join(errs...)
}
