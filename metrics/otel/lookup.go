package siootel

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/engineio"
)

// Attributes for the two directions, as a server sees them.
var (
	in  = semconv.NetworkIODirectionReceive
	out = semconv.NetworkIODirectionTransmit
)

// observeServer has what the server counts looked up when metrics are read.
func observeServer(meter metric.Meter, own attributes, stats func() (isReady bool, st sio.Stats)) {
	i := instruments{meter: meter}
	var (
		ready        = i.amount("sio.server.ready", "{server}", "1 if the server takes new connections, and 0 if not.")
		sessions     = i.amount("sio.server.active_sessions", "{session}", "Sessions that are open.")
		closing      = i.amount("sio.server.closing_sessions", "{session}", "Sessions that were closed, and are there until what is queued for them is sent.")
		paused       = i.amount("sio.server.paused_sessions", "{session}", "Sessions that are not read, because of MaxPacketRate or EventQueue.")
		slow         = i.amount("sio.server.slow_sessions", "{session}", "Sessions for which more than half of what QueueBytes or QueuePackets allow waits to be sent.")
		sendPackets  = i.amount("sio.server.send_queue.packets", "{packet}", "Packets that wait to be sent, counted for each session.")
		sendBytes    = i.amount("sio.server.send_queue.size", "By", "Packets that wait to be sent, counted for each session.")
		held         = i.amount("sio.server.memory.usage", "By", "What counts against TotalBytes: what waits to be sent, and what is held of large messages from clients.")
		waiting      = i.amount("sio.server.handler_queue.events", "{event}", "Events, and clients that come or go, that wait for a handler or have one that runs.")
		waitingBytes = i.amount("sio.server.handler_queue.size", "By", "Events that wait for a handler or have one that runs.")
		packets      = i.count("sio.server.packets", "{packet}", "Engine.IO packets.")
		io           = i.count("sio.server.io", "By", "WebSocket frames, and bodies of requests and answers.")
		dropped      = i.count("sio.server.dropped_packets", "{packet}", "Volatile packets that were not sent, since they would have had to wait.")
		namespaces   = i.amount("sio.server.active_namespaces", "{namespace}", "Namespaces that there are.")
		sockets      = i.amount("sio.server.active_sockets", "{socket}", "Clients that are in a namespace.")
		rooms        = i.amount("sio.server.active_rooms", "{room}", "Rooms that clients of this server are in.")
		away         = i.amount("sio.server.recovery.clients", "{client}", "Clients that are away and may come back, as far as this server keeps them.")
		kept         = i.amount("sio.server.recovery.size", "By", "Events that are kept for clients that are away.")
		acks         = i.count("sio.server.acks", "{ack}", "Answers to events.")
		consumed     = i.count("messaging.client.consumed.messages", "{message}", "Events from clients.")
		sent         = i.count("messaging.client.sent.messages", "{message}", "Events to clients, each counted for each client that it goes to.")
	)
	alone, received, transmitted := own.and(), own.and(in), own.and(out)
	i.onRead(func(o metric.Observer) {
		isReady, st := stats()
		o.ObserveInt64(ready, oneIf(isReady), alone)
		e := &st.Engine
		for name, t := range map[string]*engineio.TransportStats{sio.TransportPolling: &e.Polling, sio.TransportWebSocket: &e.WebSocket} {
			transport := transportKey.String(name)
			o.ObserveInt64(sessions, int64(t.Sessions), own.and(transport))
			from, to := own.and(transport, in), own.and(transport, out)
			o.ObserveInt64(packets, int64(t.In.Packets), from)
			o.ObserveInt64(packets, int64(t.Out.Packets), to)
			o.ObserveInt64(io, int64(t.In.Bytes), from)
			o.ObserveInt64(io, int64(t.Out.Bytes), to)
		}
		o.ObserveInt64(closing, int64(e.Closing), alone)
		o.ObserveInt64(paused, int64(e.Paused), alone)
		o.ObserveInt64(slow, int64(e.Slow), alone)
		o.ObserveInt64(sendPackets, int64(e.QueuedPackets), alone)
		o.ObserveInt64(sendBytes, int64(e.QueuedBytes), alone)
		o.ObserveInt64(held, int64(e.IncomingBytes), received)
		o.ObserveInt64(held, int64(e.OutgoingBytes), transmitted)
		o.ObserveInt64(dropped, int64(e.Dropped), alone)
		o.ObserveInt64(waiting, int64(st.Waiting), alone)
		o.ObserveInt64(waitingBytes, int64(st.WaitingBytes), alone)
		for _, n := range st.Namespaces {
			nsp := namespaceKey.String(n.Name)
			of := own.and(nsp)
			o.ObserveInt64(namespaces, int64(n.Namespaces), of)
			o.ObserveInt64(sockets, int64(n.Sockets), of)
			o.ObserveInt64(rooms, int64(n.Rooms), of)
			o.ObserveInt64(away, int64(n.Away), of)
			o.ObserveInt64(kept, int64(n.KeptBytes), of)
			o.ObserveInt64(acks, int64(n.In.Acks), own.and(nsp, in))
			o.ObserveInt64(acks, int64(n.Out.Acks), own.and(nsp, out))
			o.ObserveInt64(consumed, int64(n.In.Events), own.and(system, semconv.MessagingOperationName("process"), destination(n.Name)))
			o.ObserveInt64(sent, int64(n.Out.Events), own.and(system, semconv.MessagingOperationName("emit"), destination(n.Name)))
		}
	})
}

