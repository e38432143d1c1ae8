package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/autobahn"
)

func row(behavior, end autobahn.Verdict, code int) Row { return Row{behavior, end, code} }

var fine = row(autobahn.OK, autobahn.OK, 1000)

func TestCompare(t *testing.T) {
	recorded := &Facts{Runs: []*Recorded{{
		PeerIs:   "server",
		Agent:    "x",
		Sections: map[string]Section{"1": {Cases: 16}, "3": {Cases: 7}, "6": {Cases: 145}, "7": {Cases: 37}, "12": {Cases: 15}},
		Exceptions: map[string]Row{
			"3.2":    row(autobahn.NonStrict, autobahn.OK, 1002),
			"7.1.6":  row(autobahn.Informational, autobahn.Informational, 0),
			"6.4.1":  row(autobahn.NonStrict, autobahn.OK, 1007),
			"12.1.1": row(autobahn.Unimplemented, autobahn.OK, 1000),
		},
	}}}
	server := func(context.Context, string, string, int) error { return nil }
	for _, test := range []struct {
		peer             Peer
		id               string
		got              Row
		compared         bool
		different, known bool
	}{
		{Peer{Name: "x"}, "1.1.1", fine, true, false, false},
		{Peer{Name: "x"}, "1.1.1", row(autobahn.OK, autobahn.OK, 1001), true, false, false}, // the code of what is OK was not recorded
		{Peer{Name: "x"}, "1.1.1", row(autobahn.OK, autobahn.Unclean, 1000), true, true, false},
		{Peer{Name: "x"}, "1.1.1", row(autobahn.NonStrict, autobahn.OK, 1000), true, true, false},
		{Peer{Name: "x"}, "2.1", row(autobahn.Failed, autobahn.OK, 1000), false, false, false}, // not measured
		{Peer{Name: "x"}, "3.2", fine, true, true, true},
		{Peer{Name: "x"}, "3.2", row(autobahn.Failed, autobahn.OK, 1002), true, true, false},
		{Peer{Name: "x"}, "3.3", row(autobahn.NonStrict, autobahn.OK, 1002), true, true, true},
		{Peer{Name: "x"}, "3.3", row(autobahn.NonStrict, autobahn.Unclean, 1002), true, true, false},
		{Peer{Name: "x"}, "6.4.1", row(autobahn.NonStrict, autobahn.OK, 1007), true, false, false},
		{Peer{Name: "x"}, "6.4.1", row(autobahn.NonStrict, autobahn.OK, 1002), true, true, false},
		{Peer{Name: "x"}, "6.4.1", fine, true, true, false}, // better is a difference, too
		{Peer{Name: "x"}, "7.1.6", row(autobahn.Informational, autobahn.Informational, 1000), true, true, true},
		{Peer{Name: "x"}, "7.1.6", row(autobahn.OK, autobahn.OK, 1000), true, true, false},
		{Peer{Name: "x"}, "12.1.1", row(autobahn.Unimplemented, autobahn.OK, 1000), true, false, false},
		{Peer{Name: "x"}, "12.1.2", row(autobahn.Failed, autobahn.OK, 1000), false, false, false}, // not in the sample
		{Peer{Name: "x"}, "12.1.5", row(autobahn.Failed, autobahn.OK, 1000), true, true, false},
		{Peer{Name: "y"}, "1.1.1", row(autobahn.Failed, autobahn.OK, 1000), false, false, false},
		{Peer{Name: "x", Play: server}, "1.1.1", row(autobahn.Failed, autobahn.OK, 1000), false, false, false}, // recorded as a server
		{Peer{Name: "o", Ours: true}, "1.1.1", fine, true, false, false},
		{Peer{Name: "o", Ours: true}, "3.2", row(autobahn.NonStrict, autobahn.OK, 1002), true, true, false},
		{Peer{Name: "o", Ours: true}, "3.2", row(autobahn.OK, autobahn.Unclean, 1002), true, true, false},
		{Peer{Name: "o", Ours: true}, "7.1.6", row(autobahn.Informational, autobahn.Informational, 1000), true, false, false},
		{Peer{Name: "o", Ours: true}, "12.1.1", fine, true, false, false},
		{Peer{Name: "o", Ours: true}, "12.1.1", row(autobahn.Failed, autobahn.OK, 1000), true, true, false},
		{Peer{Name: "o", Ours: true}, "13.7.18", row(autobahn.Unimplemented, autobahn.OK, 1000), true, true, false},
	} {
		c := Compare(&Run{Peer: &test.peer, Rows: map[string]Row{test.id: test.got}}, recorded)
		if compared := c.Compared == 1; compared != test.compared {
			t.Errorf("%s %s: %d compared", test.peer.Name, test.id, c.Compared)
		}
		if different := len(c.Differences) == 1; different != test.different {
			t.Errorf("%s %s %v: differences %v", test.peer.Name, test.id, test.got, c.Differences)
		}
		if known := len(c.Differences) == 1 && len(c.Unexplained()) == 0; known != test.known {
			t.Errorf("%s %s %v: unexplained %v", test.peer.Name, test.id, test.got, c.Unexplained())
		}
	}
}

func TestTable(t *testing.T) {
	run := &Run{Peer: &Peer{Name: "gorilla", About: "a peer"}, Rows: map[string]Row{}}
	for i := 1; i <= 8; i++ {
		run.Rows[fmt.Sprintf("1.1.%d", i)] = fine
	}
	for i := 3; i <= 5; i++ {
		run.Rows[fmt.Sprintf("1.1.%d", i)] = row(autobahn.Failed, autobahn.WrongCode, 1002)
	}
	run.Rows["1.1.7"] = row(autobahn.Failed, autobahn.WrongCode, 1002)
	run.Rows["3.2"] = row(autobahn.NonStrict, autobahn.OK, 0)
	run.Rows["7.1.6"] = row(autobahn.Informational, autobahn.Informational, 1000)
	name := filepath.Join(t.TempDir(), "t.md")
	all := []*Comparison{Compare(run, facts(t))}
	if err := ReplaceTable(name, all); err == nil {
		t.Fatal("no file, and no error")
	}
	os.WriteFile(name, []byte("before\n"), 0o644)
	if err := ReplaceTable(name, all); err == nil {
		t.Fatal("no place, and no error")
	}
	os.WriteFile(name, []byte("before\n"+tableBegins+"old\n"+tableEnds+"after\n"), 0o644)
	for range 2 { // what it has written is replaced as well
		if err := ReplaceTable(name, all); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		"before\n",
		"after\n",
		"| gorilla | a peer | 10 | 4 | 1 INFORMATIONAL, 1 NON-STRICT, 4 FAILED | 10 | 5 | 5 | 4 |\n",
		"| gorilla | 1.1.3 to 1.1.5, 1.1.7 | OK / OK | FAILED / WRONG CODE (1002) | **unexplained** |\n",
		"| gorilla | 3.2 | OK / OK | NON-STRICT / OK | " + whyRace + " |\n",
		"| gorilla | FAILED / WRONG CODE (1002) | 1.1.3 to 1.1.5, 1.1.7 | another |\n",
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is there %d times", want, strings.Count(text, want))
		}
	}
	if t.Failed() || strings.Contains(text, "old") {
		t.Log(text)
		t.Fail()
	}
}
