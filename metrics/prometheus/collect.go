package sioprometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/engineio"
)

// What is looked up at each scrape.

var serverDescs, clusterDescs []*prometheus.Desc

func serverDesc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	serverDescs = append(serverDescs, d)
	return d
}

func clusterDesc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	clusterDescs = append(clusterDescs, d)
	return d
}

var (
	ready           = serverDesc("sio_ready", "Whether the server takes new connections: 0 while it drains or shuts down, or while Options.Ready returns an error.")
	sessions        = serverDesc("sio_sessions", "Engine.IO sessions that are open, by transport.", "transport")
	sessionsClosing = serverDesc("sio_sessions_closing", "Sessions that were closed, and are there until what is queued for them is sent.")
	sessionsPaused  = serverDesc("sio_sessions_paused", "Sessions that are not read, because of MaxPacketRate or EventQueue.")
	sessionsSlow    = serverDesc("sio_sessions_slow", "Sessions for which more than half of what QueueBytes or QueuePackets allow waits to be sent.")
	queuedPackets   = serverDesc("sio_send_queue_packets", "Packets that wait to be sent, counted for each session.")
	queuedBytes     = serverDesc("sio_send_queue_bytes", "Bytes of the packets that wait to be sent, counted for each session.")
	heldBytes       = serverDesc("sio_held_bytes", "What counts against TotalBytes, by direction: what waits to be sent, and what is held of large messages from clients.", "direction")
	handlerQueue    = serverDesc("sio_handler_queue_events", "Events, and clients that come or go, that wait for a handler or have one that runs.")
	handlerBytes    = serverDesc("sio_handler_queue_bytes", "Bytes of the events that wait for a handler.")
	receivedPackets = serverDesc("sio_received_packets_total", "Engine.IO packets from clients, by transport.", "transport")
	receivedBytes   = serverDesc("sio_received_bytes_total", "Bytes from clients, by transport: WebSocket frames, and bodies of requests.", "transport")
	sentPackets     = serverDesc("sio_sent_packets_total", "Engine.IO packets to clients, by transport.", "transport")
	sentBytes       = serverDesc("sio_sent_bytes_total", "Bytes to clients, by transport: WebSocket frames, and bodies of answers.", "transport")
	droppedPackets  = serverDesc("sio_dropped_packets_total", "Volatile packets that were not sent, since they would have had to wait.")
	namespaces      = serverDesc("sio_namespaces", "Namespaces that there are, by the name or pattern that was registered.", "nsp")
	sockets         = serverDesc("sio_sockets", "Clients that are connected to the namespace.", "nsp")
	rooms           = serverDesc("sio_rooms", "Rooms of the namespace that clients of this server are in.", "nsp")
	recoveryClients = serverDesc("sio_recovery_clients", "Clients that are away and may come back, as far as this server keeps them.", "nsp")
	recoveryBytes   = serverDesc("sio_recovery_bytes", "Bytes of events that are kept for clients that are away.", "nsp")
	receivedEvents  = serverDesc("sio_received_events_total", "Events from clients.", "nsp")
	receivedAcks    = serverDesc("sio_received_acks_total", "Acks from clients.", "nsp")
	sentEvents      = serverDesc("sio_sent_events_total", "Events to clients, each counted for each client that it goes to.", "nsp")
	sentAcks        = serverDesc("sio_sent_acks_total", "Acks to clients.", "nsp")
)

