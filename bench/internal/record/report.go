package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Circumstances tells when, on what and by which program of the bench something is measured.
func Circumstances(program string) string {
	m := ThisMachine()
	return fmt.Sprintf("%s; %s, %d processors, Linux %s; %s; `%s` in `bench/`",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), m.CPU, m.CPUs, m.Kernel, m.Go, strings.Join(append([]string{"go run ./" + program}, os.Args[1:]...), " "))
}

// Write writes a report to a file in a folder, which it makes. Without a folder, it does nothing.
func Write(folder, file, report string) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, file), []byte(report), 0o666)
}
