package app

import "github.com/siokit/sio/contract"

// Options are those of what is generated.
func Options() *contract.Options { return nil }
