package sio_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/socketio/parser"
)

func TestNewNil(t *testing.T) {
	h := newHost(t, nil)
	h.On("echo", func(c *sio.Context) error { return c.Ack("it works") })
	for _, webSocket := range []bool{false, true} {
		c := dial(t, h.url, testclient.Options{WebSocket: webSocket})
		c.connect("/", nil)
		c.send(`21["echo"]`)
		c.want(`31["it works"]`)
	}
	if n := h.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// Options that make no sense are refused by name.
func TestNewPanics(t *testing.T) {
	for want, o := range map[string]sio.Options{
		`Options.Path socket.io`:                       {Path: "socket.io"},
		`PingInterval is negative (-1s)`:               {PingInterval: -time.Second},
		`PingTimeout is negative (-1s)`:                {PingTimeout: -time.Second},
		`PingTimeout is 1µs`:                           {PingTimeout: time.Microsecond},
		`UpgradeTimeout is negative (-1s)`:             {UpgradeTimeout: -time.Second},
		`ConnectTimeout is negative (-1s)`:             {ConnectTimeout: -time.Second},
		`WriteTimeout is negative (-1s)`:               {WriteTimeout: -time.Second},
		`MaxPayload is negative (-1)`:                  {MaxPayload: -1},
		`MaxHeaderBytes is negative (-1)`:              {MaxHeaderBytes: -1},
		`MaxPayload is over 268435456 bytes`:           {MaxPayload: math.MaxInt},
		`MaxAttachments is over 65536`:                 {MaxAttachments: math.MaxInt},
		`PingInterval and PingTimeout are 600h0m20s`:   {PingInterval: 600 * time.Hour},
		`MaxAttachments is negative (-1)`:              {MaxAttachments: -1},
		`EventQueue is negative (-1)`:                  {EventQueue: -1},
		`MaxRooms is negative (-1)`:                    {MaxRooms: -1},
		`MaxDynamicNamespaces is negative (-1)`:        {MaxDynamicNamespaces: -1},
		`MaxClientNamespaces is negative (-1)`:         {MaxClientNamespaces: -1},
		`QueueBytes is negative (-1)`:                  {QueueBytes: -1},
		`QueuePackets is negative (-1)`:                {QueuePackets: -1},
		`TotalBytes is negative (-1)`:                  {TotalBytes: -1},
		`PollPackets is negative (-1)`:                 {PollPackets: -1},
		`Transports is empty`:                          {Transports: []string{}},
		`Transports: unknown transport "carrier"`:      {Transports: []string{"carrier"}},
		`CORS.Origins "*" does not go with`:            {CORS: &sio.CORS{Origins: []string{"*"}, Credentials: true}},
		`CORS.Origins: "example.com" is not an origin`: {CORS: &sio.CORS{Origins: []string{"example.com"}}},
		`Hosts: "https://example.com" is not a host`:   {Hosts: []string{"https://example.com"}},
		`CORS.MaxAge is negative`:                      {CORS: &sio.CORS{MaxAge: -1}},
		`Compression.Threshold is negative (-1)`:       {Compression: &sio.Compression{Threshold: -1}},
		`Compression.Level is 10, not 1 to 9`:          {Compression: &sio.Compression{Level: 10}},
		`Cookie: http: invalid Cookie.Name`:            {Cookie: &http.Cookie{Name: "a b"}},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				got, _ := recover().(string)
				if !strings.HasPrefix(got, "sio: Options") || !strings.Contains(got, want) {
					t.Errorf("panic %q, want one with %q", got, want)
				}
			}()
			sio.New(&o)
		})
	}
	t.Run("all of them at once", func(t *testing.T) {
		defer func() {
			got, _ := recover().(string)
			for _, name := range []string{"ConnectTimeout", "MaxPayload", "QueueBytes"} {
				if !strings.Contains(got, name) {
					t.Errorf("panic %q does not name %s", got, name)
				}
			}
		}()
		sio.New(&sio.Options{ConnectTimeout: -1, MaxPayload: -1, QueueBytes: -1})
	})
}

