// Package program is the frame of the bench's programs. A program that imports it has its main
// goroutine on the main thread, which lasts: processes end with the thread that has started them,
// and who generates load sets up the thread that it runs on.
package program

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func init() { runtime.LockOSThread() }

// Main runs a program, with a context that ends when it is interrupted. It exits if that fails.
func Main(name string, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