func gauge(to chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func count(to chan<- prometheus.Metric, d *prometheus.Desc, v uint64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func collectServer(to chan<- prometheus.Metric, isReady bool, st sio.Stats) {
	gauge(to, ready, oneIf(isReady))
	e := &st.Engine
	for transport, t := range map[string]*engineio.TransportStats{sio.TransportPolling: &e.Polling, sio.TransportWebSocket: &e.WebSocket} {
		gauge(to, sessions, float64(t.Sessions), transport)
		count(to, receivedPackets, t.In.Packets, transport)
		count(to, receivedBytes, t.In.Bytes, transport)
		count(to, sentPackets, t.Out.Packets, transport)
		count(to, sentBytes, t.Out.Bytes, transport)
	}
	gauge(to, sessionsClosing, float64(e.Closing))
	gauge(to, sessionsPaused, float64(e.Paused))
	gauge(to, sessionsSlow, float64(e.Slow))
	gauge(to, queuedPackets, float64(e.QueuedPackets))
	gauge(to, queuedBytes, float64(e.QueuedBytes))
	gauge(to, heldBytes, float64(e.OutgoingBytes), "out")
	gauge(to, heldBytes, float64(e.IncomingBytes), "in")
	count(to, droppedPackets, e.Dropped)
	gauge(to, handlerQueue, float64(st.Waiting))
	gauge(to, handlerBytes, float64(st.WaitingBytes))
	for i := range st.Namespaces {
		n := &st.Namespaces[i]
		gauge(to, namespaces, float64(n.Namespaces), n.Name)
		gauge(to, sockets, float64(n.Sockets), n.Name)
		gauge(to, rooms, float64(n.Rooms), n.Name)
		gauge(to, recoveryClients, float64(n.Away), n.Name)
		gauge(to, recoveryBytes, float64(n.KeptBytes), n.Name)
		count(to, receivedEvents, n.In.Events, n.Name)
		count(to, receivedAcks, n.In.Acks, n.Name)
		count(to, sentEvents, n.Out.Events, n.Name)
		count(to, sentAcks, n.Out.Acks, n.Name)
	}
}

var (
	clusterUp        = clusterDesc("sio_cluster_up", "Whether the engine of the cluster can be reached.")
	clusterMembers   = clusterDesc("sio_cluster_members", "Other servers of the cluster that are heard of.")
	clusterLag       = clusterDesc("sio_cluster_lag_seconds", "How long what this server told all others took to come back by the engine, or has been under way.")
	clusterSilence   = clusterDesc("sio_cluster_silence_seconds", "For how long nothing has been heard of the other server that has been quiet for longest; they tell of themselves every few seconds.")
	clusterPublished = clusterDesc("sio_cluster_published_messages_total", "Messages for other servers, handed to the engine.")
	clusterReceived  = clusterDesc("sio_cluster_received_messages_total", "Messages of other servers.")
	clusterMalformed = clusterDesc("sio_cluster_malformed_messages_total", "Messages of other servers that made no sense.")
	clusterOverload  = clusterDesc("sio_cluster_overload_messages_total", "Messages of other servers that were dropped since too many were being handled.")
	clusterMissed    = clusterDesc("sio_cluster_missed_messages_total", "Messages of other servers that are known not to have got here.")
	clusterLost      = clusterDesc("sio_cluster_lost_messages_total", "Messages for other servers that were dropped, or under way when a connection was lost.")
	clusterOutages   = clusterDesc("sio_cluster_outages_total", "How often the engine of the cluster went away.")
	clusterRelayed   = clusterDesc("sio_cluster_requests_total", "HTTP requests that went from server to server, by direction: out are those of other servers' sessions, in those of this one's.", "direction")
	clusterUnrelayed = clusterDesc("sio_cluster_requests_failed_total", "Requests for sessions of servers that could not be reached, or were gone before they had answered.")
)

func collectCluster(to chan<- prometheus.Metric, members int, st cluster.Stats) {
	gauge(to, clusterUp, oneIf(!st.Away))
	gauge(to, clusterMembers, float64(members))
	gauge(to, clusterLag, st.Lag.Seconds())
	gauge(to, clusterSilence, st.Silence.Seconds())
	count(to, clusterPublished, st.Published)
	count(to, clusterReceived, st.Received)
	count(to, clusterMalformed, st.Malformed)
	count(to, clusterOverload, st.Overload)
	count(to, clusterMissed, st.Missed)
	count(to, clusterLost, st.Lost)
	count(to, clusterOutages, st.Outages)
	count(to, clusterRelayed, st.Relayed, "out")
	count(to, clusterRelayed, st.Answered, "in")
	count(to, clusterUnrelayed, st.Unrelayed)
}
