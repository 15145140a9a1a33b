//go:build !linux

package engineio

import "net"

func boundUnsent(net.Conn) {}
