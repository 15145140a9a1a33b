package parser

import (
	"maps"
	"net/url"
	"slices"
)

// Clients of Engine.IO 3 speak revision 4 of the protocol, which differs in two
// payloads.

// AppendConnectErrorV4 does what [AppendConnectError] does, for revision 4 of the
// protocol, where Data is either the data or the message: it appends the data if that
// encodes as a string, an object or an array, and else the message, since clients break
// on anything else.
func AppendConnectErrorV4(codec Codec, dst []byte, message string, data any) (text []byte, attachments [][]byte, err error) {
	head := len(dst)
	if data != nil {
		text, attachments, err := orJSON(codec).Append(dst, data, nil)
		switch {
		case err != nil:
			return dst, nil, err
		case len(attachments) > 0, head < len(text) && (text[head] == '"' || text[head] == '{' || text[head] == '['):
			return text, attachments, nil
		}
	}
	return appendString(dst, message), nil, nil
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
