package socketio_test

import (
	"errors"
	"fmt"

	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

// packed returns a packet in msgpack, with the members that follow its type and
// its namespace, each of them encoded.
func packed(t parser.PacketType, nsp string, members ...string) string {
	return string([]byte{0x80 + byte(2+len(members))}) + "\xa4type" + string([]byte{byte(t)}) + "\xa3nsp" + str(nsp) + strings.Join(members, "")
}

// answered returns one as the server encodes it.
func answered(t parser.PacketType, nsp string, members ...string) string {
	return string([]byte{0x80 + byte(2+len(members))}) + "\xa4type" + string([]byte{byte(t)}) + strings.Join(members, "") + "\xa3nsp" + str(nsp)
}

func str(s string) string  { return string([]byte{0xa0 + byte(len(s))}) + s }
func data(v string) string { return "\xa4data" + v }

// joinPacked connects to a namespace and returns the socket's id.
func (c *client) joinPacked(nsp string) string {
	c.h.t.Helper()
	c.binary(packed(parser.TypeConnect, nsp))
	p, binary, err := c.tryRead()
	head, tail, _ := strings.Cut(answered(parser.TypeConnect, nsp, data("\x81\xa3sid\xb4|")), "|")
	id, ok := strings.CutPrefix(p, head)
	id, ok2 := strings.CutSuffix(id, tail)
	if err != nil || !binary || !ok || !ok2 || len(id) != 20 {
		c.h.t.Fatalf("message %x, binary %t, %v, want %x…%x", p, binary, err, head, tail)
	}
	return id
}

func TestMsgpack(t *testing.T) {
	h := newHost(t, &socketio.Options{Parser: msgpack.Parser{}})
	root := h.of("/", nil)
	chat := h.of("/chat", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
		var auth struct{ Token string }
		if err := s.BindAuth(&auth); err != nil || auth.Token != "good" {
			return &socketio.Refusal{Message: "no", Data: map[string]any{"hint": []byte("hi")}}
		}
		return nil
	}})
	c := h.ws()
	c.joinPacked("/")
	s := root.socket()
	root.wants("connect")

	c.binary(packed(parser.TypeConnect, "/nowhere"))
	c.wantBinary(answered(parser.TypeConnectError, "/nowhere", data("\x81\xa7message\xb1Invalid namespace")))
	c.binary(packed(parser.TypeConnect, "/chat"))
	c.wantBinary(answered(parser.TypeConnectError, "/chat", data("\x82\xa7message\xa2no\xa4data\x81\xa4hint\xc4\x02hi")))
	c.binary(packed(parser.TypeConnect, "/chat", data("\x81\xa5token\xa4good")))
	if p, _, err := c.tryRead(); err != nil || !strings.HasSuffix(p, "\xa3nsp\xa5/chat") {
		t.Fatalf("%x, %v", p, err)
	}
	chat.wants("refuse", "connect")

	// Events and acks with more attachments than the text format admits.
	args := strings.Repeat("\xc4\x01x", 12)
	c.binary(packed(parser.TypeEvent, "/", data("\x9d\xa1e"+args), "\xa2id\x07"))
	c.wantBinary(answered(parser.TypeAck, "/", data("\x9c"+args), "\xa2id\x07"))
	entry := "event e"
	for i := range 12 {
		entry += fmt.Sprintf(` {"_placeholder":true,"num":%d}`, i)
	}
	root.wants(entry)
	if err := s.Emit("e", map[string]any{"a": []byte{1}, "b": 1.5, "c": nil}); err != nil {
		t.Fatal(err)
	}
	c.wantBinary(answered(parser.TypeEvent, "/", data("\x92\xa1e\x83\xa1a\xc4\x01\x01\xa1b\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1c\xc0")))
	if err := root.All().Emit("all", -1); err != nil {
		t.Fatal(err)
	}
	c.wantBinary(answered(parser.TypeEvent, "/", data("\x92\xa3all\xff")))

	asked := make(chan error, 1)
	go func() { // until the ack
		ctx, cancel := h.bound()
		defer cancel()
		answer, err := s.EmitWithAck(ctx, "q")
		var b []byte
		if err == nil {
			err = answer.Bind(&b)
		}
		if err == nil && string(b) != "yes" {
			err = fmt.Errorf("answer %q", b)
		}
		asked <- err
	}()
	c.wantBinary(answered(parser.TypeEvent, "/", data("\x91\xa1q"), "\xa2id\x00"))
	c.binary(packed(parser.TypeAck, "/", data("\x91\xc4\x03yes"), "\xa2id\x00"))
	if err := timetest.Receive(t, asked, h.limit, "the ack"); err != nil {
		t.Fatal(err)
	}

	c.binary(packed(parser.TypeDisconnect, "/chat"))
	chat.leaves(socketio.ReasonClientDisconnect)
	s.Disconnect()
	c.wantBinary(answered(parser.TypeDisconnect, "/"))
	root.leaves(socketio.ReasonServerDisconnect)
}

