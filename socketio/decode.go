package socketio

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

const (
	// defaultMaxAttachments is what the reference server and recent clients
	// refuse to exceed.
	defaultMaxAttachments = 10

	// defaultMaxBytes admits the default number of attachments and their
	// text, each of them a message of the default maxPayload.
	defaultMaxBytes = (defaultMaxAttachments + 1) * 1_000_000

	// maxNamespace bounds the name of a namespace, in bytes. Names are kept,
	// logged and sent back in refusals; this leaves room for a path with two
	// UUIDs and a short query.
	maxNamespace = 256

	// maxQuery bounds the query of a namespace, in bytes. There is room for any
	// token that has one in a URL; it is taken apart before anybody asks for it.
	maxQuery = 16 << 10

	// maxID is the greatest integer that JavaScript counts to exactly.
	maxID = 1<<53 - 1
)

// A Decoder turns the messages of one connection into packets. The zero value
// is ready to use, a limit of zero being its default. A Decoder is not safe
// for concurrent use, and is not to be used any more after an error.
type Decoder struct {
	MaxAttachments int  // per packet; default 10
	MaxBytes       int  // text and attachments of one binary packet together; default 11,000,000
	MaxDepth       int  // nesting of arrays and objects; default 1024, which is also the most
	FromServer     bool // admit CONNECT_ERROR, which only a server sends
	Revision4      bool // of the protocol: the query of a namespace is no part of its name, but the CONNECT's payload

	pending *Packet // waits for attachments
	missing int     // how many it still waits for
	size    int     // bytes that it holds

	// The names last seen, so that a packet for one of the few namespaces of
	// a connection allocates no string.
	names *names
}

// Pending reports whether a packet waits for attachments. It holds memory until
// they have come: the caller sets it a deadline.
func (d *Decoder) Pending() bool { return d.pending != nil }

// Text decodes a text message, which must be valid UTF-8. It reports done if the
// message is a packet by itself, and not if attachments are to follow; data is
// copied only in the second case. The error is a [ParseError].
func (d *Decoder) Text(data []byte) (p Packet, done bool, err error) {
	if d.pending != nil {
		d.pending = nil
		return Packet{}, false, errTextPending
	}
	attachments, err := d.parse(data, &p)
	if err != nil {
		return Packet{}, false, err
	}
	if attachments == 0 {
		return p, true, nil
	}
	if len(data) > orDefault(d.MaxBytes, defaultMaxBytes) {
		return Packet{}, false, errTooLarge
	}
	c := cursor{data: p.Data}
	if err := c.checkPlaceholders(attachments); err != nil {
		return Packet{}, false, err
	}
	p.Data = bytes.Clone(p.Data)
	d.pending, d.missing, d.size = new(p), attachments, len(data)
	return Packet{}, false, nil
}

// Binary takes a binary message, the next attachment of the pending packet, and
// copies it. It reports done with the packet if this was the last attachment.
// The error is a [ParseError].
func (d *Decoder) Binary(data []byte) (p Packet, done bool, err error) {
	if d.pending == nil {
		return Packet{}, false, errBinary
	}
	if len(data) > orDefault(d.MaxBytes, defaultMaxBytes)-d.size {
		d.pending = nil
		return Packet{}, false, errTooLarge
	}
	d.size += len(data)
	d.pending.Attachments = append(d.pending.Attachments, append(make([]byte, 0, len(data)), data...))
	if d.missing--; d.missing > 0 {
		return Packet{}, false, nil
	}
	p, d.pending = *d.pending, nil
	return p, true, nil
}

