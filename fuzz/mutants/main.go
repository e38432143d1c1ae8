// Mutants puts small faults into packages frame, handshake, conn and deflate, one at a time, and says which fuzz targets and which tests catch them.
//
//	go run ./fuzz/mutants
//
// The tree is not touched. The exit status is 0 if at least 95 % are caught, 1 if not or if a fault cannot be applied or built, and 2 if the
// command line is wrong. Those that survive for a reason, which stands in the list, do not count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const leastCaught = 95 // per cent

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "take the mutants whose name or file matches `pattern`")
	jobs := flags.Int("j", max(1, runtime.NumCPU()/2), "how many mutants at a time")
	list := flags.Bool("list", false, "list the mutants, and do nothing")
	file := flags.String("o", "", "write a table of the results, in Markdown, to `file`")
	every := flags.Int("all", 3, "of each `n`-th mutant find all targets and tests beside the code that catch it, of others the first; 0: of none")
	timeout := flags.Duration("timeout", 5*time.Minute, "the tests of a package that take longer have caught a mutant, as a hang; without a fault they take 10 s of a processor at most")
	healthy := flags.Bool("healthy", true, "first see whether the tests pass without a fault")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	pattern, err := regexp.Compile(*only)
	if err != nil || flags.NArg() > 0 || *jobs < 1 || *every < 0 || *timeout <= 0 {
		fmt.Fprintln(stderr, "mutants: wrong arguments; see -help")
		return 2
	}
	take := slices.DeleteFunc(mutants(), func(m mutant) bool { return !pattern.MatchString(m.name) && !pattern.MatchString(m.file) })
	if *list {
		for _, m := range take {
			fmt.Fprintf(stdout, "%-34s %s\n", m.file, m.name)
		}
		return 0
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "mutants:", err)
		return 1
	}
	j := &judge{root: root, timeout: *timeout, progress: stderr}
	defer j.close()
	fmt.Fprintf(stderr, "%d mutants; building...\n", len(take))
	if err := j.prepare(ctx, take, *healthy); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted before the first of %d", len(take))
		}
		fmt.Fprintln(stderr, "mutants:", err)
		return 1
	}
	results := j.tryAll(ctx, take, *jobs, *every)
	s := sum(results)
	fmt.Fprintln(stdout, s)
	if *file != "" {
		if err := os.WriteFile(*file, []byte(table(results)), 0o644); err != nil {
			fmt.Fprintln(stderr, "mutants:", err)
			return 1
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintf(stderr, "mutants: interrupted after %d of %d\n", len(results), len(take))
		return 1
	}
	if s.mistakes > 0 || s.percent() < leastCaught {
		return 1
	}
	return 0
}

// moduleRoot returns where the module is whose tests are asked: the one around the working directory.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	mod := strings.TrimSpace(string(out))
	if _, err := os.Stat(filepath.Join(filepath.Dir(mod), "fuzz", "mutants")); mod == "" || err != nil {
		return "", errors.New("to be run within the module of idlewire")
	}
	return filepath.Dir(mod), nil
}

// tryAll tries mutants, jobs at a time, and returns the results in their order; if ctx ends, those that there are.
func (j *judge) tryAll(ctx context.Context, take []mutant, jobs, every int) []result {
	results := make([]result, len(take))
	finished := make([]bool, len(take))
	var (
		mu   sync.Mutex // guards what is below, finished and progress
		next int
		n    int
		wait sync.WaitGroup
	)
	for range jobs {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(take) || ctx.Err() != nil {
					return
				}
				r := j.try(ctx, take[i], i+1, every > 0 && i%every == 0)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				results[i], finished[i] = r, true
				n++
				fmt.Fprintf(j.progress, "[%d/%d] %s: %s: %s (%.0f s)\n", n, len(take), r.file, r.name, r.what(), r.took.Seconds())
				mu.Unlock()
			}
		}()
	}
	wait.Wait()
	var all []result
	for i, r := range results {
		if finished[i] {
			all = append(all, r)
		}
	}
	return all
}
