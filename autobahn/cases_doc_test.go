package autobahn

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// CASES.md is what the tables say. -update writes it.
func TestCasesDoc(t *testing.T) {
	compareDoc(t, "CASES.md", casesDoc(t), "CasesDoc")
}

// compareDoc fails t if a file is not what the tables say, or writes it if -update says so. Run names the test, for -run.
func compareDoc(t *testing.T, file, want, run string) {
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	// A checkout on Windows may have other line ends.
	have, lines := strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n"), strings.Split(want, "\n")
	for i := range max(len(have), len(lines)) {
		if i >= len(have) || i >= len(lines) || have[i] != lines[i] {
			t.Fatalf("%s is not what the tables say, from line %d on. Write it: go test ./autobahn -run %s -update", file, i+1, run)
		}
	}
}

const docIntro = `# The cases

<!-- Made of the tables in cases_*.go by: go test ./autobahn -run CasesDoc -update -->

The suite has %d cases of its own, in %d sections: the cases, numbers and order of the original. Each row of the tables below says
which requirement of the RFC it is about; unfold a section to see what the runner sends in each case, and what the peer has to do.

- [By section of the suite](#by-section-of-the-suite)
- [By section of the RFC](#by-section-of-the-rfc)

The *runner* is this program, the *peer* what it tests: a server or a client. An echo is all that it needs to be: a message comes back, of the same
type and with the same payload. Every case is run in both directions. A case that has to end cleanly wants the closing handshake (RFC 6455, 5.5.1),
and of a server that it closes TCP (7.1.1). A verdict has two halves:

| Half | Says | Good | Bad |
| --- | --- | --- | --- |
| behavior | whether the right messages and pongs came, in the right order, and nothing else | OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED | FAILED |
| behaviorClose | whether the right side closed, with a right code, and cleanly where that is required | OK, INFORMATIONAL | FAILED, UNCLEAN, WRONG CODE, FAILED BY CLIENT |

*Within* is when the runner gives up, counted from its last step.

None of these cases is about the opening handshake (RFC 6455, 4) or the masking (5.1, 5.3): a peer that is wrong there fails all of them. Sections 8 and 11
have never been used.
`

func casesDoc(t *testing.T) string {
	facts, err := readJSONCases()
	require.NoError(t, err)
	var b strings.Builder
	fmt.Fprintf(&b, docIntro, len(Cases()), len(Sections()))

	b.WriteString("\n## By section of the suite\n\n| Section | About | Cases |\n| ---: | --- | ---: |\n")
	for _, s := range Sections() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %d |\n", s.ID, docAnchor(docHeading(s)), s.Title, len(s.Cases))
	}
	fmt.Fprintf(&b, "| | | **%d** |\n", len(Cases()))
	for _, s := range Sections() {
		docSection(&b, s, facts)
	}

	b.WriteString("\n## By section of the RFC\n\nA case that is about several sections stands at each of them.\n")
	var targets strings.Builder
	docRFC(&b, &targets, "6455", rfc6455, func(c *Case) bool { return c.Compression == nil })
	docRFC(&b, &targets, "7692", rfc7692, func(c *Case) bool { return c.Compression != nil })
	return b.String() + "\n" + targets.String()
}

func docSection(b *strings.Builder, s Section, facts []jsonCase) {
	fmt.Fprintf(b, "\n### %s\n\n", docHeading(s))
	fmt.Fprintf(b, "| | What the RFC says | RFC %s | Cases |\n| --- | --- | --- | --- |\n", rfcOf(s.Cases[0]))
	parts := s.Parts
	if len(parts) == 0 {
		parts = []Section{s}
		parts[0].Title = "" // it is the heading
	}
	for _, p := range parts {
		name := strings.TrimSpace("**" + p.ID + "** " + docCell(p.Title))
		fmt.Fprintf(b, "| %s | %s | %s | %s (%d) |\n", name, docCell(p.Requires), docLinks(p.Cases), docSpan(p.Cases), len(p.Cases))
	}
	fmt.Fprintf(b, "\n<details>\n<summary>%s</summary>\n\n", docCount(s))
	if s.Cases[0].Compression != nil {
		docShapes(b, s, facts)
	} else {
		b.WriteString("| Case | The runner sends | The peer has to | Within | RFC |\n| --- | --- | --- | --- | --- |\n")
		for _, c := range s.Cases {
			fmt.Fprintf(b, "| %s | %s | %s | %v | %s |\n", c.ID, docCell(c.Title), docCell(c.Expects), docWithin(c), c.RFC)
		}
	}
	b.WriteString("\n</details>\n")
}

