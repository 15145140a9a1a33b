// Package contract writes down what a server and its clients may send each other, for
// those who are not written in Go: as TypeScript, for the official client, and as
// AsyncAPI with JSON Schemas.
package contract
