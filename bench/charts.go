package main

import (
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/siokit/sio/bench/internal/record"
)

// A chart has a group of bars for each measure, with a bar for each target.
type chart struct {
	file   string
	title  string
	y      string
	log    bool
	groups []group
	value  func(r *results, target, key string) (record.Spread, bool)
	label  func(float64) string
}

type group struct{ key, title string }

func charts() []chart {
	// The floor and all peers over the median of the reference.
	overReference := func(r *results, target, key string) (record.Spread, bool) {
		s, ok := r.of(target, key)
		ref, known := r.of(reference, key)
		if !ok || !known {
			return nil, false
		}
		return scaled(s, 1/ref.Median()), true
	}
	in := func(unit float64) func(*results, string, string) (record.Spread, bool) {
		return func(r *results, target, key string) (record.Spread, bool) {
			s, ok := r.of(target, key)
			return scaled(s, 1/unit), ok
		}
	}
	ratio := func(v float64) string { return short(v) + "×" }
	const perReference = "× socket.io"
	return []chart{
		{
			file: "throughput.png", title: "Operations per CPU second of the server, socket.io = 1", y: perReference, log: true, value: overReference, label: ratio,
			groups: []group{
				{"echo.1k", "echo with ack,\n1,000 clients"}, {"broadcast.1k", "broadcast\nto 1,000"}, {"burst.1k", "the same,\nbursts of ten"},
				{"connect.10k", "WebSocket\nconnects"}, {"polling.50", "long-polling,\na message each way"}, {"churn", "connect, upgrade,\none echo, leave"},
			},
		},
		{
			file: "echo.png", title: "Echo: round trips per CPU second of the server, socket.io = 1", y: perReference, value: overReference, label: ratio,
			groups: []group{
				{"echo.50", "with ack,\n50 clients"}, {"echo.1k", "with ack,\n1,000 clients"}, {"echo.10k", "with ack,\n10,000 clients"},
				{"event.1k", "by event,\n1,000 clients"}, {"binary.1k", "1 KiB binary,\n1,000 clients"},
			},
		},
		{
			file: "broadcast.png", title: "Broadcast: deliveries of 132 bytes per CPU second of the server, socket.io = 1", y: perReference, log: true, value: overReference, label: ratio,
			groups: []group{
				{"broadcast.1k", "to 1,000,\nsingle"}, {"burst.1k", "to 1,000,\nbursts of ten"},
				{"broadcast.10k", "to 10,000,\nsingle"}, {"burst.10k", "to 10,000,\nbursts of ten"},
			},
		},
		{
			file: "sessions.png", title: "Sessions: per CPU second of the server, socket.io = 1", y: perReference, log: true, value: overReference, label: ratio,
			groups: []group{
				{"connect.1k", "WebSocket connects,\nthe first 1,000"}, {"connect.10k", "WebSocket connects,\n1,000 to 10,000"},
				{"polling.50", "long-polling,\na message each way"}, {"churn", "connect, upgrade,\none echo, leave"},
			},
		},
		{
			file: "memory.png", title: "Resident memory per idle client (without the kernel's)", y: "KiB", value: in(1 << 10), label: short,
			groups: []group{
				{"memory.1k.lies", "1,000,\nas it lies"}, {"memory.1k.held", "1,000,\ngarbage collected"},
				{"memory.10k.lies", "10,000, after the load\non 1,000, as it lies"}, {"memory.10k.held", "10,000,\ngarbage collected"},
			},
		},
		{
			file: "latency.png", title: "Echo with ack at 2,000 messages per second: time from when a message was due", y: "ms", log: true, value: in(1e-3), label: short,
			groups: []group{
				{"latency.50.p50", "50 clients,\nmedian"}, {"latency.50.p99", "50 clients,\n99th percentile"},
				{"latency.1k.p50", "1,000 clients,\nmedian"}, {"latency.1k.p99", "1,000 clients,\n99th percentile"},
				{"latency.10k.p50", "10,000 clients,\nmedian"}, {"latency.10k.p99", "10,000 clients,\n99th percentile"},
			},
		},
	}
}

func scaled(s record.Spread, by float64) record.Spread {
	scaled := make(record.Spread, len(s))
	for i, v := range s {
		scaled[i] = v * by
	}
	return scaled
}

