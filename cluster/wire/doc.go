// Package wire has the messages that the servers of a cluster send each other, and the
// formats in which they are written. It knows no connections and does no I/O, so that a
// program that only sends can use it.
//
// Each format makes JSON of a [Message], or msgpack of that JSON. To decode, it makes JSON
// of the msgpack, and then takes the members that it knows; Data is the JSON between them.
// Messages are input: what is malformed, of another namespace or for nobody is refused, and
// no error quotes any of it.
//
// # Files
//
// message.go (what there is to say, and what a format is), kind.go (of which kind a
// message is), classic.go (the format of redis-adapter), cluster.go (the messages of
// socket.io-adapter), sharded.go and subjects.go (their channels in Redis and in NATS),
// text.go (members being written), fields.go (members being read), buffer.go (attachments
// in JSON).
package wire
