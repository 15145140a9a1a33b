package agreement

import (
	"os"
	"testing"
)

// TestMain hides the go command: the schemas are made without the sources of types, whose
// comments are not needed, in a hundredth of the time.
func TestMain(m *testing.M) {
	if err := os.Setenv("PATH", ""); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
