package contract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siokit/sio/contract"
)

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.ts")
	want := []byte("one\ntwo\n")
	if err := contract.Check(file, want); err == nil || !strings.Contains(err.Error(), "siogen") {
		t.Errorf("no file: %v", err)
	}
	for _, c := range []struct{ text, err string }{
		{"one\ntwo\n", ""},
		{"one\r\ntwo\r\n", ""},
		{"one\nTwo\n", `line 2 is "Two", not "two"`},
		{"one\n", `line 2 is "", not "two"`},
		{"one\ntwo\nthree\n", `line 3 is "three", not ""`},
		{"one\ntwo", `line 3 is not there, not ""`},
		{"", `line 1 is "", not "one"`},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := contract.Check(file, want)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%q: %v, not %s", c.text, err, c.err)
		}
	}
}
