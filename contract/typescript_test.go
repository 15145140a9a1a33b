package contract_test

import (
	"flag"
	"os"
	"testing"

	"github.com/siokit/sio/contract"
)

var update = flag.Bool("update", false, "write the golden files")

func TestTypeScript(t *testing.T) {
	got, err := contract.TypeScript(newServer().Contract(), &contract.Options{Overrides: map[string]contract.Override{
		"github.com/siokit/sio/contract_test.Decimal": {TypeScript: "`${number}`"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/contract.ts"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := contract.Check(golden, got); err != nil {
		t.Error(err)
	}
}
