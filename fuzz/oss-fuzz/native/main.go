// Native makes of a fuzz target of package testing an archive that links with libFuzzer, as OSS-Fuzz's go-118-fuzz-build_v2 does, whose place it
// takes where there is no image of OSS-Fuzz: script local uses it. It is strict where that is lax: what it cannot do is an error.
//
//	native [-tags list] -o file.a -func FuzzXxx directory
//
// What matters of the original, and is the same here: the _test.go files of the directory, whatever their package, are built as if they were no
// tests; package testing is the standard one with another F, and with a T that panics where a test would fail; and each input is a call of the
// whole target, up to F.Fuzz and on.
//
//	native -seeds directory packages...
//
// writes the seeds of all targets of some packages, those of F.Add and those in testdata/fuzz, as inputs from which F.Fuzz of the above makes the
// same arguments: directory/package/FuzzXxx/0000 and so on. For there F.Add does nothing.
package main

import (
	"flag"
	"fmt"
	"go/token"
	"os"
)

func main() {
	tags := flag.String("tags", "", "build tags, with commas")
	out := flag.String("o", "", "the archive to write")
	target := flag.String("func", "", "the fuzz target")
	seedDir := flag.String("seeds", "", "write seeds to this `directory`")
	flag.Parse()
	var err error
	switch {
	case *seedDir != "" && *out == "" && *target == "" && flag.NArg() > 0:
		err = seeds(*seedDir, flag.Args())
	case *seedDir == "" && *out != "" && token.IsIdentifier(*target) && token.IsExported(*target) && flag.NArg() == 1:
		err = build(flag.Arg(0), *target, *tags, *out)
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "native:", err)
		os.Exit(1)
	}
}
