package wire

import "bytes"

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

// SentBy reports whether a message begins like one that a server of that UID has encoded, in
// any of the formats. By that, a server drops what comes back to it without decoding it.
func SentBy(uid string, data []byte) bool {
	switch {
	case len(data) == 0:
		return false
	case data[0] == '{':
		rest, ok := bytes.CutPrefix(data, []byte(`{"uid":"`))
		return ok && len(rest) > len(uid) && string(rest[:len(uid)]) == uid && rest[len(uid)] == '"'
	case data[0] == 0x93: // the array of a classic event
		return isShort(uid, data[1:])
	case data[0]&0xf0 == 0x80: // a map
		rest, ok := bytes.CutPrefix(data[1:], []byte("\xa3uid"))
		return ok && isShort(uid, rest)
	}
	return false
}

// isShort reports whether msgpack begins with a string of less than 32 bytes.
func isShort(s string, data []byte) bool {
	return len(data) > len(s) && len(s) < 32 && data[0] == 0xa0|byte(len(s)) && string(data[1:1+len(s)]) == s
}
