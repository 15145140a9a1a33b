package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio"
)

// AsyncAPI returns a contract as an AsyncAPI 3.1 document in JSON, the same for the same
// contract. Its application is the server: it "receives" what clients send.
//
// A channel is a namespace, or a pattern of them. The payload of an event is the array
// that its packet has, with the event's name first, as in ["order",{"item":7}]; that of
// an answer is an array with the answer. What the document calls headers are the type
// and the id of a packet. A []byte is described as what stands for it in the packet.
func AsyncAPI(c sio.Contract, o *Options) ([]byte, error) {
	cat, err := newCatalog(c, o, "#/components/schemas/")
	if err != nil {
		return nil, err
	}
	about := o.info()
	d := document{
		AsyncAPI:           "3.1.0",
		Info:               info{Title: about.Title, Version: about.Version, Description: about.Description},
		DefaultContentType: "application/json",
		Channels:           map[string]*channel{},
		Operations:         map[string]*operation{},
		Components:         components{Schemas: cat.defs, MessageTraits: packets},
	}
	if d.Servers, err = about.servers(); err != nil {
		return nil, err
	}
	channels, operations := ids{}, ids{}
	for _, n := range cat.namespaces {
		id := clean(n.name)
		if n.name == "/" {
			id = "root"
		}
		w := &channelWriter{d: &d, operations: operations, id: channels.unique(id), messages: ids{}}
		w.write(n)
	}
	return encode(d)
}

// encode returns indented JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return b.Bytes(), nil
}

// A channelWriter adds a namespace to a document.
type channelWriter struct {
	d          *document
	operations ids // of the document
	c          *channel
	id         string // of the channel
	messages   ids    // of the channel
}

func (w *channelWriter) write(n namespace) {
	w.c = &channel{Title: n.name, Description: n.note(), Messages: map[string]*message{}}
	w.d.Channels[w.id] = w.c
	if n.known {
		w.c.Address = &n.name
	}
	for _, part := range n.parts {
		if w.c.Parameters == nil {
			w.c.Parameters = map[string]parameter{}
		}
		w.c.Parameters[part] = parameter{"A part of the namespace's name: not empty."}
	}
	w.connect(n)
	for _, e := range n.receive {
		w.event("receive", e)
	}
	for _, e := range n.send {
		w.event("send", e)
	}
}

// message adds a message and returns its id, which is like this one.
func (w *channelWriter) message(m *message, id string) string {
	id = w.messages.unique(id)
	w.c.Messages[id] = m
	return id
}

// operation adds the operation for a message, and for those that answer it.
func (w *channelWriter) operation(action, id string, replies ...string) {
	channel := reference{"#/channels/" + w.id}
	refer := func(ids ...string) (all []reference) {
		for _, id := range ids {
			all = append(all, reference{channel.Ref + "/messages/" + id})
		}
		return all
	}
	op := &operation{Action: action, Channel: channel, Title: w.c.Messages[id].Title, Messages: refer(id)}
	if len(replies) > 0 {
		op.Reply = &reply{Channel: channel, Messages: refer(replies...)}
	}
	w.d.Operations[w.operations.unique(w.id+"."+id)] = op
}

// connect adds how a client enters the namespace.
func (w *channelWriter) connect(n namespace) {
	auth := n.auth
	if auth == nil {
		auth = anything("The auth payload: the contract does not tell its type.")
	}
	sid := object(prop{"sid", text("The socket's id.")})
	or(sid, "pid", text("By which the client may recover its state: only if the server allows that."))
	w.operation("receive",
		w.message(&message{Name: "connect", Title: "A client connects", Traits: packet("connect"), Payload: auth}, "connect"),
		w.message(&message{Name: "connected", Title: "The client is let in", Traits: packet("connected"), Payload: sid}, "connected"),
		w.message(&message{Name: "connect_error", Title: "The client is refused", Traits: packet("connect_error"), Payload: problem(n.refusal)}, "connect_error"))
}

// event adds an event, and the answers to it.
func (w *channelWriter) event(action string, e event) {
	m := &message{Name: e.name, Title: e.title(), Description: e.note(), Traits: packet("event"), Payload: e.payload()}
	id := action + "." + clean(e.name)
	if e.other {
		id = action + ".other"
	}
	id = w.message(m, id)
	var replies []string
	if e.answered() {
		answer := &message{Name: e.name, Title: "Answer to " + m.Title, Traits: packet("ack"), Payload: e.answer()}
		replies = append(replies, w.message(answer, id+".ack"))
	}
	switch {
	case e.sent && e.answered():
		m.Traits = packet("question")
	case e.answered():
		failure := &message{Name: e.name, Title: "Failure of " + m.Title, Traits: packet("ack"), Payload: tuple(object(prop{"error", problem(e.failure)}))}
		replies = append(replies, w.message(failure, id+".failure"))
	}
	w.operation(action, id, replies...)
}

// packets are what the packets of messages have beside the payload.
var packets = map[string]trait{
	"event":         packetTrait("EVENT, or BINARY_EVENT with attachments. A client that asks for an answer gives an id.", false, "EVENT", "BINARY_EVENT"),
	"question":      packetTrait("EVENT, or BINARY_EVENT with attachments, with an id: the server asks for an answer.", true, "EVENT", "BINARY_EVENT"),
	"ack":           packetTrait("ACK, or BINARY_ACK with attachments, with the id of the event that it answers.", true, "ACK", "BINARY_ACK"),
	"connect":       packetTrait("CONNECT, by the client.", false, "CONNECT"),
	"connected":     packetTrait("CONNECT, by the server.", false, "CONNECT"),
	"connect_error": packetTrait("CONNECT_ERROR.", false, "CONNECT_ERROR"),
}

func packetTrait(note string, id bool, types ...any) trait {
	typ := prop{"type", &jsonschema.Schema{Type: "string", Enum: types}}
	t := trait{Description: note, Headers: object(typ)}
	if id {
		t.CorrelationID = &correlation{"$message.header#/id"}
		t.Headers = object(typ, prop{"id", &jsonschema.Schema{Type: "integer", Minimum: new(0.0)}})
	}
	return t
}

func packet(kind string) []reference {
	return []reference{{"#/components/messageTraits/" + kind}}
}

// ids are those that are taken.
type ids map[string]bool

// unique returns an id like this one.
func (taken ids) unique(id string) string {
	free := id
	for i := 2; taken[free]; i++ {
		free = fmt.Sprintf("%s_%d", id, i)
	}
	taken[free] = true
	return free
}

// clean returns a name as a part of an id.
func clean(name string) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r == '{' || r == '}':
			return -1
		case r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z':
			return r
		}
		return '_'
	}, name), "_")
	return cmp.Or(id, "_")
}

// servers returns the servers by ids.
func (i Info) servers() (map[string]server, error) {
	if len(i.Servers) == 0 {
		return nil, nil
	}
	all, ids := map[string]server{}, ids{}
	for _, s := range i.Servers {
		u, err := url.Parse(s.URL)
		if err != nil {
			return nil, fmt.Errorf("contract: Info.Servers: %w", err)
		}
		protocol := map[string]string{"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}[u.Scheme]
		if protocol == "" || u.Host == "" {
			return nil, fmt.Errorf("contract: Info.Servers: %q is no URL such as https://example.com/socket.io/", s.URL)
		}
		path := u.Path
		if path == "" {
			path = "/socket.io/"
		}
		all[ids.unique(clean(u.Host))] = server{Host: u.Host, Pathname: path, Protocol: protocol, Description: s.Description}
	}
	return all, nil
}
