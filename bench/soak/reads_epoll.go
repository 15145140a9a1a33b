//go:build !portable

package main

const (
	reading    = "epoll"
	resultName = "soak.md"
)
