package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if !actRole() {
		os.Exit(m.Run())
	}
}

// TestFew measures few clients of sio.
func TestFew(t *testing.T) {
	runtime.LockOSThread() // the server ends with it
	all, err := targets()
	if err != nil {
		t.Fatal(err)
	}
	for _, secure := range []bool{true, false} {
		p := plan{clients: 50, talkers: 5, rest: 300 * time.Millisecond, echo: 200 * time.Millisecond}
		m, err := measure(t.Context(), all[0], secure, p)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("TLS: %t; %+v", secure, *m)
		if m.Heap < 500 || m.Connect <= 0 || m.Again <= 0 || m.Echo <= 0 {
			t.Errorf("TLS: %t; %+v", secure, *m)
		}
		t.Log(markdown(all[:1], map[string][]*measured{all[0].title(true): {m}, all[0].title(false): {m}}, p, 1))
	}
}
