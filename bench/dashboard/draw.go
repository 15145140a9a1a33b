package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// A dashboard is what is drawn of a file of Grafana.
type dashboard struct {
	Panels []panel
}

type panel struct {
	Title, Type string
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []struct{ Expr, LegendFormat string }
}

func readDashboard(file string) (*dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := new(dashboard)
	return d, json.Unmarshal(text, d)
}

// A series is a line.
type series struct {
	name   string
	points plotter.XYs
}

// most is how many lines of a panel are named: those that are highest.
const most = 6

// draw draws all panels where Grafana has them.
func (d *dashboard) draw(prometheus string, from, to time.Time, file string) error {
	rows := 0
	for _, p := range d.Panels {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
	}
	const column, line = 2.4 * vg.Centimeter, 0.85 * vg.Centimeter // of 24, and of a row
	width, height := 24*column, vg.Length(rows)*line
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(72))
	canvas := draw.New(img)
	for _, p := range d.Panels {
		x, y := vg.Length(p.GridPos.X)*column, height-vg.Length(p.GridPos.Y+p.GridPos.H)*line
		const gap = 0.15 * vg.Centimeter
		at := draw.Canvas{Canvas: canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x + gap, Y: y + gap},
			Max: vg.Point{X: x + vg.Length(p.GridPos.W)*column - gap, Y: y + vg.Length(p.GridPos.H)*line - gap},
		}}
		if err := p.draw(at, prometheus, from, to); err != nil {
			return fmt.Errorf("%s: %w", p.Title, err)
		}
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(out)
	return cmp.Or(err, out.Close())
}

func (p *panel) draw(at draw.Canvas, prometheus string, from, to time.Time) error {
	chart := plot.New()
	chart.Title.Text = p.Title
	chart.Title.TextStyle.Font = sans(11)
	if p.Type == "row" {
		chart.HideAxes()
		chart.Title.TextStyle.Font = sans(13)
		chart.Draw(at)
		return nil
	}
	var all []series
	for _, t := range p.Targets {
		some, err := query(prometheus, t.Expr, t.LegendFormat, from, to)
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b series) int { return cmp.Compare(b.highest(), a.highest()) })
	for i, s := range all {
		line, err := plotter.NewLine(s.points)
		if err != nil {
			return err
		}
		line.Color = plotutil.Color(i)
		chart.Add(line)
		if i < most {
			chart.Legend.Add(s.name, line)
		}
	}
	if len(all) > most {
		chart.Legend.Add(fmt.Sprintf("and %d more", len(all)-most))
	}
	chart.Add(plotter.NewGrid())
	chart.Y.Min = 0
	chart.Y.Max = max(chart.Y.Max, 1e-3) * 1.1
	if len(all) == 0 {
		chart.X.Min, chart.X.Max, chart.Y.Max = 0, to.Sub(from).Seconds(), 1
		chart.Title.Text += " (none)"
	}
	chart.Y.Tick.Marker = plot.TickerFunc(func(min, max float64) []plot.Tick {
		ticks := plot.DefaultTicks{}.Ticks(min, max)
		for i := range ticks {
			if ticks[i].Label != "" {
				ticks[i].Label = label(p.FieldConfig.Defaults.Unit, ticks[i].Value)
			}
		}
		return ticks
	})
	chart.X.Label.Text = ""
	for _, style := range []*font.Font{&chart.X.Tick.Label.Font, &chart.Y.Tick.Label.Font, &chart.Legend.TextStyle.Font} {
		*style = sans(8)
	}
	chart.Legend.Top, chart.Legend.Left = true, true
	chart.Legend.ThumbnailWidth = 0.5 * vg.Centimeter
	chart.Draw(at)
	return nil
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// label writes a value in a unit of Grafana.
func label(unit string, v float64) string {
	short := func(v float64, step float64, names ...string) string {
		i := 0
		for ; v >= step && i < len(names)-1; i++ {
			v /= step
		}
		return strconv.FormatFloat(v, 'g', 3, 64) + names[i]
	}
	switch unit {
	case "s":
		if v > 0 && v < 1 {
			return strconv.FormatFloat(v*1000, 'g', 3, 64) + " ms"
		}
		return strconv.FormatFloat(v, 'g', 3, 64) + " s"
	case "bytes":
		return short(v, 1024, " B", " KiB", " MiB", " GiB")
	case "Bps":
		return short(v, 1000, " B/s", " kB/s", " MB/s", " GB/s")
	case "ops":
		return short(v, 1000, "/s", "k/s", "M/s")
	case "percentunit":
		return strconv.FormatFloat(v*100, 'g', 3, 64) + " %"
	}
	return short(v, 1000, "", "k", "M", "G")
}

func (s series) highest() float64 {
	h := math.Inf(-1)
	for _, p := range s.points {
		h = max(h, p.Y)
	}
	return h
}

var variables = strings.NewReplacer("$__rate_interval", "10s", "$job", "app", "$instance", ".*")

// query asks for the lines of a query.
func query(prometheus, expr, legend string, from, to time.Time) ([]series, error) {
	ask := url.Values{
		"query": {variables.Replace(expr)}, "step": {"1"},
		"start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)},
	}
	res, err := http.Get(prometheus + "/api/v1/query_range?" + ask.Encode())
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("%s: %w %s", expr, err, answer.Error)
	}
	var all []series
	for _, r := range answer.Data.Result {
		s := series{name: named(legend, r.Metric)}
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			text, _ := v[1].(string)
			y, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(y) || math.IsInf(y, 0) {
				continue // nothing was observed in that time
			}
			s.points = append(s.points, plotter.XY{X: at - float64(from.Unix()), Y: y})
		}
		if len(s.points) > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

var placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)

// named fills in the labels of a series.
func named(legend string, labels map[string]string) string {
	return placeholder.ReplaceAllStringFunc(legend, func(s string) string { return labels[strings.Trim(s, "{}")] })
}
