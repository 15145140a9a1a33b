package process

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// Build runs commands in dir, in order, which make what is called name.
func Build(ctx context.Context, name, dir string, commands [][]string, log io.Writer) error {
	for _, command := range commands {
		fmt.Fprintf(log, "building %s: %s\n", name, strings.Join(command, " "))
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = dir
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
