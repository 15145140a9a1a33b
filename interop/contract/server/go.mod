module github.com/siokit/sio/interop/contract/server

go 1.26.0

require (
	github.com/siokit/sio v0.0.0
	github.com/siokit/sio/contract v0.0.0
)

replace (
	github.com/siokit/sio => ../../..
	github.com/siokit/sio/contract => ../../../contract
)