// docShapes writes what is the same in all parts of section 12 or 13 once, and what is not for each part.
func docShapes(b *strings.Builder, s Section, facts []jsonCase) {
	fmt.Fprintf(b, "Each part has the same %d cases. %s.\n\n", len(s.Parts[0].Cases), s.Cases[0].Expects)
	b.WriteString("| Case | Messages | Length of each | Frames | Within |\n| --- | ---: | ---: | --- | --- |\n")
	for i, c := range s.Parts[0].Cases {
		for _, p := range s.Parts {
			k := *p.Cases[i].Compression
			k.Corpus, k.Binary, k.Profile = c.Compression.Corpus, c.Compression.Binary, c.Compression.Profile
			if k != *c.Compression || p.Cases[i].Deadline != c.Deadline || len(p.Cases) != len(s.Parts[0].Cases) {
				panic("the parts of section " + s.ID + " are not the same")
			}
		}
		frames := "one each"
		if c.Compression.Fragment > 0 {
			frames = "of " + size(c.Compression.Fragment) + ", compressed"
		}
		fmt.Fprintf(b, "| %s.\\*.%d | %d | %s | %s | %v |\n", s.ID, i+1, c.Compression.Count, size(c.Compression.MessageLen), frames, docWithin(c))
	}
	b.WriteString("\n| Part | Data | Type | As client, the runner offers | As server, it accepts |\n| --- | --- | --- | --- | --- |\n")
	for _, p := range s.Parts {
		k := p.Cases[0].Compression
		kind := "text"
		if k.Binary {
			kind = "binary"
		}
		of := facts[slices.IndexFunc(facts, func(j jsonCase) bool { return j.ID == p.Cases[0].ID })].Compression
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", p.ID, k.Corpus, kind,
			"`"+strings.ReplaceAll(of.Header, ", permessage", "`, `permessage")+"`", docCell(of.Accept))
	}
}

// docRFC writes a table of the sections of an RFC that cases are about, and to targets where docLink leads.
func docRFC(b, targets *strings.Builder, rfc string, headings map[string]string, of func(*Case) bool) {
	about := map[string][]*Case{}
	for _, c := range Cases() {
		if of(c) {
			for _, r := range strings.Split(c.RFC, ", ") {
				about[r] = append(about[r], c)
			}
		}
	}
	fmt.Fprintf(b, "\n### RFC %s\n\n| Section | | Number | Cases |\n| --- | --- | ---: | --- |\n", rfc)
	for _, r := range docSorted(about) {
		fmt.Fprintf(b, "| %s | %s | %d | %s |\n", docLink(rfc, r), headings[r], len(about[r]), strings.Join(docSpans(about[r], Sections()), ", "))
		fmt.Fprintf(targets, "[%s-%s]: https://www.rfc-editor.org/rfc/rfc%s#section-%s\n", rfc, r, rfc, r)
	}
}

// docSpans names cases as short as it can: "6.\*" if they have all of a section, "7.3.1 to 7.3.5" if they have a row of it. Cases are in order.
func docSpans(cases []*Case, sections []Section) []string {
	var names, run []string // run is whole sections that follow one another
	flush := func() {
		if len(run) > 2 {
			run = []string{run[0] + " to " + run[len(run)-1]}
		}
		names, run = append(names, run...), nil
	}
	for _, s := range sections {
		in := slices.DeleteFunc(slices.Clone(s.Cases), func(c *Case) bool { return !slices.Contains(cases, c) })
		if len(in) == len(s.Cases) {
			run = append(run, s.ID+".\\*")
			continue
		}
		flush()
		if len(s.Parts) > 0 {
			names = append(names, docSpans(in, s.Parts)...)
			continue
		}
		for len(in) > 0 {
			n := 1
			for n < len(in) && in[n].Number == in[n-1].Number+1 {
				n++
			}
			names = append(names, docSpan(in[:n]))
			in = in[n:]
		}
	}
	flush()
	return names
}

// docSpan names cases that follow one another.
func docSpan(cases []*Case) string {
	first, last := cases[0].ID, cases[len(cases)-1].ID
	switch len(cases) {
	case 1:
		return first
	case 2:
		return first + ", " + last
	}
	return first + " to " + last
}

func docHeading(s Section) string { return s.ID + " " + s.Title }

// docAnchor is how GitHub names a heading.
func docAnchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case strings.ContainsRune(":.,'()", r):
			return -1
		}
		return r
	}, strings.ToLower(heading))
}

func docCount(s Section) string {
	if len(s.Cases) == 1 {
		return "The case"
	}
	return fmt.Sprintf("The %d cases", len(s.Cases))
}

func docWithin(c *Case) string { return strings.Replace(c.Deadline.After.String(), "m0s", "m", 1) }

func rfcOf(c *Case) string {
	if c.Compression != nil {
		return "7692"
	}
	return "6455"
}

// docLinks is the RFC's sections that cases are about.
func docLinks(cases []*Case) string {
	all := map[string][]*Case{}
	for _, c := range cases {
		for _, r := range strings.Split(c.RFC, ", ") {
			all[r] = nil
		}
	}
	var s []string
	for _, r := range docSorted(all) {
		s = append(s, docLink(rfcOf(cases[0]), r))
	}
	return strings.Join(s, ", ")
}

func docLink(rfc, section string) string { return fmt.Sprintf("[%s][%s-%s]", section, rfc, section) }

func docSorted(sections map[string][]*Case) []string {
	var s []string
	for r := range sections {
		s = append(s, r)
	}
	slices.SortFunc(s, compareIDs)
	return s
}

// docCell is s as it may stand in a table.
func docCell(s string) string { return strings.NewReplacer("|", "\\|", "*", "\\*").Replace(s) }
