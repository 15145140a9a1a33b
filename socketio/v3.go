package socketio

import (
	"maps"
	"net/url"
	"slices"

	"github.com/siokit/sio/internal/sid"
)

// Clients of Engine.IO 3 speak revision 4 of this protocol. They are in "/" without
// a CONNECT, which is not answered with an id, and put into the query of a
// namespace what is a payload today. Everything else is the same.

func (c *conn) v3() bool { return c.sess.Protocol() == 3 }

// newID returns the id of a socket. Clients of revision 4 make theirs of the
// session's.
func (c *conn) newID(nsp string) string {
	switch {
	case !c.v3():
		return sid.New()
	case nsp == "/":
		return c.sess.ID()
	}
	return nsp + "#" + c.sess.ID()
}

// appendRefusalV4 is appendRefusal in revision 4, where a refusal is either the
// data or the message. Clients break on what is neither a string nor an object or
// array.
func appendRefusalV4(codec Codec, dst []byte, message string, data any) ([]byte, [][]byte, error) {
	head := len(dst)
	if data != nil {
		text, attachments, err := orJSON(codec).Append(dst, data, nil)
		if err != nil || len(attachments) > 0 || head < len(text) && (text[head] == '"' || text[head] == '{' || text[head] == '[') {
			return text, attachments, err
		}
	}
	return appendString(dst[:head], message), nil, nil
}

// queryObject returns the query of a namespace as the payload of its CONNECT: an
// object of strings, of which the last counts for each name. It is nil if there
// are none.
func queryObject(query []byte) []byte {
	values, _ := url.ParseQuery(string(query)) // what is malformed is left out
	if len(values) == 0 {
		return nil
	}
	var object []byte
	for _, name := range slices.Sorted(maps.Keys(values)) {
		object = append(object, ',')
		object = appendString(object, name)
		object = append(object, ':')
		object = appendString(object, values[name][len(values[name])-1])
	}
	object[0] = '{'
	return append(object, '}')
}
