package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/autobahn"
)

// An output is where the results of a run go.
type output struct {
	*command
	dir      string            // of the reports
	expected autobahn.Expected // nil: nothing
}

// openOutput finds out early whether what a run finds can be written, and compared. The cases are those that the configuration selects; the command
// line may have left only some of them.
func (c *command) openOutput(config *autobahn.Config, selected, left []*autobahn.Case) (*output, error) {
	o := &output{command: c, dir: config.OutDir}
	if c.outDir != "" {
		o.dir = c.outDir
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return nil, fmt.Errorf("making the folder for the reports: %w", err)
	}
	for _, name := range []string{c.writeExpect, c.junit} {
		if name == "" {
			continue
		}
		if _, err := os.Stat(filepath.Dir(name)); err != nil {
			return nil, err
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a folder", name)
		}
	}
	if c.expect == "" {
		return o, nil
	}
	b, err := os.ReadFile(c.expect)
	if err != nil {
		return nil, fmt.Errorf("reading what to expect: %w", err)
	}
	if o.expected, err = autobahn.ParseExpect(c.expect, b); err != nil {
		return nil, err
	}
	for _, k := range selected { // of what --only and --exclude take away nothing is expected
		if !slices.Contains(left, k) {
			for agent, cases := range o.expected {
				if delete(cases, k.ID); len(cases) == 0 {
					delete(o.expected, agent)
				}
			}
		}
	}
	return o, nil
}

// finish writes the reports and the summary of a run that has ended, and returns the exit status and the error that it is given, or those
// that come of writing and comparing. A run that is not whole is not compared with what was expected, nor recorded as such.
func (o *output) finish(report *autobahn.Report, whole bool, status int, failed error) (int, error) {
	n, bad := 0, 0
	for _, agent := range report.Agents() {
		total := o.summary(report, agent)
		n, bad = n+total.Cases, bad+total.Cases-total.Good
	}
	errs := []error{failed, report.Write(o.dir), o.write(o.junit, report.JUnit)}
	if n > 0 {
		verdict := "all are good"
		if bad > 0 {
			verdict = fmt.Sprintf("%d not good", bad)
		}
		o.say("%s, %s: %s", count(n, "result"), verdict, filepath.Join(o.dir, "index.html"))
	}
	if whole {
		errs = append(errs, o.write(o.writeExpect, func(w io.Writer) error { return autobahn.WriteExpect(w, report) }))
	}
	if whole && o.expected != nil {
		status = allGood
		diffs := autobahn.Diff(report, o.expected)
		for _, d := range diffs {
			o.say("%s", d)
			status = notGood
		}
		o.say("%s from what %s expects", count(len(diffs), "difference"), o.expect)
	}
	if err := errors.Join(errs...); err != nil {
		return badInput, err
	}
	return status, nil
}

// write writes a file, if it has a name.
func (o *output) write(name string, to func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	var b bytes.Buffer
	if err := to(&b); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o666)
}

// verdicts in the order in which they are counted.
var verdicts = []autobahn.Verdict{autobahn.OK, autobahn.NonStrict, autobahn.Informational, autobahn.Unimplemented, autobahn.Failed}
var closeVerdicts = []autobahn.Verdict{autobahn.Failed, autobahn.Unclean, autobahn.WrongCode, autobahn.FailedByClient}

// summary tells how an agent did, section by section.
func (o *output) summary(report *autobahn.Report, agent string) (total autobahn.Tally) {
	sections, total := report.Summary(agent)
	total.Title = "all"
	o.say("")
	o.say("%s", agent)
	sections = append(sections, total)
	width := 0
	for _, t := range sections {
		width = max(width, len(t.Title))
	}
	for _, t := range sections {
		o.say("%4s  %-*s %4d  %s", t.Section, width, t.Title, t.Cases, tallyWords(&t))
	}
	var list []string
	for _, r := range report.Results(agent) {
		if !r.Good() {
			list = append(list, r.Case.ID)
		}
	}
	if len(list) > 0 {
		o.say("      not good: %s", strings.Join(list, " "))
	}
	return total
}

// tallyWords are the verdicts of t, counted. Those of the end of the connection are told where they are no good.
func tallyWords(t *autobahn.Tally) string {
	var words []string
	for _, v := range verdicts {
		if n := t.Behavior[v]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, v))
		}
	}
	for _, v := range closeVerdicts {
		if n := t.BehaviorClose[v]; n > 0 {
			words = append(words, fmt.Sprintf("%d close %s", n, v))
		}
	}
	return strings.Join(words, ", ")
}
