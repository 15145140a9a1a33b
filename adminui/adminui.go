package adminui

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/siokit/sio"
)

// A Mode says how much the page shows.
type Mode int

const (
	Production  Mode = iota // numbers
	Development             // sockets, rooms and events, too
)

// Options say who may look at the server, and at what. All servers of a cluster are to have the
// same, but for ServerID.
type Options struct {
	// Username and PasswordHash are what an administrator logs in with. The hash is one of
	// bcrypt, with any of the prefixes $2a$, $2b$ and $2y$. It is a secret: who knows it can
	// make sessions.
	Username     string
	PasswordHash string
	// Unprotected lets everybody in, without a password. It is for servers that nobody else
	// can reach, and can't be combined with the two.
	Unprotected bool
	// SessionAge is for how long a login is good. Then the page's connection is closed, and the
	// page connects with its password, or asks for one. Default 24 h.
	SessionAge time.Duration

	// Mode is Production by default.
	Mode Mode
	// ReadOnly has the server refuse commands: to emit, to have sockets join or leave rooms,
	// and to disconnect them.
	ReadOnly bool
	// MaxSockets is how many sockets the page lists, of all servers together. While servers
	// learn of each other, and where there are so many that the share of each is less than 20,
	// it may be twice as many. With 2,000 the page stands still for half a
	// second when it gets them, with 5,000 for many. Default 1,000.
	MaxSockets int

	// Namespace is what the page connects to. Default "/admin".
	Namespace string
	// ServerID tells this server from others. Default: the host's name, the process id, and six
	// letters and digits by chance.
	ServerID string

	// Data returns what is shown as the data of a socket: anything that encoding/json encodes
	// as an object, of 4 KiB at most. It must not block. A panic is shown. Default: the plain
	// ones of the values that are stored under strings.
	Data func(s *sio.Socket) any
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	bad := func(format string, args ...any) { panic("adminui: Options: " + fmt.Sprintf(format, args...)) }
	switch {
	case out.Unprotected && out.Username+out.PasswordHash != "":
		bad("Unprotected can't be combined with Username and PasswordHash")
	case out.Unprotected:
	case out.Username == "":
		bad("Username is missing, or Unprotected")
	case out.PasswordHash == "":
		bad("PasswordHash is missing, or Unprotected")
	default:
		if _, err := bcrypt.Cost([]byte(out.PasswordHash)); err != nil || len(out.PasswordHash) != hashLen {
			bad("PasswordHash is none of bcrypt") // and is not shown
		}
	}
	if out.Mode != Production && out.Mode != Development {
		bad("Mode is unknown (%d)", out.Mode)
	}
	if out.SessionAge < 0 {
		bad("SessionAge is negative (%v)", out.SessionAge)
	}
	if out.MaxSockets < 0 {
		bad("MaxSockets is negative (%d)", out.MaxSockets)
	}
	out.SessionAge = cmp.Or(out.SessionAge, 24*time.Hour)
	out.MaxSockets = cmp.Or(out.MaxSockets, 1000)
	out.Namespace = cmp.Or(out.Namespace, "/admin")
	if !strings.HasPrefix(out.Namespace, "/") {
		out.Namespace = "/" + out.Namespace
	}
	if len(out.ServerID) > maxServerID {
		bad("ServerID has more than %d bytes", maxServerID)
	}
	if strings.ContainsAny(out.Namespace, "{}") {
		bad("Namespace is a pattern (%s)", out.Namespace)
	}
	out.ServerID = cmp.Or(out.ServerID, defaultID())
	return out
}

// hashLen is how long what bcrypt makes is; its package takes longer ones, which match nothing.
const hashLen = 60

// defaultID has letters by chance: in containers, hosts may have the same name, and all processes
// the same id.
func defaultID() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%.64s#%d-%s", cmp.Or(host, "server"), os.Getpid(), strings.ToLower(rand.Text()[:6]))
}

// maxPages bounds how many pages are served at a time: each is told everything.
const maxPages = 32

var errTooMany = &sio.Error{Message: "too many pages are open"}

// A ui is the Admin UI's server.
type ui struct {
	opts  Options
	srv   *sio.Server
	nsp   *sio.Namespace
	born  time.Time
	door  *door // nil if nothing is asked
	key   sessionKey
	feed  *feed // nil in production
	count counters

	ctx    context.Context // ends with the server
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   chan struct{} // there is somebody to greet

	mu sync.Mutex // protects the following
	audience
}

// Mount lets the Admin UI connect to a server. It is to be called once, before clients come, and
// ends with the Shutdown of the server. It panics if the options make no sense, or if the
// application has handlers of its own in the namespace.
func Mount(srv *sio.Server, o *Options) { mount(srv, o) }

func mount(srv *sio.Server, o *Options) *ui {
	u := &ui{opts: o.withDefaults(), srv: srv, born: time.Now(), wake: make(chan struct{}, 1)}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	u.audience.init()
	if !u.opts.Unprotected {
		u.door = newDoor(u.opts.Username, u.opts.PasswordHash)
		u.key = newSessionKey(&u.opts)
	}
	if u.opts.Mode == Development {
		u.feed = newFeed(u)
	}
	u.observe() // first: events of other servers may come as soon as there is a handler
	u.nsp = srv.Of(u.opts.Namespace)
	u.nsp.OnConnect(u.connect)
	u.nsp.OnConnected(u.connected)
	u.nsp.OnDisconnect(func(c *sio.Context) error { u.leave(c.Socket()); return nil })
	if !u.opts.ReadOnly {
		u.nsp.On("emit", u.command(emit))
		u.nsp.On("join", u.command(join))
		u.nsp.On("leave", u.command(leave))
		u.nsp.On("_disconnect", u.command(disconnect))
	}
	u.nsp.OnServerEvent(wordEvent, u.hear)
	u.nsp.Watch(watcher{u})
	return u
}

// A watcher hears when the server ends.
type watcher struct{ u *ui }

func (watcher) Connected(*sio.Socket)      {}
func (watcher) Left(*sio.Socket, []string) {}
func (w watcher) Shutdown() {
	w.u.mu.Lock() // nothing is started any more
	w.u.cancel()
	w.u.mu.Unlock()
	w.u.wg.Wait()
}

// features are what the page can do.
func (u *ui) features() []string {
	var f []string
	if !u.opts.ReadOnly {
		f = append(f, "EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT")
	}
	f = append(f, "AGGREGATED_EVENTS")
	if u.feed != nil {
		f = append(f, "ALL_EVENTS")
	}
	return f
}

type config struct {
	SupportedFeatures []string `json:"supportedFeatures"`
}

// connected has a page told what there is. It listens from when its CONNECT is answered.
func (u *ui) connected(c *sio.Context) error {
	if err := c.Emit("config", config{u.features()}); err != nil {
		return err
	}
	if !u.enter(c.Socket()) {
		c.Disconnect()
		return errTooMany
	}
	return nil
}
