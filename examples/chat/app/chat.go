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

type message struct {
	post
	From member    `json:"from"`
	At   time.Time `json:"at"`
}

type typing struct {
	Room string `json:"room"`
	On   bool   `json:"on"`
	From member `json:"from"` // ignored when it comes from a client
}

var (
	newMessage  = sio.NewEvent[message]("message:new")
	typingEvent = sio.NewEvent[typing]("typing")

	self = sio.NewKey[member]("member")
)

// serveChat is what the page talks to, on one of the servers.
func serveChat(r *sio.Namespace, server string) {
	// The page hears by the event "presence" who is in its rooms, on whichever server.
	users := presence.New[member](r, &presence.Options{Event: "presence"})

	r.OnConnect(func(c *sio.Context) error {
		var auth struct {
			Name string `json:"name"`
		}
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if err := check("name", auth.Name, maxName); err != nil {
			return err
		}
		return self.Set(c, member{c.ID(), auth.Name, server})
	})

	sio.OnWithAck(r, "room:join", func(c *sio.Context, room string) (receipt, error) {
		if err := check("room", room, maxRoom); err != nil {
			return receipt{}, err
		}
		if !isIn(c, room) && len(rooms(c)) >= maxRooms {
			return receipt{}, &sio.Error{Message: fmt.Sprintf("nobody may be in more than %d rooms", maxRooms)}
		}
		return receipt{"ok"}, users.Enter(c.Socket(), key(room), c.ID(), self.MustGet(c))
	})

	sio.OnWithAck(r, "room:leave", func(c *sio.Context, room string) (receipt, error) {
		c.Leave(key(room))
		return receipt{"ok"}, nil
	})

	sio.OnWithAck(r, "message", func(c *sio.Context, p post) (receipt, error) {
		if !isIn(c, p.Room) {
			return receipt{}, &sio.Error{Message: "you are not in this room"}
		}
		m := message{post: p, From: self.MustGet(c), At: time.Now()}
		return receipt{"ok"}, newMessage.Emit(c.To(key(p.Room)), m)
	})

	typingEvent.On(r, func(c *sio.Context, t typing) error {
		if !isIn(c, t.Room) {
			return nil
		}
		t.From = self.MustGet(c)
		return typingEvent.Emit(c.To(key(t.Room)).Volatile(), t)
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
