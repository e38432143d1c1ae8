package autobahn

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"
	"unicode"
)

// index.html is one file that loads nothing. Its data are JSON in script elements that no browser executes: what the table shows in one, what a
// click shows in one for each agent, parsed when it is needed. The script makes text nodes of them, never markup; and a policy in the page lets
// nothing run but that script, whatever an agent calls itself and whatever it sends.

//go:embed report/page.html report/page.css report/page.js
var pageFiles embed.FS

// page makes index.html.
func page(s []agentResults, now time.Time) ([]byte, error) {
	data, details := collect(s, now)
	var scripts bytes.Buffer
	if err := appendScript(&scripts, "data", data); err != nil {
		return nil, err
	}
	for i, d := range details {
		if err := appendScript(&scripts, fmt.Sprintf("agent-%d", i), d); err != nil {
			return nil, err
		}
	}
	css, js := asset("page.css"), asset("page.js")
	policy := "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src " + digest(css) + "; script-src " + digest(js)
	return []byte(strings.NewReplacer( // one pass: what is put in is not looked at again
		"{{POLICY}}", policy, "{{STYLE}}", css, "{{SCRIPT}}", js, "{{DATA}}", scripts.String(), "{{PLAIN}}", plainTable(s),
	).Replace(asset("page.html"))), nil
}

// asset returns a file of the page, with lines as HTML parsers see them: a checkout may have given them another end, and the digests would not fit.
func asset(name string) string {
	b, err := pageFiles.ReadFile("report/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// digest names text in a Content-Security-Policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// appendScript appends an element with v as JSON. encoding/json writes <, > and & as escapes, so that no text in v can end the element or begin a comment.
func appendScript(w *bytes.Buffer, id string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "<script type=\"application/json\" id=\"%s\">%s</script>\n", id, b)
	return nil
}

// plainTable is what a browser without scripts shows.
func plainTable(s []agentResults) string {
	var b strings.Builder
	b.WriteString("<table><tr><th>Agent</th><th>Cases</th><th>Good</th><th>Not good</th></tr>")
	for _, a := range s {
		t := newTally("", "")
		for _, r := range a.results {
			t.add(r)
		}
		name := strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return '\uFFFD'
			}
			return r
		}, a.name)
		fmt.Fprintf(&b, "<tr><th>%s</th><td>%d</td><td>%d</td><td>%d</td></tr>", html.EscapeString(name), t.Cases, t.Good, t.Cases-t.Good)
	}
	b.WriteString("</table>")
	return b.String()
}
