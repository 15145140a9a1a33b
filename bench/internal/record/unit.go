package record

import (
	"fmt"
	"strconv"
)

// A Unit is what a measurement is in.
type Unit int

// The units.
const (
	PerCPU  Unit = iota // per CPU second of a process: the more, the better
	Bytes               // the fewer, the better
	Seconds             // likewise
	Count
)

// Format returns v as people read it.
func (u Unit) Format(v float64) string {
	switch u {
	case PerCPU:
		return thousands(v)
	case Bytes:
		switch {
		case v >= 1<<20 || v <= -1<<20:
			return fmt.Sprintf("%.1f MiB", v/(1<<20))
		default:
			return fmt.Sprintf("%.2f KiB", v/(1<<10))
		}
	case Seconds:
		switch {
		case v >= 1:
			return fmt.Sprintf("%.2f s", v)
		default:
			return fmt.Sprintf("%.3g ms", v*1e3)
		}
	default:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
}

func thousands(v float64) string {
	switch {
	case v >= 100e3:
		return fmt.Sprintf("%.0fk", v/1e3)
	case v >= 1e3:
		return fmt.Sprintf("%.1fk", v/1e3)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
