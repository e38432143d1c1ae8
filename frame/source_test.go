package frame

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// What the source of this package must not contain.

// Endless loops over a length: ParseHeader has no loop, and the payload is counted in octets that are there.
func TestV04NoLoopOverALength(t *testing.T) {
	eachFile(t, func(name string, fset *token.FileSet, f *ast.File) {
		if name != "header.go" && name != "opcode.go" {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				t.Errorf("%s: a loop", fset.Position(n.Pos()))
			}
			return true
		})
	})
}

// A sum with an unchecked length wraps, a comparison does not. So nothing in this package computes with the
// length of a header: it is compared, and then it is an int of another name.
func TestV06NoArithmeticOnLengths(t *testing.T) {
	arithmetic := map[token.Token]bool{
		token.ADD: true, token.SUB: true, token.MUL: true, token.SHL: true,
		token.ADD_ASSIGN: true, token.SUB_ASSIGN: true, token.MUL_ASSIGN: true, token.SHL_ASSIGN: true,
	}
	names := func(e ast.Expr) (found bool) {
		ast.Inspect(e, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && strings.EqualFold(id.Name, "length")
			return true
		})
		return found
	}
	seen := 0
	eachFile(t, func(name string, fset *token.FileSet, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			bad := false
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if names(n.X) || names(n.Y) {
					seen++
					bad = arithmetic[n.Op]
				}
			case *ast.AssignStmt:
				bad = arithmetic[n.Tok] && (names(n.Lhs[0]) || names(n.Rhs[0]))
			case *ast.IncDecStmt:
				bad = names(n.X)
			}
			if bad {
				t.Errorf("%s: arithmetic on a length", fset.Position(n.Pos()))
			}
			return true
		})
	})
	if seen < 5 {
		t.Errorf("only %d expressions with a length: has it another name?", seen)
	}
}

// Nothing random is made here: keys come from the caller, who must have good ones.
func TestV65NoRandomness(t *testing.T) {
	eachFile(t, func(name string, _ *token.FileSet, f *ast.File) {
		for _, imp := range f.Imports {
			if strings.Contains(imp.Path.Value, "rand") {
				t.Errorf("%s imports %s", name, imp.Path.Value)
			}
		}
	})
}

// Package frame stands on the standard library alone, and on little of it.
func TestDependencies(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command, which lists dependencies, is not in PATH")
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.Fields(string(out)); len(got) != 1 || !strings.HasSuffix(got[0], "/frame") {
		t.Errorf("not in the standard library: %v", got)
	}
	eachFile(t, func(name string, _ *token.FileSet, f *ast.File) {
		for _, imp := range f.Imports {
			switch path, _ := strconv.Unquote(imp.Path.Value); path {
			case "net", "net/http", "os", "time", "sync", "log", "unsafe":
				t.Errorf("%s imports %s", name, path)
			}
		}
	})
}

// eachFile calls f for each file of this package that is not a test.
func eachFile(t *testing.T, f func(name string, fset *token.FileSet, file *ast.File)) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil || len(names) < 8 {
		t.Fatal(names, err)
	}
	fset := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		f(name, fset, file)
	}
}
