// Siogen writes what a server and its clients may send each other: the TypeScript
// types for the official client, an AsyncAPI document, and a page that shows it.
//
// # Usage
//
//	siogen [flags] [package]
//
//	siogen -o web/events.ts ./internal/server
//	siogen -o web/events.ts -asyncapi api/asyncapi.json -html api/index.html ./internal/server
//	siogen -check -o web/events.ts ./internal/server
//
// The package is a directory or an import path, and that of the current directory if
// there is none. Its events are those that its server has registered and declared
// (Contract of sio.Server), so siogen calls the function that makes the server:
//
//	func New() *sio.Server
//	func New() (*sio.Server, error)
//
// That is the exported function without parameters, or with none that has to be given
// (opts ...Option), that returns a *sio.Server. In package main it need not be exported;
// -func says which, if there are several.
// If the server needs something to be made, such as a database, write one that makes
// it without, or with a stub: handlers are registered, none is called.
//
//	func Contract() *sio.Server { return newServer(nil) }
//
// If the package has a function without parameters that returns a *contract.Options,
// they are used (-options says which): the title of the document, what types with a
// MarshalJSON of their own are in TypeScript, …
//
// # How it is run
//
// As a tool of the module, which then has the version of it in its go.mod:
//
//	go get -tool github.com/siokit/sio/cmd/siogen
//	go tool siogen -o web/events.ts ./internal/server
//
// or, with nothing in go.mod,
//
//	go run github.com/siokit/sio/cmd/siogen@latest -o web/events.ts ./internal/server
//
// With go generate, in a file of the package:
//
//	//go:generate go tool siogen -o ../../web/events.ts
//
// In CI, -check writes nothing, and fails with the first difference if a file is not
// what would be written.
//
// # What happens
//
// The package is built, as it would be for a test of its own but without its test
// files, and run in the current directory, with the environment and for the machine
// that siogen has. Nothing in the module is written but the outputs, neither go.mod nor
// go.sum: if the module does not require that of package contract, it is built in a
// workspace that is removed again. What the server prints goes to standard error.
// If all is as it should be, files are left alone, so that nothing that watches them
// wakes up.
//
// The exit code is 0, or 1 if something failed or -check found a difference, or 2 if
// the flags are wrong.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
