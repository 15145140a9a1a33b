package cluster

import (
	"fmt"
	"net/http"
)

// Idle returns what is left of what others have asked, and been asked.
func (c *Cluster) Idle() error {
	c.requests.mu.Lock()
	requests := len(c.requests.byID)
	c.requests.mu.Unlock()
	c.serving.mu.Lock()
	inquiries, events := len(c.serving.inquiries), len(c.serving.events)
	c.serving.mu.Unlock()
	if queries, handlers := c.serving.queries.Load(), c.serving.handlers.Load(); requests+inquiries+events+int(queries+handlers) > 0 {
		return fmt.Errorf("%d requests, %d inquiries, %d queues, %d queries, %d handlers are left", requests, inquiries, events, queries, handlers)
	}
	return nil
}

// RelayTo has a server answer r.
func (c *Cluster) RelayTo(w http.ResponseWriter, r *http.Request, uid string) bool {
	return c.relayTo(w, r, uid)
}

// RelayAddr returns the address that others are told.
func (c *Cluster) RelayAddr() string { return c.relays.addr }
