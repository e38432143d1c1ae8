package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/bench/internal/server"
)

// ours is the server that the budgets are for.
const ours = "idlewire"

// A table gathers what was measured.
type table struct {
	columns []string          // servers
	cells   map[string][]cost // by row and column, one for each round
	failed  bool
}

func newTable(kinds []server.Kind) *table {
	t := &table{cells: map[string][]cost{}}
	for _, k := range kinds {
		t.columns = append(t.columns, k.Name)
	}
	return t
}

func cell(r row, column string) string { return r.key + "/" + column }

func (t *table) add(r row, round int, column string, c cost) {
	if c.err != nil {
		t.failed = true
		fmt.Printf("%s, round %d, %s: %v\n", r.key, round+1, column, c.err)
	}
	t.cells[cell(r, column)] = append(t.cells[cell(r, column)], c)
}

// ratios returns the column's cost over another's in each round in which both were measured.
func (t *table) ratios(r row, column, to string) (x []float64) {
	base := t.cells[cell(r, to)]
	for i, c := range t.cells[cell(r, column)] {
		if i < len(base) && base[i].err == nil && c.err == nil && base[i].total > 0 {
			x = append(x, c.total/base[i].total)
		}
	}
	slices.Sort(x)
	return x
}

// micros returns the median costs of the column.
func (t *table) micros(r row, column string) (total, user, system float64, ok bool) {
	var a, b, c []float64
	for _, x := range t.cells[cell(r, column)] {
		if x.err == nil {
			a, b, c = append(a, x.total), append(b, x.user), append(c, x.system)
		}
	}
	if len(a) == 0 {
		return 0, 0, 0, false
	}
	return median(a), median(b), median(c), true
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2
}

// print prints the rows without compression.
func (t *table) print(rs []row, floor bool) {
	columns := t.columns
	if floor {
		columns = slices.Concat([]string{floorName}, columns)
		fmt.Printf("Server CPU time per operation over the floor's: median of %d rounds (least-greatest).\n\n", *rounds)
		head("work", columns, "budget")
		for _, r := range rs {
			fmt.Printf("| %s |", r.text)
			for _, column := range columns {
				fmt.Printf(" %s |", t.ratio(r, column))
			}
			fmt.Printf(" %.2f |\n", r.budget)
		}
		fmt.Println()
	}
	fmt.Printf("Microseconds of server CPU time per operation: user + system, medians.\n\n")
	head("work", columns, "")
	for _, r := range rs {
		fmt.Printf("| %s |", r.text)
		for _, column := range columns {
			if _, user, system, ok := t.micros(r, column); ok {
				fmt.Printf(" %.2f + %.2f |", user, system)
			} else {
				fmt.Printf(" failed |")
			}
		}
		fmt.Println()
	}
}

// ratio is what stands in one cell.
func (t *table) ratio(r row, column string) string {
	x := t.ratios(r, column, floorName)
	switch {
	case column == floorName:
		return "1"
	case len(x) == 0:
		return "failed"
	}
	m := median(x)
	s := fmt.Sprintf("%.2f (%.2f-%.2f)", m, x[0], x[len(x)-1])
	if column == ours && m > r.budget {
		s = fmt.Sprintf("**%.2f over budget** (%.2f-%.2f)", m, x[0], x[len(x)-1])
	}
	return s
}

func head(first string, columns []string, last string) {
	h := slices.Concat([]string{first}, columns)
	if last != "" {
		h = append(h, last)
	}
	fmt.Printf("| %s |\n%s|\n", strings.Join(h, " | "), strings.Repeat("|---", len(h)))
}
