package load

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A Dialect is what a server speaks over WebSocket. All have messages that say the same,
// and so are of about the same size.
type Dialect int

// Dialects.
const (
	SocketIO   Dialect = iota
	Bare               // what servers/floor does: of the size of SocketIO's
	Msgpack            // Socket.IO with its packets in MessagePack
	Centrifuge         // the JSON protocol of centrifuge: a round trip is an RPC, a broadcast a publication
)

func (d Dialect) path() string {
	switch d {
	case Bare:
		return "/ws"
	case Centrifuge:
		return "/connection/websocket"
	default:
		return "/socket.io/?EIO=4&transport=websocket"
	}
}

// A hello is what a client says to join, if anything, and what answers it begins with, or
// has in it.
type hello struct {
	say    []byte // a frame
	prefix string
	within string
}

var (
	hellos = map[Dialect][]hello{
		SocketIO:   {{nil, `0{`, `"sid":"`}, {connectFrame, `40{"sid":"`, ""}},
		Msgpack:    {{nil, `0{`, `"sid":"`}, {AppendFrame(nil, opBinary, packed(0, false, "")), "\x00", "\xa3sid"}},
		Centrifuge: {{AppendFrame(nil, opText, []byte(`{"id":1,"connect":{}}`)), `{"id":1,"connect":{"client":"`, ""}},
	}
	connectFrame = AppendFrame(nil, opText, []byte("40"))
	pongFrame    = AppendFrame(nil, opText, []byte("3"))
	emptyFrame   = AppendFrame(nil, opText, []byte("{}"))
)

func (h *hello) check(message []byte) error {
	if !bytes.HasPrefix(message, []byte(h.prefix)) || !bytes.Contains(message, []byte(h.within)) {
		return fmt.Errorf("not what answers a hello: %.100q", message)
	}
	return nil
}

// pong returns what answers a message that is a ping of the protocol.
func (d Dialect) pong(op byte, message []byte) (frame []byte, pinged bool) {
	switch {
	case op != opText:
		return nil, false
	case d == Centrifuge:
		return emptyFrame, string(message) == "{}"
	default:
		return pongFrame, d != Bare && string(message) == "2"
	}
}

// bye is how a client leaves.
func (d Dialect) bye() []byte {
	closing := []byte{0x03, 0xe8}
	switch d {
	case SocketIO:
		return AppendFrame(AppendFrame(nil, opText, []byte("41")), opClose, closing)
	case Msgpack:
		return AppendFrame(AppendFrame(nil, opBinary, packed(1, false, "")), opClose, closing)
	default:
		return AppendFrame(nil, opClose, closing)
	}
}

// Kinds of echo.
type Kind int

const (
	WithAck Kind = iota // a small object, asking for an ack
	Event               // the same as an event, and an event comes back
	Binary              // a kilobyte as attachment, asking for an ack
	Text                // 16 bytes, asking for an ack
	Page                // an object of four kilobytes, asking for an ack
	Large               // an object of 64,000 bytes, asking for an ack
)

const (
	attachment = 1024
	pageSize   = 4 << 10
	largeSize  = 64_000
)

// sentence fills messages. It is compressed as well as JSON mostly is, to a fifth or so.
func sentence(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%x the quick brown fox jumps over the lazy dog, ", i*i*2654435761)
	}
	return b.String()[:size]
}