// Offsets are put into packets of each format, and a client that shows one of them comes
// back.
func TestMsgpackRecovery(t *testing.T) {
	opts := recovering(socketio.Recovery{})
	opts.Parser = msgpack.Parser{}
	h := newHost(t, opts)
	n := h.of("/", nil)
	c := h.ws()
	read := func(before, after string) string {
		t.Helper()
		p, binary, err := c.tryRead()
		what, ok := strings.CutPrefix(p, before)
		what, ok2 := strings.CutSuffix(what, after)
		if err != nil || !binary || !ok || !ok2 {
			t.Fatalf("packet %q, %v, want %q…%q", p, err, before, after)
		}
		return what
	}
	event := func(name string) string {
		t.Helper()
		head, tail, _ := strings.Cut(answered(parser.TypeEvent, "/", data("\x93"+str(name)+"\xc4\x01x\xb0|")), "|")
		return read(head, tail)
	}
	c.binary(packed(parser.TypeConnect, "/"))
	id, pid, _ := strings.Cut(read("\x83\xa4type\x00\xa4data\x82\xa3sid\xb4", "\xa3nsp\xa1/"), "\xa3pid\xb4")
	n.wants("connect")
	s := n.socket()
	done(t, s.Emit("heard", []byte("x")))
	offset := event("heard")
	c.conn.Close()
	n.breaks()
	done(t, n.All().Emit("missed", []byte("x")))

	c = h.ws()
	c.binary(packed(parser.TypeConnect, "/", data("\x82\xa3pid"+str(pid)+"\xa6offset"+str(offset))))
	if missed := event("missed"); len(missed) != len(offset) || missed == offset {
		t.Errorf("offset %q behind %q", missed, offset)
	}
	c.wantBinary(answered(parser.TypeConnect, "/", data("\x82\xa3sid"+str(id)+"\xa3pid"+str(pid))))
	n.wants("connect")
}

func TestMsgpackPolling(t *testing.T) {
	h := newHost(t, &socketio.Options{Parser: msgpack.Parser{}})
	root := h.of("/", nil)
	p := h.poll()
	p.send("bgqR0eXBlAKNuc3ChLw==") // {type: 0, nsp: "/"}
	if r := p.get(); r.status != 200 || !strings.HasPrefix(r.body, "bg6R0eXBlAKRkYXRhgaNzaWS0") {
		t.Fatalf("%+v", r)
	}
	p.send("bg6R0eXBlAqRkYXRhkaFlo25zcKEv") // {type: 2, data: ["e"], nsp: "/"}
	root.wants("connect", "event e")
}

// Bad packets close the connection, and take nobody else with them.
func TestMsgpackHostile(t *testing.T) {
	h := newHost(t, &socketio.Options{Parser: msgpack.Parser{}})
	root := h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) {}})
	e := packed(parser.TypeEvent, "/", data("\x91\xa1e"))
	for name, message := range map[string]string{
		"nothing":                   "",
		"nil":                       "\xc0",
		"a map of 4 G":              "\xdf\xff\xff\xff\xff",
		"data of 4 G elements":      packed(parser.TypeEvent, "/", data("\xdd\xff\xff\xff\xff")),
		"90,000 arrays":             packed(parser.TypeEvent, "/", data(strings.Repeat("\x91", 90_000))),
		"trailing bytes":            e + "\xc0",
		"half of it":                e[:len(e)/2],
		"a string as id":            packed(parser.TypeEvent, "/", data("\x91\xa1e"), "\xa2id\xa11"),
		"a second CONNECT":          packed(parser.TypeConnect, "/"),
		"a CONNECT_ERROR":           packed(parser.TypeConnectError, "/", data("\x80")),
		"BINARY_EVENT":              packed(parser.TypeBinaryEvent, "/", data("\x91\xa1e")),
		"a CONNECT with an array":   packed(parser.TypeConnect, "/chat", data("\x90")),
		"a DISCONNECT with a map":   packed(parser.TypeDisconnect, "/", data("\x80")),
		"no data":                   packed(parser.TypeEvent, "/"),
		"data nil":                  packed(parser.TypeEvent, "/", data("\xc0")),
		"data undefined":            packed(parser.TypeAck, "/", data("\xd4\x00\x00")),
		"an event without a name":   packed(parser.TypeEvent, "/", data("\x90")),
		"an event named true":       packed(parser.TypeEvent, "/", data("\x91\xc3")),
		"an event named by bytes":   packed(parser.TypeEvent, "/", data("\x91\xc4\x01e")),
		"a map as event":            packed(parser.TypeEvent, "/", data("\x80")),
		"a reserved event":          packed(parser.TypeEvent, "/", data("\x91\xaadisconnect")),
		"a map as ack":              packed(parser.TypeAck, "/", data("\x80")),
		"a namespace without slash": packed(parser.TypeConnect, "chat"),
		"no name of a namespace":    packed(parser.TypeConnect, ""),
		"a control character":       packed(parser.TypeConnect, "/\n"),
		"a long namespace":          "\x82\xa4type\x00\xa3nsp\xda\x01\x01/" + strings.Repeat("a", 256),
		"a namespace not joined":    packed(parser.TypeEvent, "/chat", data("\x91\xa1e")),
	} {
		t.Run(name, func(t *testing.T) {
			c := h.ws()
			c.joinPacked("/")
			c.binary(message)
			c.closed()
			h.sessionEnds(engineio.ReasonForcedClose)
			root.wants("connect")
			root.leaves(engineio.ReasonForcedClose)
		})
	}
	t.Run("text", func(t *testing.T) {
		c := h.ws()
		c.send("40")
		c.closed()
		h.sessionEnds(engineio.ReasonForcedClose)
	})
}

