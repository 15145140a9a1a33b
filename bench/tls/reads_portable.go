//go:build portable

package main

const (
	title      = "TLS ended by the server, with a goroutine for each connection"
	resultName = "tls-portable.md"
)
