package conn

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// Every error of package frame that can end a receiving half has its number.
func TestBreaches(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../frame/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if _, breach := v.Values[0].(*ast.UnaryExpr); breach && strings.HasPrefix(v.Names[0].Name, "Err") && v.Names[0].Name != "ErrControlRate" { // which is the drivers'
				declared++
			}
		}
	}
	if declared != len(breaches) {
		t.Errorf("%d breaches are declared, %d have a number", declared, len(breaches))
	}
	for i, e := range breaches {
		if b := breachOf(e); b != breach(i+1) || b.err() != e {
			t.Errorf("%v is number %d, not %d", e, b, i+1)
		}
	}
	if breach(0).err() != nil {
		t.Error("none is one")
	}
	defer func() {
		if recover() == nil {
			t.Error("took an error that no Receive returns")
		}
	}()
	breachOf(frame.ErrControlRate)
}
