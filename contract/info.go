package contract

import "cmp"

// An Info says what a contract is of: what the AsyncAPI document and the page have above
// the namespaces.
type Info struct {
	Title       string   // default "Socket.IO API"
	Version     string   // of the contract; default "0"
	Description string   // CommonMark in the document, plain text on the page
	Servers     []Server // where it is reached; default none
}

// A Server is where clients connect to.
type Server struct {
	URL         string // such as "https://example.com" or "wss://example.com/socket.io/"
	Description string
}

func (o *Options) info() Info {
	var i Info
	if o != nil {
		i = o.Info
	}
	i.Title, i.Version = cmp.Or(i.Title, "Socket.IO API"), cmp.Or(i.Version, "0")
	return i
}