// The options are copied: what the caller changes afterwards has no effect.
func TestOptionsAreCopied(t *testing.T) {
	o := &sio.Options{Path: "/a", Transports: []string{"polling"}}
	srv := sio.New(o)
	o.Path, o.Transports[0] = "/b", "websocket"
	if srv.Path() != "/a" {
		t.Errorf("path %q", srv.Path())
	}
	c := dial(t, serve(t, srv, srv)+"/a/", testclient.Options{})
	if len(c.Upgrades) != 0 {
		t.Errorf("upgrades %q, want none", c.Upgrades)
	}
}

func TestTwoServers(t *testing.T) {
	small := sio.New(&sio.Options{Path: "/small", MaxPayload: 100, DisableUpgrades: true, Cookie: &http.Cookie{Name: "small"}})
	large := sio.New(&sio.Options{Path: "/large", MaxPayload: 10000})
	gone := make(chan struct{})
	small.OnDisconnect(func(*sio.Context) error {
		close(gone)
		return nil
	})
	for _, srv := range []*sio.Server{small, large} {
		srv.On("whose", func(c *sio.Context) error { return c.Ack(srv.Path()) })
	}
	mux := http.NewServeMux()
	mux.Handle("/small/", small)
	mux.Handle("/large/", large)
	url := serve(t, mux, small)
	t.Cleanup(func() { shut(t, large) })

	a := dial(t, url+"/small/", testclient.Options{})
	b := dial(t, url+"/large/", testclient.Options{})
	if len(a.Upgrades) != 0 || len(b.Upgrades) != 1 {
		t.Errorf("upgrades %q and %q", a.Upgrades, b.Upgrades)
	}
	if ca, cb := a.Header.Get("Set-Cookie"), b.Header.Get("Set-Cookie"); !strings.HasPrefix(ca, "small="+a.SID) || cb != "" {
		t.Errorf("cookies %q and %q", ca, cb)
	}
	a.connect("/", nil)
	b.connect("/", nil)
	a.send(`21["whose"]`)
	b.send(`21["whose"]`)
	a.want(`31["/small"]`)
	b.want(`31["/large"]`)

	long := `21["whose","` + strings.Repeat("x", 1000) + `"]`
	b.send(long)
	b.want(`31["/large"]`)
	var status *testclient.StatusError
	if err := a.Send(long); !errors.As(err, &status) || status.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long message to the server with small ones: %v", err)
	}
	receive(t, gone, "the end of the one that was too long") // as with the reference server
	if large.Connections() != 1 {
		t.Errorf("%d connections", large.Connections())
	}
}

func TestPath(t *testing.T) {
	for _, tt := range []struct {
		option  string
		path    string
		yes, no []string
	}{
		{"", "/socket.io", []string{"/socket.io", "/socket.io/", "/socket.io/x"}, []string{"/", "", "/socket.iox", "/socket.iox/", "/x/socket.io", "/socket.i"}},
		{"/rt/", "/rt", []string{"/rt", "/rt/", "/rt/a/b"}, []string{"/socket.io", "/rtx", "/r"}},
		{"/", "", []string{"/", "/anything"}, nil},
	} {
		srv := sio.New(&sio.Options{Path: tt.option})
		if srv.Path() != tt.path {
			t.Errorf("Path %q became %q, want %q", tt.option, srv.Path(), tt.path)
		}
		url := serve(t, srv, srv)
		for _, path := range tt.yes {
			if !srv.Matches(path) {
				t.Errorf("Path %q does not match %q", tt.option, path)
			}
			dial(t, url+path, testclient.Options{})
		}
		for _, path := range tt.no {
			if srv.Matches(path) {
				t.Errorf("Path %q matches %q", tt.option, path)
			}
			_, err := testclient.Dial(url+path, testclient.Options{})
			var status *testclient.StatusError
			if !errors.As(err, &status) || status.Code != http.StatusNotFound {
				t.Errorf("Path %q, a request to %q: %v, want 404", tt.option, path, err)
			}
		}
	}
}

func TestCookie(t *testing.T) {
	h := newHost(t, &sio.Options{Cookie: &http.Cookie{Secure: true, MaxAge: 60}})
	c := dial(t, h.url, testclient.Options{})
	want := "io=" + c.SID + "; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"
	if got := c.Header.Get("Set-Cookie"); got != want {
		t.Errorf("cookie %q, want %q", got, want)
	}
	if got := h.dial().Header.Get("Set-Cookie"); got != "" {
		t.Errorf("cookie %q over WebSocket", got)
	}
}

