package msgpack

import (
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/siokit/sio/socketio/parser"
)

// The errors of a decoder. msgp's may quote a byte.
const (
	errText        parser.Error = "text message where msgpack is due"
	errNoMap       parser.Error = "msgpack packet is not a map"
	errDuplicate   parser.Error = "msgpack packet with a member twice"
	errType        parser.Error = "unknown packet type"
	errNamespace   parser.Error = "namespace is not a string"
	errID          parser.Error = "ack id is not an integer from 0 to 2^53-1"
	errTrailing    parser.Error = "data after the msgpack packet"
	errTruncated   parser.Error = "truncated msgpack"
	errMalformed   parser.Error = "malformed msgpack"
	errKey         parser.Error = "msgpack map with a key that is not a string"
	errUTF8        parser.Error = "msgpack string is not UTF-8"
	errExtension   parser.Error = "unknown msgpack extension"
	errDepth       parser.Error = "msgpack nested too deeply"
	errTooLarge    parser.Error = "msgpack too large once decoded"
	errPlaceholder parser.Error = "map that cannot be told from the placeholder of an attachment"
)

const (
	// maxDepth is what the text format admits.
	maxDepth = 1024

	// maxID is the greatest integer that JavaScript counts to exactly.
	maxID = 1<<53 - 1

	// JSON may have maxGrowth bytes for each of a message, and maxExtra more.
	// Nothing but byte strings shorter than three bytes needs as many: it takes
	// 6 for a control character, or for false with its comma.
	maxGrowth = 8
	maxExtra  = 64 << 10
)

// A decoder decodes the messages of one connection.
type decoder struct {
	nsp string // of the last packet, so that the next one allocates none
}

// Text implements [parser.Decoder].
func (*decoder) Text([]byte) (p parser.Packet, done bool, err error) { return p, false, errText }

// Pending implements [parser.Decoder].
func (*decoder) Pending() bool { return false }

// Binary implements [parser.Decoder].
func (d *decoder) Binary(data []byte) (p parser.Packet, done bool, err error) {
	r := newReader(data)
	defer r.release()
	if err := d.packet(r, &p); err != nil {
		return parser.Packet{}, false, err
	}
	return p, true, nil
}

// The members of a packet.
const (
	hasType = 1 << iota
	hasNamespace
	hasID
	hasData
)

// packet reads a packet, and what follows it, which must be nothing.
func (d *decoder) packet(r *reader, p *parser.Packet) error {
	n, in, err := msgp.ReadMapHeaderBytes(r.in)
	if err != nil {
		return errNoMap
	}
	r.in = in
	var data []byte // as it came
	seen := 0
	for range n {
		key, err := r.key()
		if err != nil {
			return err
		}
		member := 0
		switch string(key) {
		case "type":
			member = hasType
			err = r.packetType(p)
		case "nsp":
			member = hasNamespace
			err = d.namespace(r, p)
		case "id":
			member = hasID
			err = r.id(p)
		case "data":
			member = hasData
			data = r.in
			err = r.payload()
			data = data[:len(data)-len(r.in)]
		default: // the official clients send "options"
			err = r.skip()
		}
		if err != nil {
			return err
		}
		if seen&member != 0 {
			return errDuplicate
		}
		seen |= member
	}
	switch {
	case len(r.in) > 0:
		return errTrailing
	case seen&hasType == 0:
		return errType
	case seen&hasNamespace == 0:
		return errNamespace
	}
	if (p.Type == parser.TypeConnect || p.Type == parser.TypeDisconnect) && string(r.out) == "null" {
		r.out = r.out[:0]
	}
	if p.Type == parser.TypeConnect && len(r.bins) > 0 {
		r.in, r.out, r.bins, r.base64 = data, r.out[:0], nil, true
		if err := r.payload(); err != nil {
			return err
		}
	}
	if r.lookalike && len(r.bins) > 0 {
		return errPlaceholder
	}
	p.Data, p.Attachments = r.own()
	return nil
}

// namespace reads the name of a namespace.
func (d *decoder) namespace(r *reader, p *parser.Packet) error {
	if msgp.NextType(r.in) != msgp.StrType {
		return errNamespace
	}
	name, err := r.str()
	if err != nil {
		return err
	}
	if string(name) != d.nsp {
		d.nsp = string(name)
	}
	p.Namespace = d.nsp
	return nil
}

// packetType reads the type of a packet.
func (r *reader) packetType(p *parser.Packet) error {
	n, ok := r.integer()
	if !ok || n > uint64(parser.TypeConnectError) {
		return errType
	}
	p.Type = parser.PacketType(n)
	return nil
}

// id reads the id of an ack. None may be sent as undefined, or as nil.
func (r *reader) id(p *parser.Packet) error {
	if msgp.IsNil(r.in) || r.undefined() {
		return r.skip()
	}
	n, ok := r.integer()
	if !ok || n > maxID {
		return errID
	}
	p.ID, p.HasID = n, true
	return nil
}

// integer reads one that is not negative. There are libraries that send every
// number as a float.
func (r *reader) integer() (n uint64, ok bool) {
	var err error
	switch msgp.NextType(r.in) {
	case msgp.IntType, msgp.UintType:
		n, r.in, err = msgp.ReadUint64Bytes(r.in) // fails if it is negative
		return n, err == nil
	case msgp.Float32Type, msgp.Float64Type:
		var f float64
		f, r.in, err = msgp.ReadFloat64Bytes(r.in)
		return uint64(f), err == nil && f >= 0 && f <= maxID && f == math.Trunc(f)
	}
	return 0, false
}

// payload reads the data of a packet. Undefined is none.
func (r *reader) payload() error {
	if r.undefined() {
		return r.skip()
	}
	return r.value(0)
}

// skip reads a value, and forgets it.
func (r *reader) skip() error {
	out, bins, size, lookalike := len(r.out), len(r.bins), r.size, r.lookalike
	err := r.value(0)
	r.out, r.bins, r.size, r.lookalike = r.out[:out], r.bins[:bins], size, lookalike
	return err
}
