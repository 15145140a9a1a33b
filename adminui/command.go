package adminui

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/siokit/sio"
)

// maxName bounds the names of rooms and events that a page may send.
const maxName = 1024

// An order is a command: it is done to all sockets of a namespace, or to those in a room.
type order struct {
	target sio.Target
	room   string // to join or leave
	close  bool   // the connection, too
	event  string
	args   []any
}

// A command reads the arguments that it has, and returns what is to be done.
type command func(args *arguments, o *order) (name string, do func(order) error)

func join(args *arguments, o *order) (string, func(order) error) {
	o.room = args.name("room")
	args.filter(o)
	return "join", func(o order) error { return o.target.Join(o.room) }
}

func leave(args *arguments, o *order) (string, func(order) error) {
	o.room = args.name("room")
	args.filter(o)
	return "leave", func(o order) error { return o.target.Leave(o.room) }
}

func disconnect(args *arguments, o *order) (string, func(order) error) {
	if !args.absent() {
		args.read("close", &o.close)
	} else {
		args.skip()
	}
	args.filter(o)
	return "disconnect", func(o order) error { return o.target.Disconnect(o.close) }
}

func emit(args *arguments, o *order) (string, func(order) error) {
	args.filter(o)
	o.event = args.name("event")
	o.args = args.rest()
	return "emit", func(o order) error { return o.target.Emit(o.event, o.args...) }
}

// command returns the handler of a command. Page and server need not agree on what there is, so
// that nothing is done of what makes no sense.
func (u *ui) command(read command) sio.Handler {
	return func(c *sio.Context) error {
		args := &arguments{args: c.Args()}
		nsp := args.name("namespace")
		if args.err == nil && (!u.srv.Serves(nsp) || nsp == u.nsp.Name() && c.Event() != "_disconnect") {
			args.refuse("the namespace is unknown, or the Admin UI's")
		}
		if args.err != nil {
			return args.err
		}
		o := order{target: u.srv.Of(nsp).All()}
		name, do := read(args, &o)
		if args.err != nil {
			return args.err
		}
		err := do(o)
		line := c.Logger().Warn() // at a level that is seen: there are few
		if err != nil {
			line = c.Logger().Error().Err(err)
		}
		line.Str("command", name).Str("nsp", public(nsp)).Str("filter", u.loggable(nsp, args.only)).Str("room", u.loggable(nsp, o.room)).
			Str("event", o.event).Str("admin", c.Socket().LogID()).Str("address", c.Handshake().Address).Msg("admin command")
		if err != nil {
			return &sio.Error{Message: "the command has failed: see the server's log", Err: err}
		}
		return c.Ack() // the page does not ask for it
	}
}

// sessionIDLen is how long the ids of sessions are, on all servers.
const sessionIDLen = 20

// loggable returns what the log has of a room's name: not all of what may be a credential. Clients
// of Socket.IO 2 have sockets whose ids are that of the session, or end with it behind a #. Those
// of other servers are not known here, so that of every id that looks like it only the first 8
// characters are left, as elsewhere in the log.
func (u *ui) loggable(nsp, room string) string {
	if s := u.srv.Of(nsp).Socket(room); s != nil {
		return s.LogID()
	}
	head, id := "", room
	if i := strings.LastIndexByte(room, '#'); i >= 0 {
		head, id = public(room[:i])+"#", room[i+1:]
	}
	if len(id) != sessionIDLen || strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return room
	}
	return head + id[:8] + "…"
}

// public returns the name of a namespace without what is behind a "?", which may be a credential.
func public(nsp string) string {
	name, _, _ := strings.Cut(nsp, "?")
	return name
}

// arguments are read one after the other, until one is wrong.
type arguments struct {
	args sio.Args
	next int
	only string // the filter
	err  error
}

func (a *arguments) refuse(format string, args ...any) {
	if a.err == nil {
		a.err = &sio.Error{Message: fmt.Sprintf(format, args...)}
	}
}

// absent tells whether the next one was left out. JavaScript's undefined arrives as null.
func (a *arguments) absent() bool {
	return a.next >= a.args.Len() || string(a.args.Raw(a.next)) == "null"
}

func (a *arguments) skip() { a.next++ }

func (a *arguments) read(what string, ptr any) {
	if a.absent() || json.Unmarshal(a.args.Raw(a.next), ptr) != nil {
		a.refuse("the %s is missing or wrong", what)
	}
	a.next++
}

func (a *arguments) name(what string) (name string) {
	a.read(what, &name)
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		a.refuse("the %s is missing or wrong", what)
	}
	return name
}

// filter reads which sockets are meant: those in a room, of which the id of a socket is one, or
// all if there is none. A filter that is empty by mistake does not mean all.
func (a *arguments) filter(o *order) {
	if a.absent() {
		a.skip()
		return
	}
	if a.only = a.name("filter"); a.err == nil {
		o.target = o.target.To(a.only)
	}
}

// rest returns the others as they are.
func (a *arguments) rest() []any {
	if len(a.args.Attachments()) > 0 {
		a.refuse("binary arguments are not passed on")
		return nil
	}
	var rest []any
	for ; a.next < a.args.Len(); a.next++ {
		rest = append(rest, json.RawMessage(a.args.Raw(a.next)))
	}
	return rest
}
