package contract

import (
	"fmt"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/model"
)

// Options say how the types of a contract are found. The zero value and nil are useful.
type Options struct {
	// Dir is a folder in the module whose types these are, for comments and constants:
	// they are read from the sources by the go command. Default: the working directory.
	// Where there are no sources, such as beside a binary, there are no comments and no
	// constants, and a file that is made there differs. See Warn.
	Dir string

	// Overrides says what types are that encode themselves: types with a MarshalJSON
	// are unknown otherwise. The keys are such as "github.com/shopspring/decimal.Decimal";
	// types without a name are written as in Go, such as "[]byte". A key without a type
	// is an error.
	Overrides map[string]Override

	// Warn, if set, is told of what is missing in the output, such as the comments of a
	// package whose sources are not there.
	Warn func(text string)

	// Info is for AsyncAPI and Page.
	Info Info
}

// An Override is what a type is for clients, both ways.
type Override struct {
	TypeScript string // such as "string" or "`${number}`"; "unknown" if it is ""
	Schema     []byte // a JSON Schema, such as {"type":"string"}; any JSON if it is nil
}

// modelOf finds out which JSON the types of a contract are.
func modelOf(c sio.Contract, o *Options) (*model.Model, error) {
	if o == nil {
		o = new(Options)
	}
	overrides := make(map[string]model.Replacement, len(o.Overrides))
	for name, r := range o.Overrides {
		overrides[name] = model.Replacement(r)
	}
	names := reserved(c)
	m, err := model.New(c, model.Options{Dir: o.Dir, Overrides: overrides, Reserved: names})
	if err == nil {
		if more := taken(m, c); more != nil {
			m, err = model.New(c, model.Options{Dir: o.Dir, Overrides: overrides, Reserved: append(names, more...)})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	for _, path := range m.NoSource {
		if o.Warn != nil {
			o.Warn("no sources of package " + path + ": comments and constants of its types are missing")
		}
	}
	return m, nil
}