// parse decodes the text of a packet into p and returns the number of
// attachments that it announces.
func (d *Decoder) parse(data []byte, p *Packet) (attachments int, err error) {
	if len(data) == 0 {
		return 0, errEmpty
	}
	p.Type = PacketType(data[0] - '0')
	if p.Type > TypeBinaryAck {
		return 0, errType
	}
	i := 1
	if p.Type.binary() {
		if attachments, i, err = d.parseAttachments(data, i); err != nil {
			return 0, err
		}
	}
	p.Namespace = "/"
	var query []byte
	if i < len(data) && data[i] == '/' {
		name, _, found := bytes.Cut(data[i:], []byte{','})
		i += len(name)
		if found {
			i++
		}
		if d.Revision4 {
			name, query, _ = bytes.Cut(name, []byte{'?'})
		}
		if len(name) > maxNamespace || len(query) > maxQuery || bytes.ContainsFunc(name, unicode.IsControl) {
			return 0, errNamespace
		}
		p.Namespace = d.name(name)
	}
	for ; i < len(data) && isDigit(data[i]); i++ {
		p.HasID = true
		if p.ID = p.ID*10 + uint64(data[i]-'0'); p.ID > maxID {
			return 0, errID
		}
	}
	err = d.parsePayload(data[i:], p)
	if d.Revision4 && p.Type == TypeConnect {
		p.Data = queryObject(query)
	}
	return attachments, err
}

// parseAttachments reads the number of attachments and the hyphen behind it.
func (d *Decoder) parseAttachments(data []byte, i int) (n, end int, err error) {
	limit := orDefault(d.MaxAttachments, defaultMaxAttachments)
	for ; i < len(data) && isDigit(data[i]); i++ {
		n = n*10 + int(data[i]-'0')
		if n == 0 {
			return 0, i, errAttachmentCount
		}
		if n > limit {
			return 0, i, errTooManyAttachments
		}
	}
	if n == 0 || i >= len(data) || data[i] != '-' {
		return 0, i, errAttachmentCount
	}
	return n, i + 1, nil
}

// parsePayload checks what follows the head of a packet, and keeps it in p. As with
// the reference server, white space may stand in front of it.
func (d *Decoder) parsePayload(data []byte, p *Packet) error {
	data = data[skipSpace(data, 0):]
	open, wrong := byte('['), errNoArray
	switch p.Type {
	case TypeConnect:
		if len(data) == 0 {
			return nil
		}
		open, wrong = '{', errConnectPayload
	case TypeDisconnect:
		if len(data) > 0 {
			return errDisconnectPayload
		}
		return nil
	case TypeConnectError:
		if !d.FromServer {
			return errConnectError
		}
		open, wrong = '{', errErrorPayload
	}
	if len(data) == 0 || data[0] != open {
		return wrong
	}
	depth := maxDepth
	if d.MaxDepth > 0 && d.MaxDepth < depth {
		depth = d.MaxDepth
	}
	end, err := scanValue(data, 0, depth)
	if err != nil {
		return err
	}
	if skipSpace(data, end) != len(data) {
		return errTrailing
	}
	p.Data = data[:end:end]

	if p.Type == TypeEvent || p.Type == TypeBinaryEvent {
		name, err := EventName(p.Data)
		if err != nil {
			return err
		}
		if IsReserved(string(name)) {
			return errReservedName
		}
	}
	return nil
}

// name returns b as a string, the one made before if it is a recent one.
func (d *Decoder) name(b []byte) string {
	if len(b) == 1 {
		return "/"
	}
	if d.names == nil {
		d.names = new(names)
	}
	for _, s := range d.names.last {
		if s == string(b) {
			return s
		}
	}
	s := string(b)
	d.names.last[d.names.next] = s
	d.names.next = (d.names.next + 1) % uint8(len(d.names.last))
	return s
}

type names struct {
	last [4]string
	next uint8
}

func orDefault(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}

// EventName returns the first element of an event's array, which must be a
// string, or a number: that stands for what JavaScript makes of it, so that [7.0]
// is event "7". It aliases data and does not allocate, unless the string holds an
// escape sequence or the number is no short integer; use m[string(name)] to look it
// up.
func EventName(data []byte) (name []byte, err error) {
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return nil, errNoArray
	}
	i = skipSpace(data, i+1)
	if i >= len(data) || data[i] != '"' {
		return numericName(data, i)
	}
	end, err := scanString(data, i)
	if err != nil {
		return nil, err
	}
	return unquote(data[i:end]), nil
}