// A countParser says at the end of a text how many attachments follow. It fails
// to encode anything while fail is set.
type countParser struct{ fail *error }

func (p countParser) NewDecoder() parser.Decoder { return &countDecoder{} }

func (p countParser) Encode(dst []byte, packet parser.Packet) (first parser.Message, rest []parser.Message, err error) {
	if *p.fail != nil {
		return first, nil, *p.fail
	}
	dst = parser.AppendHeader(dst, packet.Type, 0, packet.Namespace, packet.ID, packet.HasID)
	dst = append(dst, packet.Data...)
	for _, b := range packet.Attachments {
		rest = append(rest, parser.Message{Data: b, Binary: true})
	}
	return parser.Message{Data: fmt.Appendf(dst, "%02d", len(rest))}, rest, nil
}

// A countDecoder is one of the text format.
type countDecoder struct{ parser.TextDecoder }

func TestParser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail error
		h := newPipeHost(t, &socketio.Options{Parser: countParser{&fail}, Engine: engineio.Options{PingInterval: time.Hour}})
		root := h.of("/", nil)
		c := h.ws()
		c.send("40")
		p, _, err := c.tryRead()
		if err != nil || !strings.HasPrefix(p, `40{"sid":"`) || !strings.HasSuffix(p, `"}00`) {
			t.Fatalf("%q, %v", p, err)
		}
		s := root.socket()
		root.wants("connect")
		c.send(`452-7["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`)
		c.binary("a", "b")
		root.wants(`event e {"_placeholder":true,"num":1} {"_placeholder":true,"num":0}`)
		c.want(`437[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]02`)
		c.wantBinary("b", "a")

		// What cannot be encoded is an error of the emitter's.
		fail = errors.New("no")
		if err := s.Emit("e"); !errors.Is(err, fail) {
			t.Errorf("Emit: %v", err)
		}
		fail = nil
		if err := s.Emit("e", badCodec("[")); err == nil {
			t.Error("Emit of what is no JSON: no error")
		}

		// An attachment that does not come ends the connection.
		start := time.Now()
		c.send(`451-["e",{"_placeholder":true,"num":0}]`)
		c.closed()
		after(t, start, 45*time.Second)
		h.sessionEnds(engineio.ReasonForcedClose)
		root.leaves(engineio.ReasonForcedClose)
	})
}

// A badCodec encodes as itself.
type badCodec string

func (b badCodec) MarshalJSON() ([]byte, error) { return []byte(b), nil }

// A packet of the protocol that the parser fails to encode ends the connection.
func TestParserFails(t *testing.T) {
	for _, first := range []string{"40", "40/no,", ""} {
		var fail error
		h := newHost(t, &socketio.Options{Parser: countParser{&fail}})
		root := h.of("/", nil)
		c := h.ws()
		if first != "" {
			fail = errors.New("no")
			c.send(first)
		} else {
			c.send("40")
			c.read()
			fail = errors.New("no")
			root.socket().Disconnect()
		}
		c.restarted()
		h.sessionEnds(engineio.ReasonForcedClose)
	}
}

// What a Parser is given is valid, whatever the codec has made.
func TestParserGetsJSON(t *testing.T) {
	for _, bad := range []string{"[", "1 2", "\"\xff\"", "", strings.Repeat("[", 1024) + strings.Repeat("]", 1024)} {
		var fail error
		h := newHost(t, &socketio.Options{Parser: countParser{&fail}, Codec: constCodec(bad)})
		n := h.of("/", nil)
		if err := n.All().Emit("e", 1); err == nil {
			t.Errorf("%.20q: no error", bad)
		}
	}
}

// A constCodec encodes everything as the same.
type constCodec string

func (c constCodec) Append(dst []byte, _ any, attachments [][]byte) ([]byte, [][]byte, error) {
	return append(dst, c...), attachments, nil
}

func (constCodec) Unmarshal([]byte, [][]byte, any) error { return nil }