// echo returns the exchange of a kind. There is none of binary data in Centrifuge.
func (d Dialect) echo(kind Kind) *exchange {
	said := "hello there"
	switch kind {
	case Page:
		said = sentence(pageSize)
	case Large:
		said = sentence(largeSize)
	}
	object := `{"n":#######,"text":"` + said + `"}`
	const short = "####### 16 bytes"
	data := "e#######" + strings.Repeat("\xff\x00x\x80", attachment/4-2)
	text := func(s string) []pattern { return []pattern{newPattern(opText, s)} }
	attached := func(s string) []pattern { return append(text(s), newPattern(opBinary, data)) }
	switch d {
	case Msgpack:
		object = "\x82\xa1n\xce####\xa4text" + packString(said)
		if kind == Event {
			return &exchange{request: packet(2, false, "\x92\xa4echo"+object), answer: text("\x02\x92\xa4echo" + object)}
		}
		event := "echo"
		switch kind {
		case Binary:
			event, object = "binary", "\xc5\x04\x00"+data
		case Text:
			event, object = "text", packString(short)
		}
		return &exchange{
			request: packet(2, true, "\x92"+packString(event)+object),
			answer:  text("\x03\xcd@@\x91" + object),
		}
	case Centrifuge:
		if kind == Event {
			return &exchange{request: text(`{"send":{"data":` + object + `}}`), answer: text(`{"push":{"message":{"data":` + object + `}}}`)}
		}
		if kind == Text {
			object = `"` + short + `"`
		}
		return &exchange{
			request: text(`{"id":@@@@,"rpc":{"method":"echo","data":` + object + `}}`),
			answer:  text(`{"id":@@@@,"rpc":{"data":` + object + `}}`),
		}
	}
	e := new(exchange)
	switch kind {
	case Event:
		e.request, e.answer = text(`42["echo",`+object+`]`), text(`42["echo",`+object+`]`)
	case Binary:
		e.request = attached(`451-@@@@["binary",{"_placeholder":true,"num":0}]`)
		e.answer = attached(`461-@@@@[{"_placeholder":true,"num":0}]`)
	case Text:
		e.request, e.answer = text(`42@@@@["text","`+short+`"]`), text(`43@@@@["`+short+`"]`)
	default:
		e.request, e.answer = text(`42@@@@["echo",`+object+`]`), text(`43@@@@[`+object+`]`)
	}
	if d == Bare { // which answers with the same
		e.answer = nil
		for i := range e.request {
			e.request[i].text[0] = 'e'
			e.answer = append(e.answer, newPattern(e.request[i].op, string(e.request[i].text)))
		}
	}
	return e
}

// A blast is a request, by an event of that name, that has count messages sent to
// everybody, each of size bytes together with its frame's header: in MessagePack somewhat less.
type blast struct {
	exchange
	message pattern
}

func (d Dialect) blast(event string, count, size int) *blast {
	header := 2
	switch {
	case size-4 >= 1<<16:
		header = 10
	case size-2 >= 126:
		header = 4
	}
	begin, end := `42["msg","`, `"]`
	if d == Centrifuge {
		begin, end = `{"push":{"channel":"room","pub":{"data":"`, `"}}}`
	}
	filler := strings.Repeat("the quick brown fox jumps over the lazy dog ", size/40)
	payload := "####### " + filler[:size-header-len(begin)-len(end)-seqDigits-1]
	one := func(s string) []pattern { return []pattern{newPattern(opText, s)} }
	b := &blast{message: newPattern(opText, begin+payload+end)}
	switch d {
	case Bare:
		b.request, b.answer = one(fmt.Sprintf("b%02d%s", count, b.message.text)), one("k")
	case Msgpack:
		b.message = newPattern(opText, "\x02\x92\xa3msg"+packString(payload))
		b.request = packet(2, true, "\x93"+packString(event)+string(byte(count))+packString(payload))
		b.answer = one("\x03\xcd@@\x90")
	case Centrifuge:
		b.request = one(`{"id":@@@@,"rpc":{"method":` + strconv.Quote(event) + `,"data":{"count":` + strconv.Itoa(count) + `,"payload":"` + payload + `"}}}`)
		b.answer = one(`{"id":@@@@,"rpc":{}}`)
	default:
		b.request = one(fmt.Sprintf(`42@@@@["%s",%d,"%s"]`, event, count, payload))
		b.answer = one(`43@@@@[]`)
	}
	return b
}

// seqDigits is how many a number has in text.
const seqDigits = 7
