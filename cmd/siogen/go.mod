module github.com/siokit/sio/cmd/siogen

go 1.26.0

replace (
	github.com/siokit/sio => ../../
	github.com/siokit/sio/contract => ../../contract
)

require (
	github.com/rogpeppe/go-internal v1.16.0
	github.com/siokit/sio/contract v0.0.0
	golang.org/x/mod v0.43.0
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/google/jsonschema-go v0.4.3 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/rs/zerolog v1.35.1 // indirect
	github.com/siokit/sio v0.0.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
)
