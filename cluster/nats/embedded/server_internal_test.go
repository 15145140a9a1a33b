package embedded

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// TestLevels has what is no warning.
func TestLevels(t *testing.T) {
	var out strings.Builder
	l := &logger{log: zerolog.New(&out)}
	l.Errorf("Error trying to connect to route (attempt %v): %v", 1, "refused")
	l.Errorf("Error trying to connect to route (attempt %v): %v", 2, "refused")
	l.Errorf("Error flushing: %v", "broken pipe")
	const want = `{"level":"info","message":"Error trying to connect to route (attempt 1): refused"}
{"level":"warn","message":"Error trying to connect to route (attempt 2): refused"}
{"level":"warn","message":"Error flushing: broken pipe"}
`
	if out.String() != want {
		t.Errorf("logged:\n%s", &out)
	}
}