// numericName returns the name of an event that begins with a number at data[i:], as
// JavaScript writes numbers.
func numericName(data []byte, i int) (name []byte, err error) {
	if i >= len(data) || data[i] != '-' && !isDigit(data[i]) {
		return nil, errEventName
	}
	end, err := scanNumber(data, i)
	if err != nil {
		return nil, err
	}
	name = data[i:end]
	const exact = 15 // as many digits are the same number in JavaScript
	if len(name) <= exact && bytes.IndexFunc(name, func(c rune) bool { return c < '0' || c > '9' }) < 0 {
		return name, nil
	}
	f, _ := strconv.ParseFloat(string(name), 64) // the error can only be that it is infinite
	switch {
	case f == 0: // or -0
		return []byte("0"), nil
	case math.IsInf(f, 0):
		return []byte(strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"), nil
	}
	return stdjson.Marshal(f)
}

// Args are the arguments of an event or of an ack, decoded only where they are
// bound. The zero value holds none. Args alias the bytes they were made of, and
// are as safe to keep and to share as those.
type Args struct {
	codec       Codec // nil means JSON
	raw         []byte
	attachments [][]byte
	skip        int
}

// NewArgs returns the elements of the JSON array raw less the first skip ones:
// one for an event, whose first element is its name, none for an ack. A nil
// codec is [JSON].
func NewArgs(codec Codec, raw []byte, attachments [][]byte, skip int) Args {
	return Args{codec: codec, raw: raw, attachments: attachments, skip: skip}
}

// Len returns the number of arguments.
func (a Args) Len() int {
	n := 0
	for it := a.iter(); it.next() != nil; {
		n++
	}
	return n
}

// Raw returns argument i as JSON, with placeholders where its attachments belong,
// or nil if there is no such argument.
func (a Args) Raw(i int) []byte {
	if i < 0 {
		return nil
	}
	it := a.iter()
	value := it.next()
	for ; i > 0 && value != nil; i-- {
		value = it.next()
	}
	return value
}

// Bind decodes the arguments into what the pointers point to, one pointer per
// argument; a nil among the pointers passes over its argument. Arguments without
// a pointer are ignored, and a pointer without an argument is an error.
//
// Attachments are not copied: each []byte that is bound to one aliases it, and
// thus any other that is bound to the same one. The error is an [*ArgError] or
// [ErrNoPointer].
func (a Args) Bind(ptrs ...any) error {
	for i, ptr := range ptrs {
		if ptr != nil && !isPointer(ptr) {
			return noPointer(ptr, fmt.Sprintf("argument %d", i+1))
		}
	}
	codec := orJSON(a.codec)
	it := a.iter()
	for i, ptr := range ptrs {
		value := it.next()
		if ptr == nil {
			continue
		}
		if value == nil {
			return &ArgError{i, ErrMissing}
		}
		if err := codec.Unmarshal(value, a.attachments, ptr); err != nil {
			return &ArgError{i, NewDecodeError(err, ptr)}
		}
	}
	return nil
}

// iter returns an iterator over the arguments. It ends early, rather than fails,
// where raw is no JSON array.
func (a Args) iter() argIter {
	it := argIter{data: a.raw, i: skipSpace(a.raw, 0), want: '['}
	for range a.skip {
		it.next()
	}
	return it
}

type argIter struct {
	data []byte
	i    int
	want byte // in front of the next element: '[' or ','
}

// next returns the next element, or nil at the end.
func (it *argIter) next() []byte {
	it.i = skipSpace(it.data, it.i)
	if it.i >= len(it.data) || it.data[it.i] != it.want {
		return nil
	}
	start := skipSpace(it.data, it.i+1)
	end, err := scanValue(it.data, start, maxDepth)
	if err != nil {
		it.data = nil
		return nil
	}
	it.i, it.want = end, ','
	return it.data[start:end:end]
}
