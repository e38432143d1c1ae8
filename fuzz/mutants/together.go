package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Most of what a mutant costs is its compilation. So the mutants that are inside of functions are compiled together: each is a copy of its function, to which
// the function goes over if the number in the environment says so. Then one costs a second or two.

// chooser is the file that each package gets. Variables made by functions with a fault come after the number, by Go's order of initialization.
const chooser = `package %s

import (
	"os"
	"strconv"
)

var theMutant = func() int { n, _ := strconv.Atoi(os.Getenv("` + mutantEnv + `")); return n }()
`

const mutantEnv = "IDLEWIRE_MUTANT"

// together returns source with all the mutants of its file, numbered by their places in list, from 1. Those that are not inside of a function are not in
// it, and returned by their numbers.
func together(source []byte, file string, list []mutant) (b []byte, apart []int, err error) {
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	at := func(p token.Pos) int { return set.Position(p).Offset }
	type insertion struct {
		at   int
		text string
	}
	var jumps []insertion
	var copies bytes.Buffer
	for i, m := range list {
		if m.file != file {
			continue
		}
		spoilt, err := m.apply(source)
		if err != nil {
			return nil, nil, err
		}
		begin := bytes.Index(source, []byte(m.old))
		var f *ast.FuncDecl
		for _, d := range parsed.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && at(d.Body.Lbrace) < begin && begin+len(m.old) <= at(d.Body.Rbrace) {
				f = d
			}
		}
		call, ok := "", false
		if f != nil {
			call, ok = callOf(f, i+1)
		}
		if !ok {
			apart = append(apart, i+1)
			continue
		}
		name := at(f.Name.End())
		fmt.Fprintf(&copies, "\n%s__%d%s\n", spoilt[at(f.Pos()):name], i+1, spoilt[name:at(f.End())+len(m.new)-len(m.old)])
		jumps = append(jumps, insertion{at(f.Body.Lbrace) + 1, fmt.Sprintf(" if theMutant == %d { %s };", i+1, call)})
	}
	// From the last on, so that offsets stay.
	slices.SortStableFunc(jumps, func(x, y insertion) int { return cmp.Compare(y.at, x.at) })
	b = source
	for _, j := range jumps {
		b = slices.Concat(b[:j.at], []byte(j.text), b[j.at:])
	}
	return append(b, copies.Bytes()...), apart, nil
}

// callOf returns what calls copy n of f with f's own arguments, and whether that can be said.
func callOf(f *ast.FuncDecl, n int) (call string, ok bool) {
	name := fmt.Sprintf("%s__%d", f.Name.Name, n)
	if f.Recv != nil {
		if len(f.Recv.List[0].Names) == 0 || f.Recv.List[0].Names[0].Name == "_" {
			return "", false
		}
		name = f.Recv.List[0].Names[0].Name + "." + name
	}
	var args []string
	for _, field := range f.Type.Params.List {
		if len(field.Names) == 0 {
			return "", false
		}
		for _, arg := range field.Names {
			if arg.Name == "_" {
				return "", false
			}
			text := arg.Name
			if _, ok := field.Type.(*ast.Ellipsis); ok {
				text += "..."
			}
			args = append(args, text)
		}
	}
	call = name + "(" + strings.Join(args, ", ") + ")"
	if f.Type.Results == nil {
		return call + "; return", true
	}
	return "return " + call, true
}

// newTogether makes a workshop for all the mutants of list that can be compiled together, and returns the numbers of the others.
func newTogether(root string, list []mutant) (w *workshop, apart []int, err error) {
	w, err = newWorkshop(root)
	if err != nil {
		return nil, nil, err
	}
	done := map[string]bool{}
	for _, m := range list {
		if done[m.file] {
			continue
		}
		done[m.file] = true
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
		if err == nil {
			var b []byte
			var more []int
			if b, more, err = together(source, m.file, list); err == nil {
				apart = append(apart, more...)
				err = w.replace(m.file, b)
			}
		}
		dir := path.Dir(m.file)
		if err == nil && !done[dir] {
			done[dir] = true
			err = w.replace(dir+"/the_mutant.go", fmt.Appendf(nil, chooser, path.Base(dir)))
		}
		if err != nil {
			w.close()
			return nil, nil, err
		}
	}
	return w, apart, nil
}
