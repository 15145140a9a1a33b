package app

import "github.com/siokit/sio/contract"

// Options are those of what is generated.
func Options() *contract.Options {
	return &contract.Options{Overrides: map[string]contract.Override{
		"github.com/siokit/sio/interop/contract/server/app.Money": {TypeScript: "`${number} ${string}`", Schema: []byte(`{"type":"string"}`)},
	}}
}
