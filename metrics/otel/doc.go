// Package siootel makes OpenTelemetry spans and metrics of what a server does. It is a
// module of its own, so that the core requires no OpenTelemetry.
//
//	tracer := siootel.NewTracer(nil)
//	srv := sio.New(nil)
//	srv.Use(tracer.Middleware()) // each other namespace has its own Use
//
// Exporters, sampling and the propagator are those of the application, as
// otel.SetTracerProvider, otel.SetMeterProvider and otel.SetTextMapPropagator have set
// them, or the options.
//
// Metrics are made by an observer:
//
//	srv := sio.New(&sio.Options{Observers: []*sio.Observer{siootel.NewObserver(nil)}})
//
// # Spans
//
// Names and attributes follow the semantic conventions for messaging, as far as these have
// something to say. Names have nothing that a client chooses: namespaces and events are
// called as they were registered. Events without a handler of their own, which OnAny
// handles, have no name at all. No span has arguments, auth payloads, headers or rooms.
//
//	span                       kind      when
//	process /chat message      CONSUMER  a handler of an event, by Tracer.Middleware
//	process /chat              CONSUMER  that of OnAny
//	connect /chat              SERVER    that of OnConnect
//	connected /chat            INTERNAL  that of OnConnected; likewise upgrade, disconnecting, disconnect
//	emit news                  PRODUCER  an event to one client or many, by Tracer.Emitter
//	emitWithAck confirm        CLIENT    a question to a client, and its answer, by Tracer.Asker
//	serverSideEmit refresh     PRODUCER  an event to other servers, by Tracer.ServerEmitter
//	process refresh            CONSUMER  its handler, by Tracer.ServerHandler
//
// The attributes are messaging.system ("socket.io"), messaging.operation.name,
// messaging.operation.type (of events: "process" or "send"), messaging.destination.name
// (the namespace, without what clients put behind a question mark; of one that a pattern
// stands for, the pattern is messaging.destination.template), messaging.client.id (the socket's id as logs have it),
// and messaging.socket.io.event_name, which OpenTelemetry's instrumentation of Node's
// socket.io has, too. Others are sio's own: sio.transport, sio.disconnect.reason, and
// sio.outcome, which is "refused" or "gone" where an error is the client's, and no failure
// of the span. A span that fails has error.type ("panic", or the type of the error) and
// the error, with the stack of a panic, as an exception.
//
// # Parents and links
//
// The context of the handshake is the span that a middleware of the HTTP server such as
// otelhttp has put into the request's context; without one, it is what the request's
// headers name. [sio.Options].ForgetRequest forgets both.
//
// An event that carries a context of its own (see [TracerOptions].Carrier) belongs to its
// sender's trace, and is linked to the handshake's. The conventions want a consumer's span
// linked to the producer's, too, and so it is, although it is its child.
//
// All other events belong to the handshake's trace. The conventions know of messages and
// their senders only, and do not say what a long connection is. Of an hour's visit it is
// the trace that one looks for; of clients that stay for days and send without end it
// becomes one that backends cut off. For these, TracerOptions.NewTraces makes a trace of
// each event, with a link to the handshake's.
//
// A broadcast is one span. Who gets it is told of it only with TracerOptions.Inject, in an
// argument: neither the protocol nor what servers of a cluster tell each other has a place
// for it. Clients then make a span of what they do with it, linked to the broadcast's, as
// [docs/opentelemetry.md] shows.
//
// # Metrics
//
// Handlers are in messaging.process.duration, with the attributes of their spans, and events
// in messaging.client.consumed.messages and messaging.client.sent.messages, as the
// conventions have it. All else is called sio.server or sio.cluster; the guide lists it.
//
// [docs/opentelemetry.md]: https://github.com/siokit/sio/blob/main/docs/opentelemetry.md
package siootel
