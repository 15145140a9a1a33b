package contract

import (
	"bytes"
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
	ids := ids{}
	for _, n := range cat.namespaces {
		id := n.name
		if id == "/" {
			id = "root"
		}
		d.add(ids.unique(id), n)
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

// add adds a namespace.
func (d *document) add(id string, n namespace) {
	c := &channelWriter{d: d, id: id, c: &channel{Title: n.name, Description: n.note(), Messages: map[string]*message{}}}
	d.Channels[id] = c.c
	if n.known {
		c.c.Address = &n.name
		for _, part := range n.parts {
			if c.c.Parameters == nil {
				c.c.Parameters = map[string]parameter{}
			}
			c.c.Parameters[part] = parameter{"A part of the namespace's name: not empty."}
		}
	}
	c.connect(n)
	for _, e := range n.receive {
		c.event("receive", e)
	}
	for _, e := range n.send {
		c.event("send", e)
	}
}

// A channelWriter adds messages and operations to a channel.
type channelWriter struct {
	d   *document
	id  string // of the channel
	c   *channel
	ids ids // of its messages
}

// message adds a message and returns where it is. Its id is made of parts.
func (w *channelWriter) message(m *message, parts ...string) reference {
	if w.ids == nil {
		w.ids = ids{}
	}
	id := w.ids.unique(parts...)
	w.c.Messages[id] = m
	return reference{"#/channels/" + w.id + "/messages/" + id}
}

// operation adds an operation for a message.
func (w *channelWriter) operation(action string, m *message, id reference, replies ...reference) {
	op := &operation{Action: action, Channel: w.ref(), Title: m.Title, Messages: []reference{id}}
	if len(replies) > 0 {
		op.Reply = &reply{Channel: w.ref(), Messages: replies}
	}
	_, name, _ := strings.Cut(id.Ref, "/messages/")
	w.d.Operations[w.id+"."+name] = op
}

func (w *channelWriter) ref() reference { return reference{"#/channels/" + w.id} }

// connect adds how a client enters the namespace.
func (w *channelWriter) connect(n namespace) {
	m := &message{Name: "connect", Title: "A client connects", Traits: packet("connect"), Payload: n.auth}
	if n.auth == nil {
		m.Payload = anything("The auth payload: the contract does not tell its type.")
	}
	in := w.message(m, "connect")
	connected := w.message(&message{
		Name: "connected", Title: "The client is let in", Traits: packet("connected"),
		Payload: or(object(prop{"sid", text("The socket's id.")}), "pid", text("By which the client may recover its state: only if the server allows that.")),
	}, "connected")
	refused := w.message(&message{
		Name: "connect_error", Title: "The client is refused", Traits: packet("connect_error"), Payload: problem(n.refusal),
	}, "connect_error")
	w.operation("receive", m, in, connected, refused)
}

// event adds an event, and the answers to it.
func (w *channelWriter) event(action string, e event) {
	m := &message{Name: e.name, Title: e.name, Description: e.note(), Traits: packet("event"), Payload: e.payload()}
	if m.Title == "" {
		m.Title = `""`
	}
	if e.other {
		m.Name, m.Title = "", "Any other event"
	}
	id := e.name
	if !e.answered() {
		w.operation(action, m, w.message(m, action, id))
		return
	}
	if action == "send" {
		m.Traits = packet("question")
	}
	in := w.message(m, action, id)
	answer := &message{Name: e.name, Title: "Answer to " + m.Title, Traits: packet("ack"), Payload: e.answer()}
	replies := []reference{w.message(answer, action, id, "ack")}
	if action == "receive" {
		replies = append(replies, w.message(&message{
			Name: e.name, Title: "Failure of " + m.Title, Traits: packet("ack"),
			Payload: tuple(object(prop{"error", problem(e.failure)})),
		}, action, id, "failure"))
	}
	w.operation(action, m, in, replies...)
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

// unique returns an id made of names, which may have any characters.
func (taken ids) unique(names ...string) string {
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = strings.Trim(strings.Map(func(r rune) rune {
			switch {
			case r == '{' || r == '}':
				return -1
			case r < 0x80 && (r == '-' || r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'):
				return r
			}
			return '_'
		}, name), "_")
		if clean[i] == "" {
			clean[i] = "_"
		}
	}
	first := strings.Join(clean, ".")
	id := first
	for i := 2; taken[id]; i++ {
		id = fmt.Sprintf("%s_%d", first, i)
	}
	taken[id] = true
	return id
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
		all[ids.unique(u.Host)] = server{Host: u.Host, Pathname: path, Protocol: protocol, Description: s.Description}
	}
	return all, nil
}
