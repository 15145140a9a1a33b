package wire

// typeFailed is the type of a TypeClientAnswer with an Err. Servers written in JavaScript
// have no such answer: they would take it for one, and do as well without.
const typeFailed = 67

// isMember reports whether m is about a server, rather than about a namespace.
func (m *Message) isMember() bool {
	return m.Type == TypeHello || m.Type == TypeHeartbeat || m.Type == TypeClose
}

// isAnswer reports whether m is for the one who has sent the Request.
func (m *Message) isAnswer() bool {
	switch m.Type {
	case TypeFetched, TypeServerAnswer, TypeClientCount, TypeClientAnswer, TypeCounted, TypeIDList, TypeRoomSet:
		return true
	}
	return false
}

// isRoom reports whether m is an event for one room. One that is to be answered is not:
// all servers answer.
func (m *Message) isRoom() bool {
	return m.Type == TypeBroadcast && m.Request == "" && len(m.Rooms) == 1 && !m.All
}
