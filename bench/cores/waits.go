package main

import (
	"io"
	"strings"
)

func measureWaits(int, io.Writer) error { return nil }
func reportWaits(*strings.Builder) error { return nil }
