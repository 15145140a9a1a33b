// Package wire has the messages that the servers of a cluster send each other, and the
// formats in which they are written. It knows no connections and does no I/O, so that a
// program that only sends can use it.
package wire
