package autobahn

import "flag"

// update makes the tests that compare with a generated file write it: go test ./autobahn -run CasesDoc -update.
var update = flag.Bool("update", false, "write generated files instead of comparing with them")
