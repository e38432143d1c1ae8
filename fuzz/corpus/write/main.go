// Command write writes the corpora of package corpus, from the root of the module: go run ./fuzz/corpus/write. Files that it would write no more it removes.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/idlewire/idlewire/fuzz/corpus"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	if _, err := os.Stat(filepath.Join(root, "fuzz", "corpus", "corpus.go")); err != nil {
		return fmt.Errorf("not in the root of the module: %w", err)
	}
	files := corpus.Files()
	stale, err := corpus.Stale(root, files)
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	octets := 0
	for name, b := range files {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			return err
		}
		octets += len(b)
	}
	fmt.Printf("%d files, %d octets, %d removed\n", len(files), octets, len(stale))
	return nil
}
