package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// An overlay says what the go command reads in place of what files.
type overlay struct {
	Replace map[string]string
	dir     string // of what it reads
}

func (o *overlay) add(name string, text []byte) error {
	file := filepath.Join(o.dir, fmt.Sprintf("%d.go", len(o.Replace)))
	o.Replace[name] = file
	return os.WriteFile(file, text, 0o600)
}

func (o *overlay) write() (file string, err error) {
	b, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	file = filepath.Join(o.dir, "overlay.json")
	return file, os.WriteFile(file, b, 0o600)
}
