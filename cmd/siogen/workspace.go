package main

import (
	"errors"
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"

	"golang.org/x/mod/modfile"
)

// goVersion is what package contract needs.
const goVersion = "1.26.0"

// workspace makes a copy of the module's workspace, or one for it, that has package
// contract, too. A workspace is what Go can add to a module without changing anything
// in it: there may be a vendor directory, or a workspace already.
func (p *project) workspace(gomod, gowork string) error {
	work := &modfile.WorkFile{Syntax: new(modfile.FileSyntax)}
	if gowork != "" && gowork != "off" {
		b, err := os.ReadFile(gowork)
		if err != nil {
			return err
		}
		if work, err = modfile.ParseWork(gowork, b, nil); err != nil {
			return err
		}
		if err := absolute(work, filepath.Dir(gowork)); err != nil {
			return err
		}
	} else {
		if err := work.AddUse(filepath.Dir(gomod), ""); err != nil {
			return err
		}
	}

	need := filepath.Join(p.temp, "need")
	if err := addContract(work, need); err != nil {
		return err
	}
	work.Cleanup()
	if err := setGo(work); err != nil {
		return err
	}
	path := filepath.Join(p.temp, "go.work")
	if err := os.WriteFile(path, modfile.Format(work.Syntax), 0o600); err != nil {
		return err
	}
	if sums, err := os.ReadFile(gowork + ".sum"); err == nil {
		if err := os.WriteFile(path+".sum", sums, 0o600); err != nil {
			return err
		}
	}
	for i, f := range p.flags {
		if f == "-mod=vendor" || f == "--mod=vendor" {
			p.flags[i] = "-mod=readonly" // the copy has no vendor directory
		}
	}
	p.env = append(p.env, "GOWORK="+path, goflags(p.flags))
	return nil
}

// absolute makes the directories of a workspace absolute.
func absolute(work *modfile.WorkFile, dir string) error {
	for _, u := range slices.Clone(work.Use) {
		path := u.Path // DropUse clears u
		if filepath.IsAbs(path) {
			continue
		}
		if err := work.DropUse(path); err != nil {
			return err
		}
		if err := work.AddUse(filepath.Join(dir, path), ""); err != nil {
			return err
		}
	}
	for _, r := range slices.Clone(work.Replace) {
		if !modfile.IsDirectoryPath(r.New.Path) || filepath.IsAbs(r.New.Path) {
			continue
		}
		if err := work.AddReplace(r.Old.Path, r.Old.Version, filepath.Join(dir, r.New.Path), ""); err != nil {
			return err
		}
	}
	return nil
}

// addContract adds a module that requires package contract, of the version that this
// program was built with, or of the same checkout.
func addContract(work *modfile.WorkFile, dir string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this siogen does not know of which modules it is made")
	}
	mod := new(modfile.File)
	if err := mod.AddModuleStmt("siogen.invalid/need"); err != nil {
		return err
	}
	if err := mod.AddGoStmt(goVersion); err != nil {
		return err
	}
	for _, d := range info.Deps {
		if d.Path != contractPath && d.Path != sioPath {
			continue
		}
		if d.Path == contractPath {
			if err := mod.AddRequire(d.Path, d.Version); err != nil {
				return err
			}
		}
		if d.Replace == nil || uses(work, d.Path) {
			continue
		}
		to, at := d.Replace.Path, d.Replace.Version
		if modfile.IsDirectoryPath(to) {
			if at = ""; !filepath.IsAbs(to) {
				_, source, _, _ := runtime.Caller(0)
				to = filepath.Join(filepath.Dir(source), to)
			}
			if _, err := os.Stat(filepath.Join(to, "go.mod")); err != nil {
				return fmt.Errorf("the module does not require %s, and this siogen was built in a directory that is not known any more: run go get %[1]s", d.Path)
			}
		}
		if err := work.AddReplace(d.Path, "", to, at); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	b, err := mod.Format()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), b, 0o600); err != nil {
		return err
	}
	return work.AddUse(dir, "")
}

// uses reports whether a module is in the workspace, as that of the core is for its own
// packages. Then it can't be replaced.
func uses(work *modfile.WorkFile, module string) bool {
	for _, u := range work.Use {
		b, err := os.ReadFile(filepath.Join(u.Path, "go.mod"))
		if err == nil && modfile.ModulePath(b) == module {
			return true
		}
	}
	return false
}

// setGo makes the workspace's version of Go that of the module that needs the newest.
func setGo(work *modfile.WorkFile) error {
	newest := goVersion
	if work.Go != nil && version.Compare("go"+work.Go.Version, "go"+newest) > 0 {
		newest = work.Go.Version
	}
	for _, u := range work.Use {
		path := filepath.Join(u.Path, "go.mod")
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mod, err := modfile.ParseLax(path, b, nil)
		if err != nil {
			return err
		}
		if mod.Go != nil && version.Compare("go"+mod.Go.Version, "go"+newest) > 0 {
			newest = mod.Go.Version
		}
	}
	return work.AddGoStmt(newest)
}
