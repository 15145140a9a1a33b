module github.com/siokit/sio/bench/servers/internal/host

go 1.26.0
