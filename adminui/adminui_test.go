package adminui_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/siotest"
)

const password = "changeit"

// hash is one of the password that is quickly checked.
var hash = func() string {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(h)
}()

type credentials map[string]any

var login = credentials{"username": "admin", "password": password}

// mount returns a server with an Admin UI, which ends with the test.
func mount(t *testing.T, opts *sio.Options, o adminui.Options) *sio.Server {
	t.Helper()
	if opts == nil {
		opts = new(sio.Options)
	}
	nop := zerolog.Nop()
	opts.Logger = &nop
	srv := sio.New(opts)
	if !o.Unprotected {
		o.Username, o.PasswordHash = "admin", hash
	}
	adminui.Mount(srv, &o)
	siotest.Cleanup(t, srv)
	return srv
}

// A page is a client that is told what the page would be.
type page struct {
	t *testing.T
	*siotest.Client
}

func open(t *testing.T, h http.Handler, auth any) page {
	t.Helper()
	return page{t, siotest.Connect(t, h, &siotest.Options{Namespace: "/admin", Auth: auth})}
}

// until returns the next event of that name for which match returns true, if that is not nil,
// and passes over others.
func (p page) until(name string, match func(e *siotest.Event) bool) *siotest.Event {
	p.t.Helper()
	for start := time.Now(); ; {
		e := p.Next()
		if e.Name() == name && (match == nil || match(e)) {
			return e
		}
		if time.Since(start) > time.Minute {
			p.t.Fatalf("no such %q has come; the last event is %s", name, e)
		}
	}
}

// A socket is one as the page gets it.
type socket struct {
	ID, ClientID, Transport, Nsp string
	Data                         map[string]any
	Handshake                    struct {
		Address, Time, URL string
		Headers            map[string]string
		Query              map[string]any
		Issued             float64
		Secure, XDomain    bool
	}
	Rooms []string
}

type stats struct {
	ServerID, Hostname                string
	PID                               int
	Uptime                            float64
	ClientsCount, PollingClientsCount int
	AggregatedEvents                  []struct {
		Timestamp     int64
		Type, SubType string
		Count         int
	}
	Namespaces []struct {
		Name         string
		SocketsCount int
	}
}

func bind[T any](t *testing.T, e *siotest.Event) (v T) {
	t.Helper()
	e.Bind(&v)
	return v
}

func features(t *testing.T, p page) []string {
	t.Helper()
	var config struct{ SupportedFeatures []string }
	p.Expect("config").Bind(&config)
	return config.SupportedFeatures
}

func TestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{})
		for name, auth := range map[string]any{
			"nothing":               nil,
			"a wrong password":      credentials{"username": "admin", "password": "wrong"},
			"a wrong name":          credentials{"username": "root", "password": password},
			"no name":               credentials{"password": password},
			"a session that is not": credentials{"sessionId": "0123456789abcdef"},
			"null for a session":    credentials{"sessionId": nil},
			"something else":        credentials{"username": []int{1}, "password": 2},
		} {
			err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/admin", Auth: auth})
			if err.Message != "invalid credentials" {
				t.Errorf("with %s: %v", name, err)
			}
		}
		p := open(t, srv, login)
		var id string
		p.Expect("session").Bind(&id)
		if got, want := features(t, p), []string{"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT", "AGGREGATED_EVENTS"}; !slices.Equal(got, want) {
			t.Errorf("features %q, want %q", got, want)
		}
		again := open(t, srv, credentials{"sessionId": id})
		features(t, again) // without another session in front of it
		other := mount(t, nil, adminui.Options{})
		features(t, open(t, other, credentials{"sessionId": id}))
	})
}

// The reference's documentation has such a hash, and others write other prefixes.
func TestHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
			srv := sio.New(nil)
			adminui.Mount(srv, &adminui.Options{
				Username:     "admin",
				PasswordHash: prefix + "10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS",
			})
			siotest.Cleanup(t, srv)
			open(t, srv, login).Expect("session")
		}
	})
}

