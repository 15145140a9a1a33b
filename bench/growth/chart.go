package main

import (
	"image/color"
	"math"
	"os"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// panels are what is drawn side by side. Zero has no place on a logarithmic
// scale: what is below the floor is drawn there.
var panels = []struct {
	title      string
	quantities []string
	floor      float64
}{
	{"CPU time, ns per operation", []string{cpu}, 10},
	{"allocations per operation (none: at 0.01)", []string{allocs}, 0.01},
	{"bytes per operation allocated; kept: dashed", []string{allocated, live}, 1},
}

// palette is that of Okabe and Ito, which those who are colour-blind can tell
// apart too.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
	color.RGBA{0x00, 0x00, 0x00, 0xff}, color.RGBA{0x80, 0x80, 0x80, 0xff},
}

func chartName(a *axis) string { return "growth-" + a.name + ".png" }

// drawAxis draws the curves of an axis: medians, with bars from least to most.
func drawAxis(a *axis, curves []*curve, file string) error {
	colors := make(map[string]color.Color) // by operation, over all panels
	plots := [][]*plot.Plot{make([]*plot.Plot, len(panels))}
	for i, panel := range panels {
		p := plot.New()
		p.Title.Text = panel.title
		p.X.Label.Text = a.label
		p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
		p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(decades), plot.TickerFunc(decades)
		p.Legend.Top = true
		p.Legend.TextStyle.Font.Size = font.Length(9)
		p.Legend.Padding = vg.Points(2)
		grid := plotter.NewGrid()
		grid.Horizontal.Color, grid.Vertical.Color = color.Gray{0xe0}, color.Gray{0xe0}
		p.Add(grid)
		entries, lowest, highest := 0, math.Inf(1), panel.floor
		for _, q := range panel.quantities {
			for _, c := range curves {
				if c.Axis != a.name || c.Quantity != q {
					continue
				}
				if colors[c.Op] == nil {
					colors[c.Op] = palette[len(colors)%len(palette)]
				}
				low, high, err := addCurve(p, c, colors[c.Op], panel.floor)
				if err != nil {
					return err
				}
				lowest, highest = min(lowest, low), max(highest, high)
				entries++
			}
		}
		p.X.Min, p.X.Max = float64(a.xs[0]), float64(a.xs[len(a.xs)-1])
		p.Y.Min, p.Y.Max = decade(lowest, math.Floor), decade(highest, math.Ceil)
		if p.Y.Max <= p.Y.Min {
			p.Y.Max = 10 * p.Y.Min
		}
		p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, 0.06*float64(entries)) // room for the legend
		plots[0][i] = p
	}
	img := vgimg.NewWith(vgimg.UseWH(vg.Points(1140), vg.Points(400)), vgimg.UseDPI(96))
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Points(18), PadTop: vg.Points(8), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(18)}
	for i, canvas := range plot.Align(plots, tiles, draw.New(img))[0] {
		plots[0][i].Draw(canvas)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// spread is a curve for gonum.
type spread struct {
	plotter.XYs
	plotter.YErrors
}

func addCurve(p *plot.Plot, c *curve, col color.Color, floor float64) (lowest, highest float64, err error) {
	s := spread{make(plotter.XYs, len(c.X)), make(plotter.YErrors, len(c.X))}
	lowest, highest = math.Inf(1), floor
	for i, x := range c.X {
		y := max(floor, c.Median[i])
		s.XYs[i] = plotter.XY{X: float64(x), Y: y}
		low, high := y, y
		for _, v := range c.Rounds[i] {
			low, high = min(low, max(floor, v)), max(high, v)
		}
		s.YErrors[i].Low, s.YErrors[i].High = y-low, high-y
		lowest, highest = min(lowest, low), max(highest, high)
	}
	line, points, err := plotter.NewLinePoints(s)
	if err != nil {
		return 0, 0, err
	}
	bars, err := plotter.NewYErrorBars(s)
	if err != nil {
		return 0, 0, err
	}
	line.Color, points.Color, bars.Color = col, col, col
	line.Width = vg.Points(1.5)
	points.Shape = draw.CircleGlyph{}
	points.Radius = vg.Points(2)
	if c.Quantity == live {
		line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
	}
	p.Add(line, points, bars)
	p.Legend.Add(c.Op, line, points)
	return lowest, highest, nil
}

func decade(v float64, round func(float64) float64) float64 {
	return math.Pow(10, round(math.Log10(v)))
}

// decades labels powers of ten, and marks what lies between.
func decades(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for d := decade(low, math.Floor); d <= high; d *= 10 {
		for i := 1.0; i < 10; i++ {
			v := d * i
			if v < low || v > high {
				continue
			}
			t := plot.Tick{Value: v}
			if i == 1 {
				t.Label = short(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

func short(v float64) string {
	switch {
	case v >= 1e9:
		return strconv.FormatFloat(v/1e9, 'g', 3, 64) + "G"
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
