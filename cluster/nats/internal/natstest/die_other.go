//go:build !linux

package natstest

import "syscall"

// DieWithParent does nothing here.
func DieWithParent() *syscall.SysProcAttr { return nil }
