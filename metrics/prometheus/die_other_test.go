//go:build !linux

package sioprometheus

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
