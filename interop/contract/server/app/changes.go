package app

import (
	"maps"
	"slices"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/interop/contract/server/app/fewer"
)

// Changes are the names of changes to the contract that break clients.
func Changes() []string { return slices.Sorted(maps.Keys(changes)) }

// Types of functions have the names of those that they stand for.
var changes = map[string]func(*parts){
	"field renamed": func(p *parts) {
		type Order struct {
			ID    int      `json:"id"`
			Name  string   `json:"name"` // was title
			Note  string   `json:"note,omitempty"`
			State State    `json:"state"`
			Items []Item   `json:"items"`
			Tags  []string `json:"tags,omitempty"`
			Gift  *Gift    `json:"gift"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"field's type changed": func(p *parts) {
		type Order struct {
			ID    string   `json:"id"` // was a number
			Title string   `json:"title"`
			Note  string   `json:"note,omitempty"`
			State State    `json:"state"`
			Items []Item   `json:"items"`
			Tags  []string `json:"tags,omitempty"`
			Gift  *Gift    `json:"gift"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"field made required": func(p *parts) {
		type Order struct {
			ID    int      `json:"id"`
			Title string   `json:"title"`
			Note  string   `json:"note"` // was omitempty
			State State    `json:"state"`
			Items []Item   `json:"items"`
			Tags  []string `json:"tags,omitempty"`
			Gift  *Gift    `json:"gift"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"field added": func(p *parts) {
		type Order struct {
			ID    int      `json:"id"`
			Title string   `json:"title"`
			Note  string   `json:"note,omitempty"`
			State State    `json:"state"`
			Items []Item   `json:"items"`
			Tags  []string `json:"tags,omitempty"`
			Gift  *Gift    `json:"gift"`
			Rush  bool     `json:"rush"` // is new
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"field no longer nullable": func(p *parts) {
		type Order struct {
			ID    int      `json:"id"`
			Title string   `json:"title"`
			Note  string   `json:"note,omitempty"`
			State State    `json:"state"`
			Items []Item   `json:"items"`
			Tags  []string `json:"tags,omitempty"`
			Gift  Gift     `json:"gift"` // was a pointer
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"answer's field renamed": func(p *parts) {
		type Receipt struct {
			Order int       `json:"order"`
			Sum   float64   `json:"sum"` // was total
			Due   time.Time `json:"due"`
			PDF   []byte    `json:"pdf"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"answer's field became optional": func(p *parts) {
		type Receipt struct {
			Order int       `json:"order"`
			Total float64   `json:"total,omitempty"` // was always there
			Due   time.Time `json:"due"`
			PDF   []byte    `json:"pdf"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"answer's type changed": func(p *parts) { p.shop = shop[Order, string, NoStock] },
	"answer became a list":  func(p *parts) { p.shop = shop[Order, []Receipt, NoStock] },
	"attachment became text": func(p *parts) {
		type Receipt struct {
			Order int       `json:"order"`
			Total float64   `json:"total"`
			Due   time.Time `json:"due"`
			PDF   string    `json:"pdf"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"failure's field renamed": func(p *parts) {
		type NoStock struct {
			Article string `json:"article"` // was item
			Left    int    `json:"left"`
		}
		p.shop = shop[Order, Receipt, NoStock]
	},
	"argument became a list": func(p *parts) { p.shop = shop[[]Order, Receipt, NoStock] },
	"argument removed":       func(p *parts) { p.shop = shop[struct{}, Receipt, NoStock] },
	"event removed":          func(p *parts) { p.admin = func(sio.Router) {} },
	"event of the server removed": func(p *parts) {
		p.tenant = func(r sio.Router) {
			sio.OnWithAck(r, "where", func(*sio.Context, struct{}) (string, error) { return "", nil })
			sio.On(r, "say", func(*sio.Context, int) error { return nil })
		}
	},
	"event of the server changed": func(p *parts) {
		p.tenant = func(r sio.Router) {
			sio.OnWithAck(r, "where", func(*sio.Context, struct{}) (string, error) { return "", nil })
			sio.On(r, "say", func(*sio.Context, int) error { return nil })
			r.Declare(sio.NewEvent[string]("said"))
		}
	},
	"event lost its answer": func(p *parts) {
		p.tenant = func(r sio.Router) {
			sio.On(r, "where", func(*sio.Context, struct{}) error { return nil })
			sio.On(r, "say", func(*sio.Context, int) error { return nil })
			r.Declare(sio.NewEvent[int]("said"))
		}
	},
	"value of an enum removed":  func(p *parts) { p.events = events[fewer.Mood, Rank] },
	"number of an enum removed": func(p *parts) { p.events = events[Mood, fewer.Rank] },
	"auth's field made required": func(p *parts) {
		type Credential struct {
			Token string `json:"token"`
			Since int    `json:"since"`
		}
		p.admin = admin[Credential, Refusal]
	},
	"auth's field renamed": func(p *parts) {
		type Credential struct {
			Key   string `json:"key"`
			Since int    `json:"since,omitempty"`
		}
		p.admin = admin[Credential, Refusal]
	},
	"refusal's field renamed": func(p *parts) {
		type Refusal struct {
			Again bool   `json:"again"`
			Hint  string `json:"hint,omitempty"`
		}
		p.admin = admin[Credential, Refusal]
	},
	"namespace removed": func(p *parts) { p.gate = nil },
}
