// Package record is what the reports of the bench share: what was measured on, and what
// of many measurements is told.
package record

import (
	"encoding/json"
	"os"
	"regexp"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Machine is what it was measured on.
type Machine struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"` // of the generator
}

// ThisMachine describes the one that this runs on.
func ThisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	m.CPU = Find("/proc/cpuinfo", `(?m)^model name\s*:\s*(.+)$`)
	m.Memory = Find("/proc/meminfo", `(?m)^MemTotal:\s*(.+)$`)
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return m
}

// Find returns what the first group matches in a file.
func Find(file, pattern string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	if m := regexp.MustCompile(pattern).FindSubmatch(data); m != nil {
		return string(m[1])
	}
	return ""
}

// PackageVersion returns that of an npm package, by its package.json.
func PackageVersion(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var p struct{ Version string }
	if json.Unmarshal(data, &p) != nil {
		return ""
	}
	return p.Version
}
