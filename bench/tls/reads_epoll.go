//go:build !portable

package main

const (
	title      = "TLS ended by the server"
	resultName = "tls.md"
)
