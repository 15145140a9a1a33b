package adminui

import (
	"time"

	"github.com/siokit/sio"
)

var (
	// The page knows this text.
	errInvalid  = &sio.Error{Message: "invalid credentials"}
	errAttempts = &sio.Error{Message: "too many attempts, try again in a minute"}
)

// credentials are what a page sends with its CONNECT: the id of a session that it has, or what
// was typed.
type credentials struct {
	SessionID string `json:"sessionId"`
	Username  string `json:"username"`
	Password  string `json:"password"`
}

// connect lets a page in.
func (u *ui) connect(c *sio.Context) error {
	if u.door == nil {
		return nil
	}
	var cred credentials
	if c.BindAuth(&cred) != nil {
		return errInvalid
	}
	now := time.Now()
	if until, ok := u.key.check(cred.SessionID, now); ok {
		c.ExpireAt(until)
		return nil
	}
	if cred.Username == "" && cred.Password == "" { // only a session that is over
		return errInvalid
	}
	address := c.Handshake().Address
	switch u.door.knock(c.Context(), address, cred.Username, cred.Password) {
	case tooMany:
		c.Logger().Debug().Str("address", address).Msg("admin login not checked: too many attempts")
		return errAttempts
	case mistaken: // as many as the door bounds
		c.Logger().Warn().Str("address", address).Msg("admin login failed")
		return errInvalid
	}
	c.Logger().Warn().Str("address", address).Str("socket", c.Socket().LogID()).Msg("admin logged in")
	until := now.Add(u.opts.SessionAge)
	c.ExpireAt(until)
	return c.Emit("session", u.key.issue(until)) // behind the answer: only then the page listens
}
