package contract

import "github.com/google/jsonschema-go/jsonschema"

// The parts of an AsyncAPI document that are used here:
// https://www.asyncapi.com/docs/reference/specification/v3.1.0

type document struct {
	AsyncAPI           string                `json:"asyncapi"`
	Info               info                  `json:"info"`
	DefaultContentType string                `json:"defaultContentType"`
	Servers            map[string]server     `json:"servers,omitempty"`
	Channels           map[string]*channel   `json:"channels"`
	Operations         map[string]*operation `json:"operations"`
	Components         components            `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

type server struct {
	Host        string `json:"host"`
	Pathname    string `json:"pathname"`
	Protocol    string `json:"protocol"`
	Description string `json:"description,omitempty"`
}

type channel struct {
	Address     *string              `json:"address"` // null if only the server knows which names there are
	Title       string               `json:"title"`
	Description string               `json:"description,omitempty"`
	Parameters  map[string]parameter `json:"parameters,omitempty"`
	Messages    map[string]*message  `json:"messages"`
}

type parameter struct {
	Description string `json:"description"`
}

type message struct {
	Name        string             `json:"name,omitempty"`
	Title       string             `json:"title"`
	Description string             `json:"description,omitempty"`
	Traits      []reference        `json:"traits"`
	Payload     *jsonschema.Schema `json:"payload"`
}

type trait struct {
	Description   string             `json:"description"`
	Headers       *jsonschema.Schema `json:"headers"`
	CorrelationID *correlation       `json:"correlationId,omitempty"`
}

type correlation struct {
	Location string `json:"location"`
}

type operation struct {
	Action   string      `json:"action"`
	Channel  reference   `json:"channel"`
	Title    string      `json:"title"`
	Messages []reference `json:"messages"`
	Reply    *reply      `json:"reply,omitempty"`
}

type reply struct {
	Channel  reference   `json:"channel"`
	Messages []reference `json:"messages"`
}

type components struct {
	Schemas       map[string]*jsonschema.Schema `json:"schemas"`
	MessageTraits map[string]trait              `json:"messageTraits"`
}

type reference struct {
	Ref string `json:"$ref"`
}
