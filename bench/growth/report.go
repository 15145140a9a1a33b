package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

var unit = map[string]string{cpu: "CPU ns", allocs: "allocations", allocated: "bytes allocated", live: "bytes kept"}

// A report is what growth.json holds.
type report struct {
	Date    time.Time     `json:"date"`
	Took    time.Duration `json:"tookNs"`
	Command string        `json:"command"`
	Commit  string        `json:"commit,omitempty"`
	Go      string        `json:"go"`
	Kernel  string        `json:"kernel"`
	CPU     string        `json:"cpu"`
	Cores   int           `json:"cores"`
	Rounds  int           `json:"rounds"`
	Curves  []*curve      `json:"curves"`

	axes []*axis
}

func newReport(rounds int, took time.Duration, chosen []*axis, curves []*curve) *report {
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output() // or it is none of git's
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return &report{
		Date:    time.Now().UTC().Truncate(time.Second),
		Took:    took,
		Command: strings.Join(append([]string{"go run ./growth"}, os.Args[1:]...), " "),
		Commit:  strings.TrimSpace(string(commit)),
		Go:      runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:  strings.TrimSpace(string(kernel)),
		CPU:     cpuModel(),
		Cores:   runtime.NumCPU(),
		Rounds:  rounds,
		Curves:  curves,
		axes:    chosen,
	}
}

// cpuModel returns "" where it can't be told.
func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (r *report) writeJSON(file string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o666)
}

func (r *report) markdown() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# How cost grows\n\n")
	fmt.Fprintf(&b, "`%s` in `bench/`, %s, %s on %d cores (%s), Linux %s; medians of %d rounds, %v.\n\n", r.Command, r.Date.Format("2006-01-02 15:04"),
		r.Go, r.Cores, r.CPU, r.Kernel, r.Rounds, r.Took.Round(time.Second))
	fmt.Fprintf(&b, `Each number is the cost of one operation to the server: CPU time of all its
threads, system calls included, and what it allocates; or what one more thing
keeps of memory after a garbage collection. Each was measured in a fresh
process, with the clients in another one. Echo (with an ack), broadcast and
connect go over loopback; joins, leaves and emits are calls, the emits to
clients that nothing is written to. The next broadcast waits until all have got
the last, which they tell: in front of a few, that is most of its cost.

n^k says how a cost grows: 0 not at all, 1 in proportion; in brackets over the
upper half of the axis. A cost that may not grow fails with an exponent above
%.2f in allocations or bytes, one that may grow in proportion above %.2f, over
the upper half and from the last point but one to the last; in CPU time, which
varies, if over the upper half it grows %d times as much as it may: in proportion,
or like looking at as many sockets where there is that comparison.
`, tolerance, 1+tolerance, slack)
	for _, a := range r.axes {
		r.table(&b, a)
	}
	r.verdict(&b)
	return []byte(b.String())
}

func (r *report) table(b *strings.Builder, a *axis) {
	fmt.Fprintf(b, "\n## %s\n\n![](%s)\n\n| %s |", strings.ToUpper(a.label[:1])+a.label[1:], chartName(a), a.label)
	for _, x := range a.xs {
		fmt.Fprintf(b, " %s |", grouped(x))
	}
	fmt.Fprintf(b, " n^k | may be |\n| --- |%s --- | --- |\n", strings.Repeat(" ---: |", len(a.xs)))
	for _, q := range quantities {
		for _, c := range r.Curves {
			if c.Axis != a.name || c.Quantity != q {
				continue
			}
			fmt.Fprintf(b, "| %s |", c.title())
			i := 0
			for _, x := range a.xs {
				if i < len(c.X) && c.X[i] == x {
					fmt.Fprintf(b, " %s |", rounded(c.Median[i]))
					i++
				} else {
					b.WriteString(" |")
				}
			}
			mark := ""
			if c.Problem != "" {
				mark = " **fails**"
			}
			fmt.Fprintf(b, " %.2f (%.2f)%s | %v |\n", c.Exponent, c.Upper, mark, c.Allowed)
		}
	}
}

func (r *report) verdict(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Verdict\n\n")
	good := true
	for _, c := range r.Curves {
		if c.Problem != "" {
			good = false
			fmt.Fprintf(b, "- %s, against %s: %s.\n", c.title(), c.Axis, c.Problem)
		}
	}
	r.otherRooms(b)
	if good {
		fmt.Fprintf(b, "- All %d curves are as flat as they have to be.\n", len(r.Curves))
	}
}

// otherRooms spells out what the rooms' curves say.
func (r *report) otherRooms(b *strings.Builder) {
	for _, op := range []string{"join", "leave", "emit to one room"} {
		var ns, n *curve
		for _, c := range r.Curves {
			switch {
			case c.Axis != "rooms" || c.Op != op:
			case c.Quantity == cpu:
				ns = c
			case c.Quantity == allocs:
				n = c
			}
		}
		if ns == nil || n == nil {
			continue
		}
		last := len(ns.X) - 1
		fmt.Fprintf(b, "- %s, beside %s and %s other rooms: %s and %s ns, %s and %s allocations.\n", op, grouped(ns.X[0]), grouped(ns.X[last]),
			rounded(ns.Median[0]), rounded(ns.Median[last]), rounded(n.Median[0]), rounded(n.Median[last]))
	}
}

// rounded keeps three digits.
func rounded(v float64) string {
	switch {
	case math.Abs(v) < 0.005:
		return "0"
	case math.Abs(v) < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case math.Abs(v) < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	scale := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	return grouped(int(math.Round(v/scale) * scale))
}

// grouped writes 10000 as 10,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
