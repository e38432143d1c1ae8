package autobahn

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/stretchr/testify/require"
)

const faultsIntro = `# Faults, and the cases that show them

A suite that cannot fail is worthless. Package internal/testee has an endpoint without a fault, which is OK in every case, in both roles; and %d with one fault each.
This is which cases turn red for each of them: all verdicts that are not OK count, NON-STRICT too. The tests hold each line to be exact: these cases turn red, and no others.
They play in memory, under simulated time; some over sockets. Of section 9, and of 12 and 13 with four messages each, they play a few cases, unless IDLEWIRE_TEST_FAULTS is
"all".

Every case turns red for some fault, but for 7.1.6, 7.13.1 and 7.13.2, which judge nothing. "5.3..8" is 5.3 to 5.8, and "3.*" all of section 3 that judge something. "By chance"
are cases in which the octets that happen to be sent decide.

This page is made by the tests: go test ./autobahn -run FaultsDoc -update

Sets that many faults have in common:

| set | what happens in it | cases |
|---|---|---|
`

const unseenIntro = `## What the cases do not see

These are wrong too, or at least not strict, and no case of the 517 turns red for them.
`

// The page is what the tables of package testee say.
func TestFaultsDoc(t *testing.T) {
	want := faultsDoc()
	if *update {
		require.NoError(t, os.WriteFile("FAULTS.md", []byte(want), 0o644))
	}
	got, err := os.ReadFile("FAULTS.md")
	require.NoError(t, err)
	require.Equal(t, want, string(got), "make it anew with -update")
}

func faultsDoc() string {
	var b, unseen strings.Builder
	fmt.Fprintf(&b, faultsIntro, len(testee.Faults()))
	for _, set := range testee.Sets {
		fmt.Fprintf(&b, "| *%s* | %s | %s |\n", set.Name, set.Text, ranges(judgedIn(set.Cases)))
	}
	for _, g := range testee.Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n| fault | as | what it does | cases that turn red |\n|---|---|---|---|\n", g.Title)
		for _, k := range g.Kinds {
			if k.Unseen != "" {
				fmt.Fprintf(&unseen, "| %s | %s | %s | %s |\n", k.Name, k.Only, k.Text, k.Unseen)
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", k.Name, k.Only, k.Text, redCases(k))
		}
	}
	return b.String() + "\n" + unseenIntro + "\n| fault | as | what it does | why |\n|---|---|---|---|\n" + unseen.String()
}

// redCases says which cases turn red.
func redCases(k *testee.Kind) string {
	server, client := describeSet(redFor(k, testee.Server)), describeSet(redFor(k, testee.Client))
	switch {
	case k.Only == testee.Client:
		server = client
	case k.Only == testee.Server || server == client:
	case client == "":
		server = "server: " + server
	default:
		server = "server: " + server + "; client: " + client
	}
	if k.Chance != "" {
		server += "; by chance " + k.Chance
	}
	return server
}

// judgedIn is the IDs of the cases of a set that judge something.
func judgedIn(words string) (ids []string) {
	for _, c := range allCases() {
		if !c.Informational && inSet(c.ID, words) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// describeSet names the sets that a set has in it, and then what more there is.
func describeSet(words string) string {
	ids := judgedIn(words)
	var out []string
	for _, set := range testee.Sets {
		part := judgedIn(set.Cases)
		if slices.ContainsFunc(part, func(id string) bool { return !slices.Contains(ids, id) }) {
			continue
		}
		out = append(out, "*"+set.Name+"*")
		ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(part, id) })
	}
	if len(ids) > 0 {
		out = append(out, ranges(ids))
	}
	return strings.Join(out, " ")
}

// ranges writes a list of IDs in the order of the suite with ranges, and with a star for a section or subsection that is in it whole.
func ranges(ids []string) string {
	var out []string
	whole := func(prefix string) (n int) {
		for _, c := range allCases() {
			if strings.HasPrefix(c.ID, prefix) && !c.Informational {
				n++
			}
		}
		return n
	}
	have := func(ids []string, prefix string) (n int) {
		for n < len(ids) && strings.HasPrefix(ids[n], prefix) {
			n++
		}
		return n
	}
	for len(ids) > 0 {
		section := ids[0][:strings.IndexByte(ids[0], '.')+1]
		sub := ids[0][:strings.LastIndexByte(ids[0], '.')+1]
		n := 1
		switch {
		case have(ids, section) == whole(section) && whole(section) > 1:
			n = whole(section)
			out = append(out, section+"*")
		case have(ids, sub) == whole(sub) && whole(sub) > 1:
			n = whole(sub)
			out = append(out, sub+"*")
		default:
			last := atoi(ids[0][len(sub):])
			for n < len(ids) && ids[n] == fmt.Sprint(sub, last+1) {
				last++
				n++
			}
			if n > 1 {
				out = append(out, fmt.Sprintf("%s..%d", ids[0], last))
			} else {
				out = append(out, ids[0])
			}
		}
		ids = ids[n:]
	}
	return strings.Join(out, " ")
}
