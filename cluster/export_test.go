package cluster

import "fmt"

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
