package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/autobahn"
)

// allCases returns the cases that a configuration selects from.
func (f *flags) allCases() []*autobahn.Case {
	switch f.suite {
	case "extra":
		return autobahn.ExtraCases()
	case "all":
		return slices.Concat(autobahn.Cases(), autobahn.ExtraCases())
	}
	return autobahn.Cases()
}

// selectCases returns the cases that the configuration selects, and those of them that the command line leaves: the cases to run. Those that do not test such a
// peer as the mode has are in neither, although they may be named.
func (f *flags) selectCases(config *autobahn.Config) (selected, left []*autobahn.Case, err error) {
	all := f.allCases()
	if _, err := autobahn.Select(all, slices.Concat(f.only, f.exclude), nil); err != nil {
		return nil, nil, fmt.Errorf("--only or --exclude: %w", err) // in a file an unknown --exclude does no harm; here it is likely to be a mistake
	}
	if selected, err = config.Select(all); err != nil {
		return nil, nil, err
	}
	tested := autobahn.Servers
	if f.mode == "fuzzingserver" {
		tested = autobahn.Clients
	}
	selected = autobahn.CasesFor(selected, tested)
	only := f.only
	if len(only) == 0 {
		only = []string{"*"}
	}
	if left, err = narrow(selected, only, f.exclude); err != nil {
		return nil, nil, err
	}
	if len(left) == 0 {
		return nil, nil, errors.New("no case is selected: the configuration, --only, --exclude and --cases leave none")
	}
	return selected, left, nil
}

// narrow returns those of cases that match only and not exclude.
func narrow(cases []*autobahn.Case, only, exclude []string) ([]*autobahn.Case, error) {
	known := func(p string) bool {
		return strings.Contains(p, "*") || slices.ContainsFunc(cases, func(c *autobahn.Case) bool { return c.ID == p })
	}
	return autobahn.Select(cases, slices.DeleteFunc(slices.Clone(only), func(p string) bool { return !known(p) }), exclude)
}

// maxSpec is how much of a configuration is read: more than autobahn takes, so that it will say so.
const maxSpec = 2 << 20

// readSpec returns the configuration and its name. If -s is not given it is the file of the default name, which is created with content if it does not exist;
// but if there is no content either, the error is fs.ErrNotExist.
func (c *command) readSpec(name, content string) (string, []byte, error) {
	var in io.Reader
	switch c.spec {
	case "-":
		name, in = "standard input", c.stdin
	case "":
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && content != "" {
			if err := createFile(name, content); err != nil {
				return "", nil, fmt.Errorf("creating a configuration, as -s names none: %w", err)
			}
			fmt.Fprintf(c.stdout, "created %s\n", name)
		}
	default:
		name = c.spec
	}
	if in == nil {
		f, err := os.Open(name)
		if err != nil {
			return "", nil, fmt.Errorf("reading the configuration: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxSpec))
	if err != nil {
		return "", nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return name, b, nil
}

// createFile writes a file that does not exist yet.
func createFile(name, content string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}
