package nats

import (
	"os/exec"
	"strings"
	"testing"
)

// Programs that do not embed a server of NATS do not link one.
func TestNoServerIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(string(out), "github.com/nats-io/nats.go\n") {
		t.Fatalf("no package at all in %q", out)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(pkg, "github.com/nats-io/nats-server") {
			t.Error(pkg)
		}
	}
}
