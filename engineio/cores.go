package engineio

import "runtime"

// cores is how many goroutines of ours can do something at the same time: Go may be told to
// use more threads than there are cores for, but those only take turns.
func cores() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) }
