package autobahn

import (
	"fmt"
	"strings"
	"testing"
)

// EXTRA.md is what the tables say. -update writes it.
func TestExtraDoc(t *testing.T) {
	compareDoc(t, "EXTRA.md", extraDoc(), "ExtraDoc")
}

const extraIntro = `# The cases past the original

<!-- Made of the tables in extra_*.go by: go test ./autobahn -run ExtraDoc -update -->

Sections 20 and up are %d cases about what the original suite leaves out. They run only if they are asked for: ` + "`--cases extra`, or `--cases all`" + ` with
the 517 of [CASES.md](CASES.md); in a Go test, ` + "`From(ExtraCases())`" + `. %d of them test servers, %d clients, most of them both. The runner passes over what is not for
the peer that it tests. An echo is all that the peer needs to be.

What is FAILED here breaks a MUST (or a MUST NOT) of RFC 6455, RFC 7692, RFC 9110 or RFC 9112: that of its part, below. What an RFC leaves open is NON-STRICT, or
INFORMATIONAL if there is no stricter way; the table says when, and by which section. The end of the connection has a verdict of its own, as with the other cases.

The cases of section 20 make the opening handshake themselves. If a server refuses what may be refused, there is nothing more; TCP may stay open, unless the response says
that it will be closed. If it accepts, a text follows, which it has to echo.

The numbers of sections are those of RFC 6455, if no other RFC is named.
`

func extraDoc() string {
	var b strings.Builder
	fmt.Fprintf(&b, extraIntro, len(ExtraCases()), len(CasesFor(ExtraCases(), Servers)), len(CasesFor(ExtraCases(), Clients)))
	b.WriteString("\n| Section | About | Cases |\n| ---: | --- | ---: |\n")
	for _, s := range ExtraSections() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %d |\n", s.ID, docAnchor(docHeading(s)), s.Title, len(s.Cases))
	}
	for _, s := range ExtraSections() {
		fmt.Fprintf(&b, "\n## %s\n", docHeading(s))
		for _, p := range s.Parts {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n<details>\n<summary>%s%s</summary>\n\n", docHeading(p), extraCell(p.Requires), docCount(p), extraFor(p.Cases))
			b.WriteString("| Case | The runner does | The peer has to | RFC |\n| --- | --- | --- | --- |\n")
			for _, c := range p.Cases {
				title := c.Title
				if extraFor(p.Cases) == "" {
					title += extraFor([]*Case{c})
				}
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.ID, extraCell(title), extraCell(c.Expects), c.RFC)
			}
			b.WriteString("\n</details>\n")
		}
	}
	return b.String()
}

// extraFor says whom cases are for, if all are for the same and that is not everybody.
func extraFor(cases []*Case) string {
	for _, c := range cases {
		if c.For != cases[0].For {
			return ""
		}
	}
	return map[Endpoint]string{Servers: ", for servers", Clients: ", for clients"}[cases[0].For]
}

// extraCell keeps what Markdown would take for its own.
func extraCell(s string) string {
	return strings.NewReplacer("_", "\\_", "`", "\\`").Replace(docCell(s))
}
