module github.com/siokit/sio/interop/cluster

go 1.26.0

require (
	github.com/redis/rueidis v1.0.79
	github.com/siokit/sio v0.0.0
	github.com/siokit/sio/adminui v0.0.0
	github.com/siokit/sio/cluster/nats v0.0.0
	github.com/siokit/sio/cluster/nats/embedded v0.0.0
	github.com/siokit/sio/cluster/redis v0.0.0
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.9.0-default-no-op // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/klauspost/compress v1.20.4 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.3 // indirect
	github.com/nats-io/nats-server/v2 v2.15.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/rs/zerolog v1.35.1 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace (
	github.com/siokit/sio => ../..
	github.com/siokit/sio/adminui => ../../adminui
	github.com/siokit/sio/cluster/nats => ../../cluster/nats
	github.com/siokit/sio/cluster/nats/embedded => ../../cluster/nats/embedded
	github.com/siokit/sio/cluster/redis => ../../cluster/redis
)
