package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var long = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func TestWriteLeavesAlone(t *testing.T) {
	for name, old := range map[string]string{"same": "a\nb\n", "with carriage returns": "a\r\nb\r\n"} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "events.ts", old)
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
			if err := (output{path: path, data: []byte("a\nb\n")}).write(nil); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(long) {
				t.Errorf("the file is of %v, %v", info.ModTime(), err)
			}
		})
	}
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "events.ts", "old")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	open, err := os.Open(path) // whoever reads it meanwhile
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := (output{path: path, data: []byte("new")}).write(nil); err != nil {
		t.Fatal(err)
	}
	is(t, path, "new")
	var b bytes.Buffer
	if _, err := b.ReadFrom(open); err != nil || b.String() != "old" {
		t.Errorf("a reader of the old file has %q, %v", b.String(), err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	alone(t, dir)
}

func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.ts")
	if err := (output{path: path, data: []byte("new")}).write(nil); err != nil {
		t.Fatal(err)
	}
	is(t, path, "new")
	usual, err := os.Stat(write(t, t.TempDir(), "usual", ""))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != usual.Mode() {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	alone(t, dir)
}

// TestWriteLink: what a symbolic link stands for is written, and it stays one.
func TestWriteLink(t *testing.T) {
	path := write(t, t.TempDir(), "events.ts", "old")
	link := filepath.Join(t.TempDir(), "link.ts")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := (output{path: link, data: []byte("new")}).write(nil); err != nil {
		t.Fatal(err)
	}
	is(t, path, "new")
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "")
	for path, want := range map[string]string{
		"no/such/events.ts": "there is no directory " + filepath.Join(dir, "no/such"),
		"file/events.ts":    "file is not a directory",
		".":                 "is a directory",
	} {
		err := output{path: filepath.Join(dir, path)}.write(nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	alone(t, dir)
}

// TestWriteDevice: what is no file is written to, not replaced.
func TestWriteDevice(t *testing.T) {
	if err := (output{path: os.DevNull, data: []byte("new")}).write(nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func is(t *testing.T, path, want string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("%s is %q, %v, want %q", path, b, err, want)
	}
}

// alone fails if something but one file is in a directory.
func alone(t *testing.T, dir string) {
	t.Helper()
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("there is %v, %v", all, err)
	}
}
