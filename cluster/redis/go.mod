module github.com/siokit/sio/cluster/redis

go 1.26.0

require (
	github.com/redis/rueidis v1.0.79
	github.com/siokit/sio v0.0.0
	go.uber.org/goleak v1.3.0
)

require golang.org/x/sys v0.48.0 // indirect

replace github.com/siokit/sio => ../..