func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{SessionAge: 1500 * time.Millisecond})
		p := open(t, srv, login)
		var id string
		p.Expect("session").Bind(&id)
		features(t, p)
		p.Expect("server_stats") // to this page
		p.Expect("server_stats") // to all
		p.ExpectDisconnect(siotest.TransportClose)
		if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/admin", Auth: credentials{"sessionId": id}}); err.Message != "invalid credentials" {
			t.Error(err)
		}
	})
}

// A session is no attempt: it is good however many others try, from wherever. It ends when it
// ends.
func TestSessionIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{SessionAge: time.Hour})
		first := open(t, srv, login)
		var id string
		first.Expect("session").Bind(&id)
		refused := func(auth any, want string) {
			t.Helper()
			if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/admin", Auth: auth}); !strings.HasPrefix(err.Message, want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		for range 5 {
			refused(credentials{"username": "admin", "password": "wrong"}, "invalid credentials")
		}
		refused(login, "too many attempts")
		start := time.Now()
		p := open(t, srv, credentials{"sessionId": id})
		features(t, p)
		page := srv.Of("/admin").Socket(p.ID())
		<-page.Context().Done()
		if lasted := time.Since(start); lasted > time.Hour || lasted < time.Hour-2*time.Second {
			t.Errorf("it was connected for %v", lasted)
		}
		refused(credentials{"sessionId": id}, "invalid credentials")
	})
}

func TestReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{ReadOnly: true, Mode: adminui.Development, Unprotected: true})
		p := open(t, srv, nil)
		if got, want := features(t, p), []string{"AGGREGATED_EVENTS", "ALL_EVENTS"}; !slices.Equal(got, want) {
			t.Errorf("features %q, want %q", got, want)
		}
		p.Expect("all_sockets")
		c := siotest.Connect(t, srv)
		for _, command := range [][]any{{"_disconnect", "/", false}, {"join", "/", "room"}, {"leave", "/", "room"}, {"emit", "/", nil, "event"}} {
			p.Emit(command[0].(string), command[1:]...)
		}
		p.until("socket_connected", nil)
		if rooms := srv.Rooms(); len(rooms) > 0 {
			t.Errorf("somebody is in %q", rooms)
		}
		c.ExpectNone()
	})
}

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true})
		srv.Of("/chat")
		srv.Of("/tenant-{id}")
		p := open(t, srv, nil)
		a, b := siotest.Connect(t, srv), siotest.Connect(t, srv)
		tenant := a.Of("/tenant-7", nil)

		p.Call("join", "/", "room", a.ID())
		if err := srv.To("room").Emit("hello"); err != nil {
			t.Fatal(err)
		}
		a.Expect("hello")
		p.Call("emit", "/", "room", "news", 1, map[string]any{"deep": []any{"é", nil}})
		a.Expect("news").Is(1, map[string]any{"deep": []any{"é", nil}})
		b.ExpectNone()
		p.Call("emit", "/", nil, "all")
		a.Expect("all")
		b.Expect("all")
		p.Call("emit", "/tenant-7", nil, "tenant")
		tenant.Expect("tenant")
		p.Call("leave", "/", "room")
		if rooms := srv.Rooms(); len(rooms) > 0 {
			t.Errorf("somebody is in %q", rooms)
		}
		p.Call("_disconnect", "/", false, b.ID())
		b.ExpectDisconnect(siotest.ServerDisconnect)
		p.Call("_disconnect", "/", true)
		a.ExpectDisconnect(siotest.ServerDisconnect)
		tenant.ExpectDisconnect(siotest.ServerDisconnect)
	})
}

func TestCommandsThatMakeNoSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true})
		p := open(t, srv, nil)
		c := siotest.Connect(t, srv)
		long := strings.Repeat("x", 1025)
		for _, args := range [][]any{
			{"_disconnect"}, {"_disconnect", "/nowhere", false}, {"_disconnect", "/", "yes"}, {"_disconnect", "/", false, ""},
			{"_disconnect", "/", false, []string{"room"}}, {"_disconnect", 1, false}, {"_disconnect", "/{x}", false},
			{"join", "/", ""}, {"join", "/", nil}, {"join", "/", long}, {"join", "/", "room", 1}, {"join", "/admin", "room"},
			{"emit", "/", nil, "disconnect"}, {"emit", "/", nil}, {"emit", "/", nil, ""}, {"emit", "/admin", nil, "config"}, {"emit", "/", nil, "binary", []byte{1}},
		} {
			p.CallError(args[0].(string), args[1:]...)
		}
		if rooms := srv.Rooms(); len(rooms) > 0 {
			t.Errorf("somebody is in %q", rooms)
		}
		c.ExpectNone()
		if srv.Serves("/nowhere") {
			t.Error("a page has made a namespace")
		}
	})
}

func TestDevelopment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development})
		srv.OnConnect(func(c *sio.Context) error { return c.Set("name", "Ada") })
		srv.On("move", func(c *sio.Context) error {
			c.Leave("room")
			if err := c.Set("score", 7.5); err != nil {
				return err
			}
			return c.Join("other")
		})
		srv.On("echo", func(c *sio.Context) error { return c.Emit("echoed", map[string]int{"n": 1}) })
		a := siotest.Connect(t, srv, &siotest.Options{
			Auth: map[string]string{"password": "of-the-client"},
			Header: http.Header{
				"Authorization": {"Bearer of-the-header"}, "Cookie": {"sid=of-the-cookie; theme=dark"}, "X-Api-Key": {"of-the-key"}, "User-Agent": {"test"},
			},
			Query: map[string][]string{"token": {"of-the-query"}, "lang": {"en"}},
		})
		if err := srv.Join("room"); err != nil {
			t.Fatal(err)
		}
		p := open(t, srv, nil)
		features(t, p)
		e := p.Expect("all_sockets")
		if strings.Contains(e.String(), "of-the-") {
			t.Errorf("a secret is shown: %s", e)
		}
		list := bind[[]socket](t, e)
		i := slices.IndexFunc(list, func(s socket) bool { return s.ID == a.ID() })
		if len(list) != 2 || i < 0 {
			t.Fatalf("%d sockets, want this one and that of the page: %s", len(list), e)
		}
		s := list[i]
		if s.Nsp != "/" || s.Transport != "websocket" || len(s.ClientID) != 8 || !slices.Equal(s.Rooms, []string{"room"}) || s.Data["name"] != "Ada" {
			t.Errorf("%+v", s)
		}
		h := s.Handshake
		if h.Headers["user-agent"] != "test" || h.Headers["authorization"] != "Bearer (hidden)" || h.Headers["cookie"] != "sid=(hidden); theme=(hidden)" ||
			h.Headers["x-api-key"] != "(hidden)" || h.Query["token"] != "(hidden)" || h.Query["lang"] != "en" || h.Query["EIO"] != "4" ||
			!strings.Contains(h.URL, "lang=en") || h.Issued < 9e11 || !strings.HasSuffix(h.Time, "GMT+0000 (Coordinated Universal Time)") {
			t.Errorf("%+v", h)
		}

		about := func(c *siotest.Client) func(e *siotest.Event) bool {
			return func(e *siotest.Event) bool { return strings.Contains(e.String(), c.ID()) }
		}
		stamped := func(e *siotest.Event, want ...any) {
			t.Helper()
			var at time.Time
			got := make([]any, len(want))
			ptrs := make([]any, len(want)+1)
			for i := range got {
				ptrs[i] = &got[i]
			}
			ptrs[len(want)] = &at
			e.Bind(ptrs...)
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			if string(a) != string(b) || time.Since(at).Abs() > time.Minute {
				t.Errorf("%s, want %s", e, b)
			}
		}
		a.Emit("move")
		stamped(p.until("room_left", nil), "/", "room", a.ID())
		stamped(p.until("room_joined", nil), "/", "other", a.ID())
		p.until("socket_updated", nil).Is(map[string]any{"id": a.ID(), "nsp": "/", "data": map[string]any{"name": "Ada", "score": 7.5}})
		stamped(p.until("event_received", nil), "/", a.ID(), []any{"move"})
		a.Emit("echo", 1, strings.Repeat("x", 3000))
		stamped(p.until("event_received", nil), "/", a.ID(), []any{"echo", 1, "(3002 bytes)"})
		stamped(p.until("event_sent", nil), "/", a.ID(), []any{"echoed", map[string]int{"n": 1}})

		b := siotest.Connect(t, srv)
		if s := bind[socket](t, p.until("socket_connected", about(b))); s.ID != b.ID() || s.Rooms == nil {
			t.Errorf("%+v", s)
		}
		b.Disconnect()
		stamped(p.until("socket_disconnected", nil), "/", b.ID(), "client namespace disconnect")
		a.Disconnect()
		stamped(p.until("room_left", nil), "/", "other", a.ID())
		stamped(p.until("socket_disconnected", nil), "/", a.ID(), "client namespace disconnect")
	})
}

func TestMaxSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 40
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development, MaxSockets: most})
		var clients []*siotest.Client
		for range 2 * most {
			clients = append(clients, siotest.Connect(t, srv))
		}
		p := open(t, srv, nil)
		features(t, p)
		list := bind[[]socket](t, p.Expect("all_sockets"))
		if len(list) != most {
			t.Fatalf("%d sockets are listed, want %d", len(list), most)
		}
		if s := bind[stats](t, p.until("server_stats", nil)); s.ClientsCount != 2*most+1 {
			t.Errorf("%d clients are counted, want %d", s.ClientsCount, 2*most+1)
		}
		listed := make(map[string]bool)
		for _, s := range list {
			listed[s.ID] = true
		}
		left := 0
		for _, c := range clients {
			if listed[c.ID()] && left < 10 {
				c.Disconnect()
				left++
			}
		}
		for range left { // their places are taken
			s := bind[socket](t, p.until("socket_connected", nil))
			if listed[s.ID] {
				t.Errorf("%s is told of again", s.ID)
			}
			listed[s.ID] = true
		}
	})
}

func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development})
		p := open(t, srv, nil)
		features(t, p)
		p.Expect("all_sockets")
		siotest.Connect(t, srv)
		p.until("socket_connected", func(e *siotest.Event) bool { return strings.Contains(e.String(), `"nsp":"/"`) })
		const emitted = 5000
		for range emitted {
			if err := srv.Emit("flood"); err != nil {
				t.Fatal(err)
			}
		}
		shown, more := 0, 0
		for shown+more < emitted {
			var args []json.RawMessage
			if e := p.until("event_sent", nil); strings.Contains(e.String(), "(not shown)") {
				var m struct{ Events int }
				e.Bind(nil, nil, &args)
				if err := json.Unmarshal(args[1], &m); err != nil {
					t.Fatal(err)
				}
				more += m.Events
			} else {
				shown++
			}
		}
		if shown > emitted/10 {
			t.Errorf("%d of %d events are shown", shown, emitted)
		}
	})
}

func TestOptions(t *testing.T) {
	for text, o := range map[string]*adminui.Options{
		"Username is missing, or Unprotected":                          nil,
		"PasswordHash is missing, or Unprotected":                      {Username: "admin"},
		"PasswordHash is none of bcrypt":                               {Username: "admin", PasswordHash: password},
		"Unprotected can't be combined with Username and PasswordHash": {Username: "admin", Unprotected: true},
		"Mode is unknown (7)":                                          {Unprotected: true, Mode: 7},
		"SessionAge is negative (-1s)":                                 {Unprotected: true, SessionAge: -time.Second},
		"MaxSockets is negative (-1)":                                  {Unprotected: true, MaxSockets: -1},
		"Namespace is a pattern (/{x})":                                {Unprotected: true, Namespace: "/{x}"},
	} {
		func() {
			defer func() {
				if got := recover(); got != "adminui: Options: "+text {
					t.Errorf("panic %v, want %s", got, text)
				}
			}()
			adminui.Mount(sio.New(nil), o)
		}()
	}
}
