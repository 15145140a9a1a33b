package redis

import (
	"testing"

	"go.uber.org/goleak"
)

// What rueidis puts off when a node of a Redis Cluster is lost sleeps for some seconds, and
// nobody can wait for it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}
