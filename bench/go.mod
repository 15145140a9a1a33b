module github.com/siokit/sio/bench

go 1.26.0

require (
	github.com/gobwas/ws v1.5.0
	github.com/labstack/echo/v4 v4.16.4
	github.com/redis/rueidis v1.0.79
	github.com/rs/zerolog v1.35.1
	github.com/siokit/sio v0.0.0
	github.com/siokit/sio/adminui v0.0.0
	github.com/siokit/sio/bench/servers/internal/host v0.0.0
	github.com/siokit/sio/cluster/nats v0.0.0
	github.com/siokit/sio/cluster/nats/embedded v0.0.0
	github.com/siokit/sio/cluster/redis v0.0.0
	golang.org/x/sys v0.50.0
	gonum.org/v1/plot v0.17.0
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

require (
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.2.0 // indirect
	codeberg.org/go-pdf/fpdf v0.11.1 // indirect
	git.sr.ht/~sbinet/gg v0.7.0 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/antithesishq/antithesis-sdk-go v0.9.0-default-no-op // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/klauspost/compress v1.20.4 // indirect
	github.com/labstack/gommon v0.5.0 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.3 // indirect
	github.com/nats-io/nats-server/v2 v2.15.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/prometheus/client_golang v1.25.0
	github.com/siokit/sio/metrics/prometheus v0.0.0
	github.com/tinylib/msgp v1.6.5 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/image v0.30.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace (
	github.com/siokit/sio => ../
	github.com/siokit/sio/adminui => ../adminui
	github.com/siokit/sio/bench/servers/internal/host => ./servers/internal/host
	github.com/siokit/sio/cluster/nats => ../cluster/nats
	github.com/siokit/sio/cluster/nats/embedded => ../cluster/nats/embedded
	github.com/siokit/sio/cluster/redis => ../cluster/redis
)

replace github.com/siokit/sio/metrics/prometheus => ../metrics/prometheus
