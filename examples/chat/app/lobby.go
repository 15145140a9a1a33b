package app

import "github.com/siokit/sio"

// A text is what is said in the lobby.
type text struct {
	Text string `json:"text"`
}

// A receipt says that what a client has asked for is done.
type receipt struct {
	Status string `json:"status"`
}

// A ticket opens the lobby.
type ticket struct {
	Token string `json:"token"`
}

var (
	systemMessage = sio.NewEvent[text]("system_message")
	sayInLobby    = sio.NewEventWithAck[text, receipt]("chat_message")
	chatMessage   = sio.NewEvent[text]("chat_message")
)

// serveLobby is the smallest chat: one room, and a token that opens it to
// everybody but those whose token is "wrong".
func serveLobby(ns *sio.Namespace) {
	ns.Declare(systemMessage, chatMessage)

	sio.OnConnect(ns, func(c *sio.Context, t *ticket) error { // nil without one
		if t != nil && t.Token == "wrong" {
			return &sio.Error{Message: "not authorized"}
		}
		if err := c.Join("lobby"); err != nil {
			return err
		}
		return systemMessage.Emit(c, text{"Welcome!"})
	})

	sayInLobby.On(ns, func(c *sio.Context, m text) (receipt, error) {
		return receipt{"ok"}, chatMessage.Emit(ns.To("lobby"), m)
	})
}
