package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// A command is what the flags say.
type command struct {
	args    []string // as they were given
	pkg     string   // directory or import path
	fn      string   // that returns the server; "" to look for it
	options string   // the function that returns the Options; "" to look for it
	tags    string
	timeout time.Duration // of fn
	check   bool
	outputs []output
	stdout  io.Writer
	stderr  io.Writer
}

// An output is a file that is to be written.
type output struct {
	path string // "-" for standard output
	Make string // the function of package contract that makes it
	data []byte // what it made
}

const usage = `Siogen writes what a Socket.IO server and its clients may send each other.

usage: siogen [flags] [package]

The package is a directory or an import path; without it, that of the current directory.
It has a function without parameters that returns a *sio.Server, or that and an error.
The function is called, and what the server has registered and declared is written:

  -o file         TypeScript types for the official client
  -asyncapi file  an AsyncAPI document, in JSON
  -html file      a page that shows the same

The file "-" is standard output. Further flags:

  -check          write nothing, and fail if a file is not what would be written
  -func name      the function that returns the server, if there are several
  -options name   the function that returns the *contract.Options, if there are several
  -tags list      build tags, with commas between them
  -timeout d      how long the function may take; 1m if not given

examples:

  siogen -o web/events.ts ./internal/server
  siogen -check -o web/events.ts ./internal/server
  //go:generate go tool siogen -o ../../web/events.ts

More is in https://pkg.go.dev/github.com/siokit/sio/cmd/siogen.
`

// errUsage is wrapped by errors of the command line.
var errUsage = errors.New("see siogen -h")

// run returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args)
	if err == nil {
		c.stdout, c.stderr = stdout, stderr
		err = c.run(ctx)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "siogen: interrupted")
		return 1
	}
	fmt.Fprintln(stderr, "siogen:", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

func parse(args []string) (*command, error) {
	c := &command{args: args}
	outputs := []output{{Make: "TypeScript"}, {Make: "AsyncAPI"}, {Make: "Page"}}
	fs := flag.NewFlagSet("siogen", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run tells of errors
	fs.StringVar(&outputs[0].path, "o", "", "")
	fs.StringVar(&outputs[1].path, "asyncapi", "", "")
	fs.StringVar(&outputs[2].path, "html", "", "")
	fs.StringVar(&c.fn, "func", "", "")
	fs.StringVar(&c.options, "options", "", "")
	fs.StringVar(&c.tags, "tags", "", "")
	fs.DurationVar(&c.timeout, "timeout", time.Minute, "")
	fs.BoolVar(&c.check, "check", false, "")
	if err := fs.Parse(args); err != nil {
		return nil, fmt.Errorf("%w; %w", err, errUsage)
	}

	there := make(map[string]bool)
	for _, o := range outputs {
		if o.path == "" {
			continue
		}
		if o.path != "-" {
			o.path = filepath.Clean(o.path)
		}
		if there[o.path] {
			return nil, fmt.Errorf("two outputs can't both be %s; %w", o.path, errUsage)
		}
		there[o.path] = true
		c.outputs = append(c.outputs, o)
	}
	problem := ""
	switch {
	case fs.NArg() > 1 && strings.HasPrefix(fs.Arg(1), "-"):
		problem = fmt.Sprintf("flags stand before the package: %s is after it", fs.Arg(1))
	case fs.NArg() > 1:
		problem = fmt.Sprintf("one package at a time, not %s", strings.Join(fs.Args(), " "))
	case len(c.outputs) == 0:
		problem = "nothing to write: give -o file.ts, -asyncapi file.json or -html file.html"
	case c.check && there["-"]:
		problem = "-check compares files, and - is none"
	case c.timeout <= 0:
		problem = "-timeout is to be more than 0"
	}
	if problem != "" {
		return nil, fmt.Errorf("%s; %w", problem, errUsage)
	}
	c.pkg = cmp.Or(fs.Arg(0), ".")
	return c, nil
}

func (c *command) run(ctx context.Context) error {
	p, err := c.load(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := c.generate(ctx, p); err != nil {
		return err
	}
	if c.check {
		return c.compare(p)
	}
	for _, o := range c.outputs {
		if err := o.write(c.stdout); err != nil {
			return err
		}
	}
	return nil
}
