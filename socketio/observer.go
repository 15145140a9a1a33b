package socketio

import (
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/growing"
)

// An Observer is told what happens to the sockets of a server, and to its sessions: see
// [Options.Observers]. Fields that are nil are passed over. What happens for each packet is
// only counted, and is in [Server.Stats].
//
// The functions are called as those of [engineio.Observer] are, and must do as little.
type Observer struct {
	engineio.Observer
	// SocketConnected is called with each socket that is accepted, before its client is told:
	// [Socket.Connected] is still false. SocketDisconnected is called once for each of these,
	// between Disconnecting and Disconnect of the [Handler].
	SocketConnected    func(s *Socket)
	SocketDisconnected func(s *Socket, reason Reason)
	// NamespaceRefused is called when a client asks for a namespace that there is not. The
	// client has chosen the name.
	NamespaceRefused func(s *engineio.Session, name string)
	// RecoveryEnded is called once for each socket whose client says that it has been there.
	RecoveryEnded func(s *Socket, result RecoveryResult)
}

// Observe adds an observer, as Options.Observers does. It is to be called before the server
// serves anything, though other servers of a cluster may have it do something already.
func (s *Server) Observe(o *Observer) {
	s.engine.Observe(&o.Observer)
	s.watch.Add(o)
	for _, n := range s.registered() {
		n.traffic.CompareAndSwap(nil, new(traffic))
	}
}

// observers are told one after the other.
type observers struct{ growing.List[*Observer] }

// below returns what the engine is to tell.
func below(all []*Observer) (below []*engineio.Observer) {
	for _, o := range all {
		below = append(below, &o.Observer)
	}
	return below
}

func (all *observers) connected(s *Socket) {
	for _, o := range all.All() {
		if o.SocketConnected != nil {
			o.SocketConnected(s)
		}
	}
}

func (all *observers) disconnected(s *Socket, reason Reason) {
	for _, o := range all.All() {
		if o.SocketDisconnected != nil {
			o.SocketDisconnected(s, reason)
		}
	}
}

func (all *observers) refused(s *engineio.Session, nsp string) {
	for _, o := range all.All() {
		if o.NamespaceRefused != nil {
			o.NamespaceRefused(s, nsp)
		}
	}
}

func (all *observers) recovered(s *Socket, result RecoveryResult) {
	for _, o := range all.All() {
		if o.RecoveryEnded != nil {
			o.RecoveryEnded(s, result)
		}
	}
}

func (all *observers) limited(s *engineio.Session, limit engineio.Limit) {
	for _, o := range all.All() {
		if o.LimitReached != nil {
			o.LimitReached(s, limit)
		}
	}
}
