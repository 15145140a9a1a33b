package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// build runs the build commands of a target.
func build(ctx context.Context, t target, log io.Writer) error {
	for _, command := range t.Build {
		fmt.Fprintf(log, "building %s: %s\n", t.Name, strings.Join(command, " "))
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = t.Dir
		// Package managers start processes of their own, which are to end with them.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		var output tail
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w; %s", strings.Join(command, " "), err, &output)
		}
	}
	return nil
}
