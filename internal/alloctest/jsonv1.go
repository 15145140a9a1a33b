//go:build !goexperiment.jsonv2

package alloctest

// StructCopies is how often encoding/json allocates to encode a struct that is
// handed to it by value.
const StructCopies = 0
