package wire

// The messages of socket.io-adapter: {type, data, uid, nsp}, in JSON, or msgpack if there
// is binary data. Three formats have them.

// appendCluster appends m as such a message. If it is to be packed it is msgpack in any case,
// unless it is about a server.
func appendCluster(dst []byte, m *Message, pack bool) ([]byte, error) {
	if err := m.check(); err != nil {
		return dst, err
	}
	if m.isMember() {
		return encode(dst, m, false, (*text).member)
	}
	if m.Type > TypeStop {
		return dst, errType
	}
	return encode(dst, m, pack || len(m.Attachments) > 0, clusterMessage)
}

// clusterMessage writes any message but those about servers.
func clusterMessage(t *text, m *Message) {
	t.out = append(t.out, '{')
	t.str("uid", m.UID) // in front, for SentBy
	if m.Type == TypeClientAnswer && m.Err != "" {
		t.num("type", typeFailed)
	} else {
		t.num("type", int64(m.Type))
	}
	t.name("data")
	clusterData(t, m)
	t.str("nsp", m.Nsp)
	t.shut()
}

// clusterData writes what such a message is about.
func clusterData(t *text, m *Message) {
	t.out = append(t.out, '{')
	t.str("requestId", m.Request)
	switch m.Type {
	case TypeBroadcast:
		t.open("packet")
		t.packet(m, "")
		t.shut()
		t.target(m, true)
	case TypeJoin, TypeLeave:
		t.target(m, true)
		t.list("rooms", m.Names)
	case TypeDisconnect:
		t.target(m, true)
		t.bool("close", m.Close)
	case TypeFetch, TypeCount:
		t.target(m, true)
	case TypeFetched:
		t.data("sockets", m)
		t.more(m)
	case TypeServerEvent:
		t.data("packet", m)
	case TypeServerAnswer, TypeClientAnswer:
		t.result("packet", m)
	case TypeClientCount, TypeCounted:
		t.num("clientCount", int64(m.Count))
	}
	t.shut()
}

// cluster decodes such a message. Within has the namespace in front, if it is that of the
// channel.
func (m *Message) cluster(s source, within string) error {
	top, err := field(s.json).fields()
	if err != nil {
		return err
	}
	if m.UID, err = top.uid.text(); err != nil {
		return err
	}
	if top.nsp == nil {
		return errNamespace
	}
	if m.Nsp, err = top.nsp.within(within); err != nil {
		return err
	}
	kind, err := top.kind.integer()
	if err != nil {
		return err
	}
	f, err := top.data.fields()
	if err != nil {
		return err
	}
	return m.content(s, kind, &f, within)
}

// content decodes what such a message is about.
func (m *Message) content(s source, kind int, f *fields, within string) (err error) {
	if m.Request, err = f.request.text(); err != nil {
		return err
	}
	if kind == typeFailed {
		kind = int(TypeClientAnswer)
	}
	asks := true
	m.Type = Type(kind)
	switch kind {
	case int(TypeBroadcast):
		asks = false
		room := within
		if len(room) > len(m.Nsp) {
			room = within[len(m.Nsp)+1:]
		}
		if err = m.target(f.opts, room); err == nil {
			err = m.inner(s, f.packet)
		}
	case int(TypeJoin), int(TypeLeave):
		asks = false
		if m.Names, err = f.rooms.list(""); err == nil {
			err = m.sockets(f)
		}
	case int(TypeDisconnect):
		asks = false
		m.Close = f.shut.isTrue()
		err = m.sockets(f)
	case int(TypeFetch), int(TypeCount):
		err = m.target(f.opts, "")
	case int(TypeFetched):
		m.More = f.more.isTrue()
		err = m.list(s, f.sockets)
	case int(TypeServerEvent):
		asks = false
		err = m.event(s, f.packet)
	case int(TypeServerAnswer), int(TypeClientAnswer):
		err = m.answer(s, f.packet, f)
	case int(TypeClientCount), int(TypeCounted):
		m.Count, err = f.count.integer()
	case int(TypeStop):
	default:
		return errUnknown
	}
	if err == nil && asks && m.Request == "" {
		err = errAnonymous
	}
	if err != nil {
		return err
	}
	return m.whole(s)
}
