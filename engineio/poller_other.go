//go:build !linux || portable

package engineio

import "sync"

// There is no poller here: every connection has a goroutine that reads it.

type poller struct{ wg *sync.WaitGroup }

type parking struct{}

func (*wsConn) park() bool { return false }

func (*wsConn) unpark() {}
