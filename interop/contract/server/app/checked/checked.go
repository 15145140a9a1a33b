// Package checked is a server that keeps the rules of its types.
package checked

import (
	"github.com/siokit/sio"
	"github.com/siokit/sio/validate"
)

// A User signs up.
type User struct {
	Name    string   `json:"name" validate:"required,max=5"`
	Mail    string   `json:"mail" validate:"omitempty,email"`
	Age     int      `json:"age" validate:"gte=18,lte=130"`
	Friend  *string  `json:"friend" validate:"required"`
	Plan    string   `json:"plan" validate:"oneof=free paid"`
	Phones  []string `json:"phones" validate:"required,min=1,dive,e164"`
	Address *Address `json:"address"`
}

// An Address is where a [User] lives.
type Address struct {
	Street string `json:"street" validate:"required"`
}

// A Token is shown by all.
type Token struct {
	Key string `json:"key" validate:"required"`
}

// A Reason is why a user can't sign up.
type Reason struct {
	Taken bool `json:"taken"`
}

// Server returns the server, for siogen.
func Server() *sio.Server {
	srv := sio.New(&sio.Options{Validator: siovalidate.New()})
	sio.OnConnect(srv, func(*sio.Context, Token) error { return nil })
	sio.OnWithAck(srv, "sign up", func(_ *sio.Context, u User) (string, error) {
		if u.Name == "taken" {
			return "", &sio.Error{Message: "taken", Data: Reason{Taken: true}}
		}
		return u.Name, nil
	})
	srv.Declare(sio.AckError[Reason]{"sign up"})
	return srv
}
