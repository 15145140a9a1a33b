package parser

import (
	"bytes"
	stdjson "encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// MaxNamespace is how long the name of a namespace may be, in bytes. Servers keep
// names, log them and send them back in refusals; there is room for a path with two
// UUIDs and a short query.
const MaxNamespace = 256

// DefaultMaxAttachments is how many attachments a packet may have by default. The
// reference server and recent clients refuse more.
const DefaultMaxAttachments = 10

const (
	// defaultMaxBytes admits the default number of attachments and their
	// text, each of them a message of the default maxPayload.
	defaultMaxBytes = (DefaultMaxAttachments + 1) * 1_000_000

	// maxQuery bounds the query of a namespace, in bytes. There is room for any
	// token that has one in a URL; it is taken apart before anybody asks for it.
	maxQuery = 16 << 10

	// maxID is the greatest integer that JavaScript counts to exactly.
	maxID = 1<<53 - 1
)

// A TextDecoder decodes the text format: it turns the messages of one connection into
// packets. It is a [Decoder]. The zero value is ready to use, and decodes what a client
// sends; a limit of zero is its default.
//
// A TextDecoder is not safe for concurrent use, and must not be used after an error.
type TextDecoder struct {
	MaxAttachments int  // of one packet; default [DefaultMaxAttachments]
	MaxBytes       int  // of the text and the attachments of a binary packet together; default 11,000,000
	MaxDepth       int  // of arrays and objects within each other; default 1024, which is also the most
	FromServer     bool // admits CONNECT_ERROR, which only a server sends
	Revision4      bool // of the protocol: the query behind a namespace is the payload of its CONNECT, and no part of the name

	pending *Packet // waits for attachments
	missing int     // how many it still waits for
	size    int     // bytes that it holds

	// The names last seen, so that a packet for one of the few namespaces of
	// a connection allocates no string.
	names *names
}

// Pending reports whether a packet waits for attachments. It holds memory until the
// last has come, so that a caller should set a deadline.
func (d *TextDecoder) Pending() bool { return d.pending != nil }

// Held returns how many bytes have come of the packet that waits for attachments: its
// text, and the attachments that are there. It is 0 if no packet waits.
func (d *TextDecoder) Held() int {
	if d.pending == nil {
		return 0
	}
	return d.size
}

// Text decodes a text message, which must be valid UTF-8. It returns the packet, and
// done, if the message is a packet by itself: p.Data then aliases data. It returns
// neither if attachments are to follow: then it has copied what it needs of data. The
// error is an [Error].
func (d *TextDecoder) Text(data []byte) (p Packet, done bool, err error) {
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
	c := Cursor{data: p.Data}
	if err := c.checkPlaceholders(attachments); err != nil {
		return Packet{}, false, err
	}
	p.Data = bytes.Clone(p.Data)
	d.pending, d.missing, d.size = new(p), attachments, len(data)
	return Packet{}, false, nil
}

// Binary copies a binary message, which must be the next attachment of the packet that
// waits. It returns the packet, and done, if this was the last one. The error is an
// [Error].
func (d *TextDecoder) Binary(data []byte) (p Packet, done bool, err error) {
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
func (d *TextDecoder) parse(data []byte, p *Packet) (attachments int, err error) {
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
		if len(name) > MaxNamespace || len(query) > maxQuery || bytes.ContainsFunc(name, unicode.IsControl) {
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
func (d *TextDecoder) parseAttachments(data []byte, i int) (n, end int, err error) {
	limit := orDefault(d.MaxAttachments, DefaultMaxAttachments)
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
func (d *TextDecoder) parsePayload(data []byte, p *Packet) error {
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
func (d *TextDecoder) name(b []byte) string {
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

// EventName returns the name of an event, which is the first element of the array in
// its Data: a string, or a number, which stands for what JavaScript makes of it, so
// that [7.0] is event "7". The error is an [Error].
//
// The name aliases data, and nothing is allocated, unless the string has an escape
// sequence or the number is no short integer. To look it up without a copy, write
// m[string(name)].
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
