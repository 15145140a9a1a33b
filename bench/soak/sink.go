package main

import (
	"fmt"
	"io"
	"net"
)

// sink reads what it is sent, and answers nothing.
func sink() error {
	plain, secure, err := listen()
	if err != nil {
		return err
	}
	for _, ln := range []net.Listener{plain, secure} {
		go swallow(ln) // until the process ends
	}
	fmt.Println(plain.Addr(), secure.Addr())
	return lines(func(string) (string, error) { return "", nil })
}

func swallow(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			// Not by a way of *net.TCPConn's own, which would save the reading.
			_, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c})
		}()
	}
}
