package sio_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/siokit/sio"
	"github.com/siokit/sio/socketio"
)

// The headers that a page may send, and those that it may read.
func TestCORSHeaders(t *testing.T) {
	const page = "Origin: https://app.example.com"
	srv := sio.New(&sio.Options{CORS: &sio.CORS{
		Origins:        []string{"https://app.example.com"},
		AllowedHeaders: []string{"X-Token", "Content-Type"},
		ExposedHeaders: []string{"X-Request-Id", "X-Shard"},
		MaxAge:         time.Hour,
	}})
	const target = "/socket.io/?EIO=4&transport=polling"
	h := ask(srv, http.MethodOptions, target, page, "Access-Control-Request-Headers: x-other").Header()
	wantHeader(t, h, "Access-Control-Allow-Headers", "X-Token,Content-Type")
	wantHeader(t, h, "Access-Control-Max-Age", "3600")
	h = ask(srv, http.MethodGet, target+"&sid=unknown", page).Header()
	wantHeader(t, h, "Access-Control-Expose-Headers", "X-Request-Id,X-Shard")
	wantHeader(t, h, "Access-Control-Allow-Headers", "")
}

// A request that is refused is in the log at debug, and a middleware sees its
// status.
func TestRefusedRequest(t *testing.T) {
	var log logBuffer
	srv := sio.New(&sio.Options{Logger: log.logger()})
	w := ask(srv, http.MethodGet, "/socket.io/?EIO=3&transport=polling&token=SECRET")
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
	line := log.only(t, "request refused")
	if line["level"] != "debug" || line["component"] != "engineio" || line["code"] != 5.0 || line["why"] != "Unsupported protocol version" {
		t.Errorf("log line %v", line)
	}
	if strings.Contains(log.String(), "SECRET") {
		t.Errorf("the log has the query: %s", &log)
	}
}

// A shouting codec has capital letters on the wire, and small ones in handlers.
type shouting struct{ socketio.JSON }

func (s shouting) Append(dst []byte, v any, attachments [][]byte) ([]byte, [][]byte, error) {
	if text, ok := v.(string); ok {
		v = strings.ToUpper(text)
	}
	return s.JSON.Append(dst, v, attachments)
}

func (s shouting) Unmarshal(data []byte, attachments [][]byte, v any) error {
	err := s.JSON.Unmarshal(data, attachments, v)
	if text, ok := v.(*string); ok {
		*text = strings.ToLower(*text)
	}
	return err
}

// Options.Codec encodes and decodes whatever handlers bind and send.
func TestCodec(t *testing.T) {
	h := newHost(t, &sio.Options{Codec: shouting{}})
	sio.OnWithAck(h, "say", func(c *sio.Context, text string) (string, error) {
		if text != "hello" {
			t.Errorf("bound %q", text)
		}
		answer, err := sio.Call[string](c.Context(), c, "question", "who?")
		if answer != "me" {
			t.Errorf("answered %q %v", answer, err)
		}
		return text, h.Emit("said", text)
	})
	c := h.join("/")
	c.send(`21["say","HELLO"]`)
	c.want(`20["question","WHO?"]`)
	c.send(`30["ME"]`)
	c.want(`2["said","HELLO"]`, `31["HELLO"]`)
}

// deflating opens a WebSocket that offers per-message deflate, by hand, and joins
// "/". What it returns reads the next frame.
func (h *host) deflating() func() ws.Frame {
	h.t.Helper()
	var d ws.Dialer
	d.Extensions = append(d.Extensions, wsflate.DefaultParameters.Option())
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	url := strings.Replace(h.url, "http", "ws", 1) + "?EIO=4&transport=websocket"
	conn, buffered, hs, err := d.Dial(ctx, url)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	if len(hs.Extensions) != 1 {
		h.t.Fatalf("extensions %v", hs.Extensions)
	}
	var from io.Reader = conn
	if buffered != nil {
		from = io.MultiReader(io.LimitReader(buffered, int64(buffered.Buffered())), conn)
	}
	next := func() ws.Frame {
		h.t.Helper()
		var f ws.Frame
		err := conn.SetReadDeadline(time.Now().Add(patience))
		if err == nil {
			f.Header, err = ws.ReadHeader(from)
		}
		if err == nil {
			f.Payload = make([]byte, f.Header.Length)
			_, err = io.ReadFull(from, f.Payload)
		}
		if err != nil {
			h.t.Fatal(err)
		}
		return f
	}
	next() // the open packet
	if err := ws.WriteFrame(conn, ws.MaskFrame(ws.NewTextFrame([]byte("40")))); err != nil {
		h.t.Fatal(err)
	}
	next() // the answer
	return next
}

// Compress(false) keeps compression from what is emitted, in whatever way.
func TestCompress(t *testing.T) {
	h := newHost(t, &sio.Options{Compression: &sio.Compression{}})
	contexts := make(chan *sio.Context, 1)
	h.OnConnect(func(c *sio.Context) error { contexts <- c; return c.Join("room") })
	next := h.deflating()
	c := receive(t, contexts, "the connect")
	large := strings.Repeat("all work and no play ", 100)
	sockets, err := h.Sockets(t.Context())
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%v %v", sockets, err)
	}
	for what, pair := range map[string][2]sio.Emitter{ // with, and without
		"Context":      {c, c.Compress(false)},
		"Socket":       {c.Socket(), c.Socket().Compress(false)},
		"Emission":     {c.Compress(false).Compress(true), c.Timeout(time.Hour).Compress(false)},
		"Namespace":    {h.Namespace, h.Compress(false)},
		"Target":       {h.To("room"), h.To("room").Compress(false)},
		"RemoteSocket": {sockets[0], sockets[0].Compress(false)},
	} {
		for i, to := range pair {
			if err := to.Emit("e", large); err != nil {
				t.Fatal(err)
			}
			f := next()
			if got := f.Header.Rsv1(); got != (i == 0) || got != (len(f.Payload) < len(large)/4) {
				t.Errorf("%s: compressed %t, %d bytes of %d", what, got, len(f.Payload), len(large))
			}
		}
	}
	for _, plain := range []bool{false, true} { // behind which nobody waits for the answer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = c.Compress(!plain).EmitWithAck(ctx, "q", large)
		_, _ = h.Compress(!plain).EmitWithAck(ctx, "q", large)
		for range 2 {
			if f := next(); f.Header.Rsv1() == plain {
				t.Errorf("EmitWithAck with Compress(%t): %d bytes", !plain, len(f.Payload))
			}
		}
	}
}

// A higher Level makes smaller messages.
func TestCompressionLevel(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		text.WriteString(http.StatusText(400+i%30) + string(rune('a'+i*i%26)))
	}
	sizes := make(map[int]int)
	for _, level := range []int{0, 1, 9} {
		h := newHost(t, &sio.Options{Compression: &sio.Compression{Level: level}})
		next := h.deflating()
		if err := h.Emit("e", text.String()); err != nil {
			t.Fatal(err)
		}
		sizes[level] = len(next().Payload)
	}
	if sizes[0] != sizes[1] || sizes[9] >= sizes[1]*9/10 {
		t.Errorf("sizes by level: %v", sizes)
	}
}
