//go:build goexperiment.jsonv2

package alloctest

// StructCopies is how often encoding/json allocates to encode a struct that is
// handed to it by value. The engine of its second version, which Go has used for both
// since 1.27, copies it first, to where it has an address.
const StructCopies = 1
