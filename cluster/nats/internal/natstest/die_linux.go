package natstest

import "syscall"

// DieWithParent has the kernel end a process when the test's ends, however it does.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