// short has two digits, or all before the point.
func short(v float64) string {
	switch {
	case v >= 9.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 0.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// charts draws them all into dir, but for those of which nothing was measured.
func (r *results) charts(dir string) error {
	for _, c := range charts() {
		b := &bars{label: c.label}
		for _, t := range r.targets {
			b.series = append(b.series, series{t, colorOf(t), make([]record.Spread, len(c.groups))})
		}
		var names []string
		for i, g := range c.groups {
			names = append(names, g.title)
			for j, t := range r.targets {
				if s, ok := c.value(r, t, g.key); ok {
					b.series[j].groups[i] = s
				}
			}
		}
		if !b.any() {
			continue
		}
		if err := c.draw(b, names, filepath.Join(dir, c.file)); err != nil {
			return err
		}
	}
	return nil
}

func (c chart) draw(b *bars, names []string, file string) error {
	p := plot.New()
	p.Title.Text = c.title
	p.Title.TextStyle.Font = sans(13)
	p.Title.Padding = 8
	p.Y.Label.Text = c.y
	p.Y.Label.TextStyle.Font = sans(11)
	p.X.Label.Text = "bars and numbers: medians; whiskers: from the least to the greatest of the rounds"
	p.X.Label.TextStyle.Font = sans(8)
	p.X.Label.Padding = 6
	p.X.Tick.Label.Font = sans(10)
	p.Y.Tick.Label.Font = sans(10)
	p.Legend.Top = true
	p.Legend.TextStyle.Font = sans(10)
	p.Legend.Padding = 4
	p.Legend.ThumbnailWidth = 12
	b.baseline, b.log = 0, c.log
	if c.log {
		p.Y.Label.Text += ", logarithmic"
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = logTicks{}
	}
	p.Add(b)
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.5, float64(len(names))-0.5
	low, high := b.extent()
	if c.log {
		p.Y.Min, p.Y.Max = low/1.3, high*1.4
		b.baseline = p.Y.Min
	} else {
		p.Y.Min, p.Y.Max = 0, high*1.1
	}
	for _, s := range b.series {
		p.Legend.Add(s.name, swatch{s.color})
	}
	// A strip at the right is the legend's.
	p.X.Max += 0.8
	return p.Save(vg.Length(1+2.2*(float64(len(names))+0.8))*vg.Inch, 4.6*vg.Inch, file)
}

func sans(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// colorOf keeps a target's color in all charts; the palette is Okabe and Ito's, which
// the color-blind can tell apart.
func colorOf(target string) color.Color {
	known := map[string]color.Color{
		"sio":             color.RGBA{0x00, 0x72, 0xb2, 0xff},
		"sio-echo":        color.RGBA{0x56, 0xb4, 0xe9, 0xff},
		"sio-portable":    color.RGBA{0x9a, 0xd0, 0xea, 0xff},
		"sio-hijack":      color.RGBA{0x2a, 0x4a, 0x9a, 0xff},
		"floor":           color.RGBA{0x99, 0x99, 0x99, 0xff},
		"socket.io":       color.RGBA{0x22, 0x22, 0x22, 0xff},
		"socket.io-uws":   color.RGBA{0x55, 0x55, 0x55, 0xff},
		"socket.io-bun":   color.RGBA{0xc8, 0xb0, 0x98, 0xff},
		"zishang520":      color.RGBA{0xe6, 0x9f, 0x00, 0xff},
		"centrifuge":      color.RGBA{0xcc, 0x79, 0xa7, 0xff},
		"socketioxide":    color.RGBA{0xd5, 0x5e, 0x00, 0xff},
		"python-socketio": color.RGBA{0xf0, 0xc0, 0x30, 0xff},
		"netty-socketio":  color.RGBA{0x00, 0x9e, 0x73, 0xff},
	}
	if c, ok := known[target]; ok {
		return c
	}
	return color.RGBA{0x88, 0x44, 0x66, 0xff}
}

// A series is the bars of one target.
type series struct {
	name   string
	color  color.Color
	groups []record.Spread // nil where there is none
}

// bars draws medians as bars, and their spread as whiskers.
type bars struct {
	series   []series
	label    func(float64) string
	baseline float64
	log      bool
}

func (b *bars) each(f func(i, j int, s record.Spread)) {
	for j, series := range b.series {
		for i, s := range series.groups {
			if len(s) > 0 && (!b.log || s.Min() > 0) {
				f(i, j, s)
			}
		}
	}
}

func (b *bars) any() (any bool) {
	b.each(func(int, int, record.Spread) { any = true })
	return any
}

// extent returns the least and the greatest value shown.
func (b *bars) extent() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	b.each(func(_, _ int, s record.Spread) { low, high = min(low, s.Min()), max(high, s.Max()) })
	return low, high
}

// Plot is of plot.Plotter.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	const share = 0.86 // of a group's width that is filled
	width := share / float64(len(b.series))
	light := draw.LineStyle{Color: color.Gray{0xe4}, Width: vg.Points(0.5)}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(light, x(p.X.Min), y(t.Value), x(p.X.Max), y(t.Value))
		}
	}
	whisker := draw.LineStyle{Color: color.Gray{0x60}, Width: vg.Points(0.8)}
	style := draw.TextStyle{
		Color: color.Gray{0x30}, Font: sans(7), Handler: text.Plain{Fonts: font.DefaultCache},
		XAlign: draw.XCenter, YAlign: draw.YBottom,
	}
	b.each(func(i, j int, s record.Spread) {
		left := float64(i) - share/2 + float64(j)*width
		x0, x1 := x(left), x(left+width)
		gap := (x1 - x0) * 0.06
		top := y(max(s.Median(), b.baseline))
		c.FillPolygon(b.series[j].color, []vg.Point{
			{X: x0 + gap, Y: y(b.baseline)}, {X: x0 + gap, Y: top}, {X: x1 - gap, Y: top}, {X: x1 - gap, Y: y(b.baseline)},
		})
		middle, cap := (x0+x1)/2, (x1-x0)*0.2
		high, low := y(s.Max()), y(max(s.Min(), b.baseline))
		if s.Max() != s.Min() {
			c.StrokeLine2(whisker, middle, low, middle, high)
			c.StrokeLine2(whisker, middle-cap, high, middle+cap, high)
			c.StrokeLine2(whisker, middle-cap, low, middle+cap, low)
		}
		c.FillText(style, vg.Point{X: middle, Y: max(top, high) + 1.5}, b.label(s.Median()))
	})
}

// logTicks label 1, 2 and 5 of each decade.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
		for digit := 1.0; digit < 10; digit++ {
			if v := digit * decade; v >= low && v <= high {
				t := plot.Tick{Value: v}
				if slices.Contains([]float64{1, 2, 5}, digit) {
					t.Label = strconv.FormatFloat(v, 'g', 3, 64)
				}
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}

// A swatch is a color in the legend.
type swatch struct{ color color.Color }

// Thumbnail is of plot.Thumbnailer.
func (s swatch) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.color, []vg.Point{
		{X: c.Min.X, Y: c.Min.Y}, {X: c.Min.X, Y: c.Max.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Max.X, Y: c.Min.Y},
	})
}
