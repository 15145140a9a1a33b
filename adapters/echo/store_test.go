package sioecho

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/labstack/echo/v4"
)

// A named interface, embedded, gives its field another name than echo.Context.
type appContext interface{ echo.Context }

// Ways to wrap a context, as applications do.
type (
	byInterface struct{ echo.Context }
	byOther     struct{ appContext }
	nested      struct{ byInterface }
	withStore   struct {
		echo.Context
		store map[string]any // of its own
	}
)

// The keys of what was set are read from a field that Echo does not export. This
// fails when another version of Echo has renamed it or changed its type.
func TestStoreKeys(t *testing.T) {
	base := echo.New().NewContext(httptest.NewRequest("GET", "/", nil), httptest.NewRecorder())
	if keys := storeKeys(base); len(keys) != 0 {
		t.Errorf("keys %q of an empty store", keys)
	}
	base.Set("user", "ada")
	base.Set("", nil)
	base.Set("n", 1)
	for name, c := range map[string]echo.Context{
		"Echo's own":         base,
		"a struct":           byInterface{base},
		"a pointer":          &byInterface{base},
		"twice":              byInterface{&byInterface{base}},
		"a struct within":    nested{byInterface{base}},
		"another field":      &byOther{base},
		"a store of its own": &withStore{base, map[string]any{"not": "Echo's"}},
		"all of them":        &nested{byInterface{byOther{&withStore{base, nil}}}},
	} {
		keys := storeKeys(c)
		slices.Sort(keys)
		if !slices.Equal(keys, []string{"", "n", "user"}) {
			t.Errorf("%s: keys %q", name, keys)
		}
	}
}