// Origins are checked for both transports, with the options of the root.
func TestOrigins(t *testing.T) {
	const foreign = "https://app.example.com"
	listed := &sio.CORS{Origins: []string{foreign}, Credentials: true}
	star := &sio.CORS{Origins: []string{"*"}}
	for _, tt := range []struct {
		name      string
		cors      *sio.CORS
		origin    string
		cookie    bool
		webSocket bool
		status    int    // 0: accepted
		allow     string // Access-Control-Allow-Origin
	}{
		{"no CORS, foreign, polling: the browser sees to it", nil, foreign, true, false, 0, ""},
		{"no CORS, foreign, WebSocket", nil, foreign, true, true, 403, ""},
		{"no CORS, no origin, WebSocket", nil, "", true, true, 0, ""},
		{"listed, polling", listed, foreign, true, false, 0, foreign},
		{"listed, WebSocket", listed, foreign, true, true, 0, foreign},
		{"not listed, polling", listed, "https://evil.example", false, false, 403, ""},
		{"not listed, WebSocket", listed, "https://evil.example", false, true, 403, ""},
		{"star, WebSocket", star, foreign, false, true, 0, "*"},
		{"star, WebSocket with a cookie", star, foreign, true, true, 403, "*"},
		{"star, polling with a cookie", star, foreign, true, false, 403, "*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, &sio.Options{CORS: tt.cors})
			opts := testclient.Options{WebSocket: tt.webSocket, Header: http.Header{}}
			if tt.origin != "" {
				opts.Header.Set("Origin", tt.origin)
			}
			if tt.cookie {
				opts.Header.Set("Cookie", "session=1")
			}
			c, err := testclient.Dial(h.url, opts)
			var header http.Header
			var status *testclient.StatusError
			switch {
			case err == nil:
				defer c.Close()
				header = c.Header
			case errors.As(err, &status):
				header = status.Header
			default:
				t.Fatal(err)
			}
			code := 0
			if status != nil {
				code = status.Code
			}
			if code != tt.status {
				t.Errorf("status %d, want %d", code, tt.status)
			}
			if got := header.Get("Access-Control-Allow-Origin"); got != tt.allow {
				t.Errorf("allowed origin %q, want %q", got, tt.allow)
			}
		})
	}
	t.Run("a public host", func(t *testing.T) {
		h := newHost(t, &sio.Options{Hosts: []string{"example.com"}})
		dial(t, h.url, testclient.Options{WebSocket: true, Header: http.Header{"Origin": {"https://example.com"}, "Cookie": {"session=1"}}})
	})
	t.Run("the same origin", func(t *testing.T) {
		h := newHost(t, nil)
		origin := strings.TrimSuffix(h.url, "/socket.io/")
		dial(t, h.url, testclient.Options{WebSocket: true, Header: http.Header{"Origin": {origin}}})
	})
}

func TestPreflight(t *testing.T) {
	srv := sio.New(&sio.Options{CORS: &sio.CORS{Origins: []string{"https://app.example.com"}, MaxAge: time.Minute}})
	req := httptest.NewRequest(http.MethodOptions, "/socket.io/?EIO=4&transport=polling", nil)
	req.Header.Set("Origin", "https://app.example.com")
	rec := httptest.NewRecorder()
	srv.ServeHTTP(rec, req)
	res := rec.Result()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusNoContent || len(body) > 0 || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || res.Header.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("answer to a preflight: %d %q %v", res.StatusCode, body, res.Header)
	}
}

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

// A shouting codec has capital letters on the wire, and small ones in handlers.
type shouting struct{ parser.JSON }

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

// Nor is the answer to a poll compressed that has such a message.
func TestCompressOfPolls(t *testing.T) {
	h := newHost(t, nil)
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	large := strings.Repeat("all work and no play ", 100)
	for _, on := range []bool{true, false} {
		if err := h.Compress(on).Emit("e", large); err != nil {
			t.Fatal(err)
		}
		w := ask(h, http.MethodGet, "/socket.io/?EIO=4&transport=polling&sid="+c.SID, "Accept-Encoding: gzip")
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != on || got != (w.Body.Len() < len(large)) {
			t.Errorf("Compress(%t): compressed %t, %d bytes", on, got, w.Body.Len())
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
