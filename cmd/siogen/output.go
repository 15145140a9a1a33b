package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/siokit/sio/contract"
)

// write writes the output unless the file is as it should be.
func (o output) write(stdout io.Writer) error {
	if o.path == "-" {
		_, err := stdout.Write(o.data)
		return err
	}
	path := o.path
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to // a link stays one
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no directory %s", o.path, dir)
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("%s: %s is not a directory", o.path, dir)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace(path, o.data, nil)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory", o.path)
	case !info.Mode().IsRegular():
		return os.WriteFile(path, o.data, 0o666) // a pipe or a device
	}
	if contract.Check(path, o.data) == nil {
		return nil
	}
	return replace(path, o.data, info)
}

// replace writes a file so that whoever reads it finds the old content, or the new.
func replace(path string, data []byte, old fs.FileInfo) (err error) {
	// The mode is that of any new file, which os.CreateTemp does not give.
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+strconv.Itoa(os.Getpid()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	_, err = f.Write(data)
	if old != nil {
		err = errors.Join(err, f.Chmod(old.Mode().Perm()))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// compare returns an error that has the first difference of each file that is not what
// would be written.
func (c *command) compare(p *project) error {
	var problems []error
	for _, o := range c.outputs {
		if err := contract.Check(o.path, o.data); err != nil {
			problems = append(problems, err)
		}
	}
	if problems == nil {
		return nil
	}
	return fmt.Errorf("%w\nThe command for it is\n\t%s", errors.Join(problems...), c.again(p))
}

// again returns the command that writes what this one has checked.
func (c *command) again(p *project) string {
	program := commandPath
	if info, ok := debug.ReadBuildInfo(); ok && p.foreign && strings.HasPrefix(info.Main.Version, "v") {
		program += "@" + info.Main.Version // the module does not have it
	}
	words := []string{"go run", program}
	for _, arg := range c.args {
		if name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "="); strings.HasPrefix(arg, "-") && name == "check" {
			continue
		}
		if arg == "" || strings.ContainsAny(arg, " \t\"'$&|;<>()*") {
			arg = strconv.Quote(arg)
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}
