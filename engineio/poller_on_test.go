//go:build !portable

package engineio_test

const portable = false
