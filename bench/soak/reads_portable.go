//go:build portable

package main

const (
	reading    = "a goroutine for each connection (`-tags portable`)"
	resultName = "soak-portable.md"
)