const lossKey = attribute.Key("sio.cluster.loss")

// observeCluster does the same for the server's part in a cluster.
func observeCluster(meter metric.Meter, own attributes, stats func() (others int, st cluster.Stats)) {
	i := instruments{meter: meter}
	var (
		available = i.amount("sio.cluster.available", "{server}", "1 if the engine of the cluster can be reached, and 0 if not.")
		members   = i.gauge("sio.cluster.members", "{server}", "Other servers of the cluster that are heard of.")
		lag       = i.gauge("sio.cluster.lag", "s", "How long it takes what this server tells all others to come back by the engine, or the engine to answer.")
		silence   = i.gauge("sio.cluster.silence", "s", "For how long nothing has been heard of the server that has been quiet for longest.")
		published = i.count("sio.cluster.published_messages", "{message}", "Messages for other servers, handed to the engine.")
		received  = i.count("sio.cluster.received_messages", "{message}", "Messages of other servers.")
		lost      = i.count("sio.cluster.lost_messages", "{message}", "Messages between servers that were lost, by why.")
		outages   = i.count("sio.cluster.outages", "{outage}", "How often the engine of the cluster went away.")
		relayed   = i.count("sio.cluster.relayed_requests", "{request}", "Requests of sessions of other servers that these have answered, and of sessions of this one that others have relayed.")
		unrelayed = i.count("sio.cluster.failed_requests", "{request}", "Requests of sessions of servers that could not be reached, or were gone before they had answered.")
	)
	alone := own.and()
	i.onRead(func(o metric.Observer) {
		others, st := stats()
		o.ObserveInt64(available, oneIf(!st.Away), alone)
		o.ObserveFloat64(members, float64(others), alone)
		o.ObserveFloat64(lag, st.Lag.Seconds(), alone)
		o.ObserveFloat64(silence, st.Silence.Seconds(), alone)
		o.ObserveInt64(published, int64(st.Published), alone)
		o.ObserveInt64(received, int64(st.Received), alone)
		for why, n := range map[string]uint64{"malformed": st.Malformed, "overload": st.Overload, "missed": st.Missed, "sent": st.Lost} {
			o.ObserveInt64(lost, int64(n), own.and(lossKey.String(why)))
		}
		o.ObserveInt64(outages, int64(st.Outages), alone)
		o.ObserveInt64(relayed, int64(st.Relayed), own.and(out))
		o.ObserveInt64(relayed, int64(st.Answered), own.and(in))
		o.ObserveInt64(unrelayed, int64(st.Unrelayed), alone)
	})
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
