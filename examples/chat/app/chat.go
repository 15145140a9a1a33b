package app

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/siokit/sio"
	"github.com/siokit/sio/presence"
)

// What users send, in characters, and how many rooms one of them may be in.
const (
	maxName  = 32
	maxRoom  = 32
	maxText  = 2000
	maxID    = 32
	maxRooms = 16
)

// A member is a user as the others see them.
type member struct {
	ID     string `json:"id"` // of the socket
	Name   string `json:"name"`
	Server string `json:"server,omitempty"` // of the cluster, if there is one
}

// A user is who wants in.
type user struct {
	Name string `json:"name"`
}

// Validate is called before the connect handler.
func (u user) Validate() error { return check("name", u.Name, maxName) }

// A post is what a client asks to have sent to a room. The ID is its own: it
// tells the others that a message, sent again, is one that they have.
type post struct {
	ID   string `json:"id"`
	Room string `json:"room"`
	Text string `json:"text"`
}

// Validate is called before the handler of a post.
func (p post) Validate() error {
	if err := check("id", p.ID, maxID); err != nil {
		return err
	}
	return check("message", p.Text, maxText)
}

// A message is a post as the room gets it.
type message struct {
	post
	From member    `json:"from"`
	At   time.Time `json:"at"`
}

// A signal is what a client says of its user, who types or does not any more.
type signal struct {
	Room string `json:"room"`
	On   bool   `json:"on"`
}

// A typing is a signal as the room gets it.
type typing struct {
	Room string `json:"room"`
	On   bool   `json:"on"`
	From member `json:"from"`
}

var (
	joinRoom    = sio.NewEventWithAck[string, receipt]("room:join")
	leaveRoom   = sio.NewEventWithAck[string, receipt]("room:leave")
	postMessage = sio.NewEventWithAck[post, receipt]("message")
	userTypes   = sio.NewEvent[signal]("typing")

	newMessage  = sio.NewEvent[message]("message:new")
	typingEvent = sio.NewEvent[typing]("typing")
	whoIsThere  = sio.NewEvent[presence.Change[member]]("presence")

	self = sio.NewKey[member]("member")
)

// serveChat is what the page talks to, on one of the servers.
func serveChat(r *sio.Namespace, server string) {
	// The page hears by the event "presence" who is in its rooms, on whichever server.
	users := presence.New[member](r, &presence.Options{Event: whoIsThere.Name()})
	r.Declare(newMessage, typingEvent, whoIsThere)

	sio.OnConnect(r, func(c *sio.Context, u user) error {
		return self.Set(c, member{c.ID(), u.Name, server})
	})

	joinRoom.On(r, func(c *sio.Context, room string) (receipt, error) {
		if err := check("room", room, maxRoom); err != nil {
			return receipt{}, err
		}
		if !isIn(c, room) && len(rooms(c)) >= maxRooms {
			return receipt{}, &sio.Error{Message: fmt.Sprintf("nobody may be in more than %d rooms", maxRooms)}
		}
		return receipt{"ok"}, users.Enter(c.Socket(), key(room), c.ID(), self.MustGet(c))
	})

	leaveRoom.On(r, func(c *sio.Context, room string) (receipt, error) {
		c.Leave(key(room))
		return receipt{"ok"}, nil
	})

	postMessage.On(r, func(c *sio.Context, p post) (receipt, error) {
		if !isIn(c, p.Room) {
			return receipt{}, &sio.Error{Message: "you are not in this room"}
		}
		m := message{post: p, From: self.MustGet(c), At: time.Now()}
		return receipt{"ok"}, newMessage.Emit(c.To(key(p.Room)), m)
	})

	userTypes.On(r, func(c *sio.Context, s signal) error {
		if !isIn(c, s.Room) {
			return nil
		}
		return typingEvent.Emit(c.To(key(s.Room)).Volatile(), typing{s.Room, s.On, self.MustGet(c)})
	})
}

// Rooms that users name have a prefix: a socket's id is a room too, and no user
// should get into that of another.
const prefix = "room:"

func key(room string) string { return prefix + room }

func isIn(c *sio.Context, room string) bool { return slices.Contains(c.Rooms(), key(room)) }

// rooms returns those that the user has joined.
func rooms(c *sio.Context) []string {
	var rooms []string
	for _, k := range c.Rooms() {
		if room, ok := strings.CutPrefix(k, prefix); ok {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// check tells the client what is wrong with something that a user has entered.
func check(what, s string, most int) error {
	if n := utf8.RuneCountInString(s); n > 0 && n <= most && strings.TrimSpace(s) == s {
		return nil
	}
	return &sio.Error{Message: fmt.Sprintf("the %s must have 1 to %d characters, with no space around them", what, most)}
}
