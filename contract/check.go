package contract

import (
	"bytes"
	"fmt"
	"os"
)

// Check reports whether a file is what would be written now, for a test of one's own:
//
//	want, err := contract.TypeScript(newServer().Contract(), nil)
//	…
//	if err := contract.Check("../web/events.ts", want); err != nil {
//		t.Error(err)
//	}
//
// Line ends of Windows make no difference.
func Check(file string, want []byte) error {
	got, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("contract: %w: run siogen, or go generate", err)
	}
	got, want = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if bytes.Equal(got, want) {
		return nil
	}
	is, shall := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := 0; ; i++ {
		a, b := line(is, i), line(shall, i)
		if a != b {
			return fmt.Errorf("contract: %s does not have the types of the server: line %d is %s, not %s: run siogen, or go generate", file, i+1, a, b)
		}
	}
}

func line(lines [][]byte, i int) string {
	if i >= len(lines) {
		return "not there"
	}
	return fmt.Sprintf("%q", lines[i])
}
