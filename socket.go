package sio

import (
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// The types of packages below that handlers meet. They are aliases, since they
// hand out each other: go doc shows nothing of these but the comment, which names
// all that they have.

// A Socket is one client in one namespace. Unlike a [Context] it is not about one
// event: it is the handle to keep, and to use from other goroutines. Many of its
// methods are also those of Context. The connection it is on is its Session.
//
//   - who it is: [socketio.Socket.ID], [socketio.Socket.LogID],
//     [socketio.Socket.Namespace], [socketio.Socket.Session], [socketio.Socket.Handshake]
//   - whether it is connected, and why not: [socketio.Socket.Connected],
//     [socketio.Socket.Context], [socketio.Socket.Reason], [socketio.Socket.Cause],
//     [socketio.Socket.Recovered]
//   - what is stored with it: [socketio.Socket.Value], [socketio.Socket.SetValue],
//     [socketio.Socket.Values], [socketio.Socket.Own], [socketio.Socket.Owned]
//   - answers to the client, and its CONNECT payload: [socketio.Socket.Ack],
//     [socketio.Socket.BindAuth]
//   - events to the client: [socketio.Socket.Emit], [socketio.Socket.EmitContext],
//     [socketio.Socket.EmitWithAck]; how many it has not answered:
//     [socketio.Socket.PendingAcks]
//   - modifiers for these, as an [Emission]: [socketio.Socket.Volatile],
//     [socketio.Socket.Compress], [socketio.Socket.Timeout]
//   - the rooms it is in: [socketio.Socket.Join], [socketio.Socket.Leave],
//     [socketio.Socket.Rooms]
//   - all others, as a [Target]: [socketio.Socket.To], [socketio.Socket.In],
//     [socketio.Socket.Except], [socketio.Socket.Broadcast], [socketio.Socket.Local]
//   - its end: [socketio.Socket.Disconnect], [socketio.Socket.ExpireAt]
type Socket = socketio.Socket

// An Emission is a client with modifiers for what is emitted to it. It is
// immutable.
//
//   - further modifiers: [socketio.Emission.Volatile], [socketio.Emission.Compress],
//     [socketio.Emission.Timeout]
//   - events to the client: [socketio.Emission.Emit], [socketio.Emission.EmitContext],
//     [socketio.Emission.EmitWithAck]
//   - all others with the same modifiers, as a [Target]: [socketio.Emission.To],
//     [socketio.Emission.In], [socketio.Emission.Except], [socketio.Emission.Broadcast],
//     [socketio.Emission.Local]
type Emission = socketio.Emission

// A Target is a set of sockets, addressed by rooms. It is immutable: methods that
// change the set, or how it is reached, return another Target.
//
//   - which sockets: [socketio.Target.To], [socketio.Target.In], [socketio.Target.Except],
//     [socketio.Target.Local]
//   - how events are sent: [socketio.Target.Volatile], [socketio.Target.Compress],
//     [socketio.Target.Timeout]
//   - events to all of them: [socketio.Target.Emit], [socketio.Target.EmitWithAck]
//   - who they are: [socketio.Target.Sockets], [socketio.Target.LocalSockets],
//     [socketio.Target.Count]
//   - what is done to all of them: [socketio.Target.Join], [socketio.Target.Leave],
//     [socketio.Target.Disconnect]
type Target = socketio.Target

// A RemoteSocket describes a socket, wherever in a cluster it lives, and acts
// upon it.
//
//   - what was known of it when it was asked for: [socketio.RemoteSocket.ID],
//     [socketio.RemoteSocket.Rooms], [socketio.RemoteSocket.Data],
//     [socketio.RemoteSocket.Handshake]
//   - events to the client: [socketio.RemoteSocket.Emit],
//     [socketio.RemoteSocket.EmitWithAck]
//   - modifiers for these: [socketio.RemoteSocket.Volatile],
//     [socketio.RemoteSocket.Compress], [socketio.RemoteSocket.Timeout]
//   - what is done to it: [socketio.RemoteSocket.Join], [socketio.RemoteSocket.Leave],
//     [socketio.RemoteSocket.Disconnect]
//   - others, and the socket itself, as a [Target]: [socketio.RemoteSocket.To],
//     [socketio.RemoteSocket.Broadcast], [socketio.RemoteSocket.Target]
type RemoteSocket = socketio.RemoteSocket

// A Handshake is what is known of the request that opened a connection.
//
//   - when and from where it came: [socketio.Handshake.Issued],
//     [socketio.Handshake.Address]
//   - over TLS, from another origin: [socketio.Handshake.Secure],
//     [socketio.Handshake.CrossDomain]
//   - the request itself, unless [Options].ForgetRequest is set: [socketio.Handshake.URL],
//     [socketio.Handshake.Query], [socketio.Handshake.Headers]
type Handshake = socketio.Handshake

// An Answer is what one of the clients, or servers, that were asked has answered.
//
//   - the id of its socket: [socketio.Answer.ID]
//   - what it has answered: [socketio.Answer.Args]
//   - why it has not: [socketio.Answer.Err]
type Answer = socketio.Answer

// Args are the arguments of an event, or of an ack. They are decoded only when
// they are bound.
//
//   - decoded, and why they can't be: [parser.Args.Bind], [parser.Args.Misfit]
//   - how many they are: [parser.Args.Len]
//   - one as JSON, and what is binary in it: [parser.Args.Raw], [parser.Args.Attachments]
type Args = parser.Args

// A Reason says why a client left, in the words of the reference server. It is an
// error, and the cause of the client's context. Packages socketio and engineio have
// the reasons as constants, such as [socketio.ReasonServerDisconnect].
type Reason = socketio.Reason
