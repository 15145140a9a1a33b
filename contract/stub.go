// Package contract: a stub.
package contract

import (
	"fmt"

	"github.com/siokit/sio"
)

type Options struct{ Dir, Title string }

func TypeScript(c sio.Contract, o *Options) ([]byte, error) {
	var b []byte
	b = fmt.Appendf(b, "// stub %s\n", o.Title)
	for _, n := range c.Namespaces {
		for _, e := range n.Receive {
			b = fmt.Appendf(b, "%s %s %v\n", n.Name, e.Name, e.Arg)
		}
	}
	return b, nil
}

func AsyncAPI(c sio.Contract, o *Options) ([]byte, error) { return fmt.Appendf(nil, "{\"asyncapi\":%q}\n", o.Title), nil }
func Page(c sio.Contract, o *Options) ([]byte, error)     { return []byte("<!doctype html>\n"), nil }
