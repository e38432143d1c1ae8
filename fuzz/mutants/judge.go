package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A result is what became of a mutant.
type result struct {
	mutant
	targets []string // fuzz targets that caught it on their seeds and corpora
	tests   []string // other tests that did, as far as they were asked
	all     bool     // all targets and all tests beside the code were asked, in spite of what had caught it
	err     error    // it could not be applied or built
	took    time.Duration
}

func (r *result) caught() bool { return len(r.targets)+len(r.tests) > 0 }

// what says it in a few words.
func (r *result) what() string {
	switch {
	case r.err != nil:
		return "MISTAKE " + r.err.Error()
	case r.caught():
		return "caught by " + strings.Join(slices.Concat(r.targets, r.tests), ", ")
	case r.survives != "":
		return "survives, as it may"
	}
	return "SURVIVES"
}

// A judge asks the tests about mutants.
type judge struct {
	root     string
	timeout  time.Duration // of one test program
	progress io.Writer
	shop     *workshop    // where all mutants have been built together, but those that stand alone
	alone    map[int]bool // which do, by number
}

// Which tests a step asks.
const (
	targetsOnly = "^Fuzz"
	testsOnly   = "^(Test|Example)"
)

// prepare builds what can be built together, and makes sure that it passes its tests as long as no fault is chosen: else every mutant would be caught.
func (j *judge) prepare(ctx context.Context, list []mutant, healthy bool) error {
	shop, apart, err := newTogether(j.root, list)
	if err != nil {
		return err
	}
	j.shop, j.alone = shop, map[int]bool{}
	for _, n := range apart {
		j.alone[n] = true
	}
	packages := packagesOf(list)
	if err := shop.build(ctx, packages...); err != nil {
		if ctx.Err() != nil {
			return err
		}
		// A mutant is at fault, and the compiler does not say which.
		fmt.Fprintf(j.progress, "together they do not build (%v); so each alone, which takes long\n", err)
		for n := range list {
			j.alone[n+1] = true
		}
		return nil
	}
	if !healthy {
		return nil
	}
	var all []error
	for _, p := range packages {
		for _, which := range []string{targetsOnly, testsOnly} {
			names, err := j.ask(ctx, shop, p, 0, which, true)
			if err != nil {
				return err
			}
			if len(names) > 0 {
				all = append(all, fmt.Errorf("without any fault these fail: %s", strings.Join(names, ", ")))
			}
		}
	}
	return errors.Join(all...)
}

func (j *judge) close() {
	if j.shop != nil {
		j.shop.close()
	}
}

// packagesOf are the packages whose tests are asked about some mutants.
func packagesOf(list []mutant) (all []string) {
	for _, m := range list {
		own := path.Dir(m.file)
		all = append(append(all, "fuzz", own), above[own]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// try asks the tests whether they see m, number n: the targets of fuzz, those beside the code, the other tests there, those of fuzz, and those of the packages above.
// It ends with the first test program that sees it; or if all is set, with the tests beside the code if any has.
func (j *judge) try(ctx context.Context, m mutant, n int, all bool) (r result) {
	begin := time.Now()
	r = result{mutant: m, all: all}
	defer func() { r.took = time.Since(begin) }()
	w := j.shop
	alone := j.alone[n]
	if alone {
		if w, r.err = newAlone(j.root, m); r.err != nil {
			return r
		}
		defer w.close()
	}
	own := path.Dir(m.file)
	steps := [][2]string{{"fuzz", targetsOnly}, {own, targetsOnly}, {own, testsOnly}, {"fuzz", testsOnly}}
	for _, p := range above[own] {
		steps = append(steps, [2]string{p, testsOnly})
	}
	built := map[string]bool{}
	for i, step := range steps {
		if r.caught() && (!all || i >= 3) {
			break
		}
		p, which := step[0], step[1]
		if alone && !built[p] {
			built[p] = true
			if r.err = w.build(ctx, p); r.err != nil {
				return r
			}
		}
		names, err := j.ask(ctx, w, p, n, which, all && i < 3)
		if err != nil {
			r.err = err
			return r
		}
		if which == targetsOnly {
			r.targets = append(r.targets, names...)
		} else {
			r.tests = append(r.tests, names...)
		}
	}
	return r
}

// maxStops is how often a test program is begun again, without what has stopped it, to see what else fails.
const maxStops = 12

// ask runs some of the tests of a package and returns which of them failed: all, or the first.
func (j *judge) ask(ctx context.Context, w *workshop, p string, n int, which string, all bool) (caught []string, err error) {
	args := []string{"-test.run", which, "-test.timeout", j.timeout.String()}
	if !all {
		args = append(args, "-test.failfast")
	}
	for range maxStops {
		stop, cancel := context.WithTimeout(ctx, j.timeout+j.timeout/4) // should it not end itself
		run := args
		if len(caught) > 0 {
			run = append(slices.Clip(args), "-test.skip", "^("+strings.Join(caught, "|")+")$")
		}
		out, err := w.test(stop, p, n, run...)
		late := stop.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			break
		}
		names, stopped := failures(out)
		if late {
			names, stopped = []string{"TestMain"}, true
		}
		hangs := late || endless.Match(out)
		if hangs {
			names[0] += " (hangs)"
		}
		caught = append(caught, names...)
		if !all || !stopped || hangs || slices.Contains(names, "TestMain") {
			break
		}
	}
	for i, name := range caught {
		caught[i] = path.Base(p) + "." + name
	}
	return caught, nil
}

var (
	failed  = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
	fatal   = regexp.MustCompile(`(?m)^\s*(?:panic|fatal error|runtime): `)
	endless = regexp.MustCompile(`test timed out after`)
	running = regexp.MustCompile(`(?m)^\t\t(\w+)\S* \(\d`)
	frame   = regexp.MustCompile(`(?m)^\S*\.((?:Test|Fuzz|Example)[A-Z]\w*)[.(]`)
)

// failures returns the tests that failed by what a test program has printed, and whether they have kept it from asking the others.
func failures(out []byte) (names []string, stopped bool) {
	add := func(re *regexp.Regexp, most int) {
		for _, match := range re.FindAllSubmatch(out, most) {
			if name := string(match[1]); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	stopped = fatal.Match(out)
	add(failed, -1)
	if len(names) == 0 && stopped {
		add(running, -1)
	}
	if len(names) == 0 && stopped {
		add(frame, 1)
	}
	if len(names) == 0 { // such as goroutines left behind, which it sees when all tests are over
		return []string{"TestMain"}, true
	}
	return names, stopped
}
