package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/bench/internal/server"
)

// best is the server whose cost is the budget of the rows with compression, and second what they are compared with where that is not installed.
const (
	best   = "uws"
	second = "gws"
)

// anchors are microseconds of server CPU time per message that were measured once, all on the same day and machine, of uWebSockets from C++ among
// others. They tell what that costs here: its anchor times the median ratio of what the others cost here to theirs.
var anchors = map[string]map[string]float64{
	"json":          {best: 20, "nbio": 34, "gws": 36, "coder": 37, "gorilla": 39, "ws": 102},
	"json-takeover": {best: 29, "coder": 52, "ws": 93},
}

// scaled returns the anchor of uWebSockets as it would be here and now, and how many ratios it rests on.
func (t *table) scaled(r row) (us, factor float64, n int) {
	var x []float64
	for name, anchor := range anchors[r.key] {
		if us, _, _, ok := t.micros(r, name); ok && name != best {
			x = append(x, us/anchor)
		}
	}
	if len(x) == 0 {
		return 0, 0, 0
	}
	factor = median(x)
	return anchors[r.key][best] * factor, factor, len(x)
}

// printCompressed prints the rows with compression.
func (t *table) printCompressed(rs []row) {
	base := second
	if slices.Contains(t.columns, best) {
		base = best
	}
	var columns []string
	for _, name := range t.columns {
		if k, err := server.Find(name); err == nil && k.Deflate != "" {
			columns = append(columns, name)
		}
	}

	fmt.Printf("Microseconds of server CPU time per message: median of %d rounds (least-greatest).\n\n", *rounds)
	head("work", columns, "budget")
	for _, r := range rs {
		fmt.Printf("| %s |", r.text)
		for _, column := range columns {
			fmt.Printf(" %s |", t.cellOf(r, column, func() string {
				var x []float64
				for _, c := range t.cells[cell(r, column)] {
					if c.err == nil {
						x = append(x, c.total)
					}
				}
				s := spread(x, "%.1f")
				if us, _ := t.budget(r); column == ours && us > 0 && len(x) > 0 && median(x) > us {
					s = "**" + strings.Replace(s, " ", " over budget** ", 1)
				}
				return s
			}))
		}
		if us, from := t.budget(r); us > 0 {
			fmt.Printf(" %.1f (%s) |\n", us, from)
		} else {
			fmt.Printf(" none |\n")
		}
	}

	fmt.Printf("\nThe same over that of %s, round by round.\n\n", base)
	head("work", columns, "")
	for _, r := range rs {
		fmt.Printf("| %s |", r.text)
		for _, column := range columns {
			fmt.Printf(" %s |", t.cellOf(r, column, func() string {
				if column == base {
					return "1"
				}
				return spread(t.ratios(r, column, base), "%.2f")
			}))
		}
		fmt.Println()
	}

	fmt.Printf("\nOctets that the server sends, frame headers included, for each octet of the messages.\n\n")
	head("work", columns, "")
	for _, r := range rs {
		fmt.Printf("| %s |", r.text)
		for _, column := range columns {
			fmt.Printf(" %s |", t.cellOf(r, column, func() string {
				var x []float64
				for _, c := range t.cells[cell(r, column)] {
					if c.err == nil {
						x = append(x, c.octets)
					}
				}
				if len(x) == 0 {
					return "failed"
				}
				return fmt.Sprintf("%.3f", median(x))
			}))
		}
		fmt.Println()
	}

	fmt.Println()
	for _, r := range rs {
		if us, factor, n := t.scaled(r); n > 0 {
			fmt.Printf("%s: uWebSockets from C++ would cost about %.1f us here: %.0f us where it was measured, times %.2f, the median ratio of %d others.\n",
				r.text, us, anchors[r.key][best], factor, n)
		}
	}
}

// cellOf returns what stands in a cell, unless the server cannot do the row.
func (t *table) cellOf(r row, column string, text func() string) string {
	if k, err := server.Find(column); err == nil {
		if why := k.Cannot(r.deflate); why != "" {
			return "cannot: " + why
		}
	}
	return text()
}

// budget is the greatest cost of a row that we allow ourselves, in microseconds, and where it comes from: what uWebSockets costs by its binding to Node,
// or, if that is less, from C++. It is 0 if neither is known.
func (t *table) budget(r row) (us float64, from string) {
	if measured, _, _, ok := t.micros(r, best); ok {
		us, from = measured*r.budget, best
	}
	if scaled, _, n := t.scaled(r); n > 0 && (us == 0 || scaled*r.budget < us) {
		us, from = scaled*r.budget, "scaled"
	}
	return us, from
}

// spread is the median of x and its ends.
func spread(x []float64, format string) string {
	if len(x) == 0 {
		return "failed"
	}
	return fmt.Sprintf(strings.ReplaceAll("% (%-%)", "%", format), median(x), slices.Min(x), slices.Max(x))
}
