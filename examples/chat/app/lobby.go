package app

import "github.com/siokit/sio"

type text struct {
	Text string `json:"text"`
}

type receipt struct {
	Status string `json:"status"`
}

var (
	systemMessage = sio.NewEvent[text]("system_message")
	chatMessage   = sio.NewEvent[text]("chat_message")
)

// serveLobby is the smallest chat: one room, and a token that opens it to
// everybody but those whose token is "wrong".
func serveLobby(ns *sio.Namespace) {
	ns.OnConnect(func(c *sio.Context) error {
		var auth struct {
			Token string `json:"token"`
		}
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if auth.Token == "wrong" {
			return &sio.Error{Message: "not authorized"}
		}
		if err := c.Join("lobby"); err != nil {
			return err
		}
		return systemMessage.Emit(c, text{"Welcome!"})
	})

	sio.OnWithAck(ns, chatMessage.Name(), func(c *sio.Context, m text) (receipt, error) {
		return receipt{"ok"}, chatMessage.Emit(ns.To("lobby"), m)
	})
}
