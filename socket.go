package sio

import (
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// The types of the layer below that handlers meet. "go doc socketio.Socket", or of
// the others, has their methods in full.
type (
	// A Socket is one client in one namespace: the handle to keep, and to use
	// from other goroutines. Its methods, of which many are [Context]'s too:
	//
	//	ID, LogID, Namespace, Session, Handshake     who it is
	//	Context, Connected, Reason, Cause, Recovered whether it is there
	//	Value, SetValue, Own, Owned, BindAuth        what it has
	//	Emit, EmitContext, EmitWithAck, Ack          to the client
	//	Volatile, Compress, Timeout                  how, as an Emission
	//	Join, Leave, Rooms                           the rooms that it is in
	//	To, In, Except, Broadcast, Local             others, as a Target
	//	Disconnect, ExpireAt                         its end
	Socket = socketio.Socket
	// A Target is a set of sockets, addressed by rooms. It is immutable. Its
	// methods:
	//
	//	To, In, Except                      another set
	//	Volatile, Compress, Timeout, Local  how it is reached
	//	Emit, EmitWithAck                   to all of it
	//	Sockets, LocalSockets, Count        who is in it
	//	Join, Leave, Disconnect             done to all of it
	Target = socketio.Target
	// Args are the arguments of an event, or of an ack: Len is how many, Bind
	// decodes them, Raw(i) is the JSON of one.
	Args = parser.Args
	// An Emission is a client with modifiers for what is emitted to it. Its
	// methods:
	//
	//	Volatile, Compress, Timeout          further modifiers
	//	Emit, EmitContext, EmitWithAck       to the client
	//	To, In, Except, Broadcast, Local     others, as a Target
	Emission = socketio.Emission
	// An Answer is what came of one client, or server, of those that were asked:
	// its ID, and Args or Err.
	Answer = socketio.Answer
	// A RemoteSocket describes a socket, wherever in a cluster it lives, and acts
	// upon it. Its fields and methods:
	//
	//	ID, Rooms, Data, Handshake           who it was when it was asked for
	//	Volatile, Compress, Timeout          modifiers
	//	Emit, EmitWithAck                    to the client
	//	Join, Leave, Disconnect              done to it
	//	To, Broadcast, Target                others, and itself, as a Target
	RemoteSocket = socketio.RemoteSocket
	// A Handshake is what is known of the request that opened a connection:
	// Issued, Address, Secure, CrossDomain, URL, Headers, and Query().
	Handshake = socketio.Handshake
	// Reason says why a client left, in the words of the reference server. It is
	// the cause of its context, and so an error.
	Reason = socketio.Reason
)
