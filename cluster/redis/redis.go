package redis

import (
	"github.com/redis/rueidis"
)

// Options configure a server's part in a cluster.
type Options struct {
	Sharded    bool
	QueueBytes int
}

func openClient(o rueidis.ClientOption) (rueidis.Client, error) {
	o.DisableCache = true
	if o.PipelineMultiplex == 0 {
		o.PipelineMultiplex = -1
	}
	return rueidis.NewClient(o)
}
