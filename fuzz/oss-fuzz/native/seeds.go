package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed testdata/save.go
var saveFile []byte // beside testing/fuzz.go

// Where F.Fuzz has read testdata and knows all seeds.
var allSeeds = regexp.MustCompile(`\n\tswitch f\.\w+\.mode \{\n`)

// seeds runs the targets of packages on their seeds, with a package testing that writes them.
func seeds(dir string, packages []string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	goroot, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	testing := filepath.Join(strings.TrimSpace(string(goroot)), "src", "testing")
	text, err := os.ReadFile(filepath.Join(testing, "fuzz.go"))
	if err != nil {
		return err
	}
	if len(allSeeds.FindAll(text, -1)) != 1 {
		return errors.New("fuzz.go of this Go does not have «switch f.fstate.mode» once")
	}
	tmp, err := os.MkdirTemp("", "native")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	o := overlay{dir: tmp, Replace: map[string]string{}}
	if err := o.add(filepath.Join(testing, "fuzz.go"), allSeeds.ReplaceAll(text, []byte("\n\tsaveSeeds(f.name, f.corpus)$0"))); err != nil {
		return err
	}
	if err := o.add(filepath.Join(testing, "save_seeds.go"), saveFile); err != nil {
		return err
	}
	file, err := o.write()
	if err != nil {
		return err
	}
	for _, p := range packages {
		cmd := exec.Command("go", "test", "-overlay", file, "-vet=off", "-count=1", "-run=^Fuzz", p)
		cmd.Env = append(os.Environ(), "SAVE_SEEDS="+filepath.Join(dir, path.Base(p)))
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}
