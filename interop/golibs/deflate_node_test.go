package golibs

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wsIs is what ws is known for; its knobs are the options of perMessageDeflate, in JSON.
func wsIs(t *testing.T, options string) end {
	t.Helper()
	var o struct{ Threshold *int }
	if err := json.Unmarshal([]byte(options), &o); err != nil && options != "true" && options != "false" {
		t.Fatalf("options %q: %v", options, err)
	}
	e := end{threshold: 1024, plain: true, parts: true}
	if o.Threshold != nil {
		e.threshold = *o.Threshold
	}
	return e
}

// A scriptRow is a conversation in the words of deflate-client.js and page.html.
type scriptRow struct {
	Name    string          `json:"name"`
	URL     string          `json:"url"`
	Options json.RawMessage `json:"options,omitempty"`
	Sizes   []int           `json:"sizes"`
	Periods []int           `json:"periods"`
}

// scriptRows are rows for programs that hold many conversations in one process: a relay for each, and a place for what they say of it.
type scriptRows struct {
	rows     []scriptRow
	relays   []*relay
	verdicts map[string]string
}

func (s *scriptRows) add(t *testing.T, k talk, target, path string, options string) {
	r := startRelay(t, target)
	s.relays = append(s.relays, r)
	row := scriptRow{Name: k.name(), URL: r.url + path, Sizes: k.sizes(), Periods: k.periods()}
	if options != "" {
		row.Options = json.RawMessage(options)
	}
	s.rows = append(s.rows, row)
}

// hear takes one line of a verdict.
func (s *scriptRows) hear(t *testing.T, line string) {
	if s.verdicts == nil {
		s.verdicts = map[string]string{}
	}
	if name, ok := strings.CutPrefix(line, "ok "); ok {
		s.verdicts[name] = "ok"
		return
	}
	for _, row := range s.rows {
		if why, ok := strings.CutPrefix(line, "not ok "+row.Name+": "); ok {
			s.verdicts[row.Name] = why
			return
		}
	}
	t.Errorf("the program printed %q", line)
}

// judge makes a subtest of each row.
func (s *scriptRows) judge(t *testing.T, talks []talk, is func(*testing.T, talk) (client, server end)) {
	for i, k := range talks {
		t.Run(k.name(), func(t *testing.T) {
			if said := s.verdicts[k.name()]; said != "ok" {
				t.Errorf("the client says: %q", said)
			}
			client, server := is(t, k)
			if err := k.judge(t, s.relays[i], client, server); err != nil {
				t.Error(err)
			}
		})
	}
}

// holdNode lets ws hold the conversations as a client. targets are the URLs of the servers.
func holdNode(t *testing.T, talks []talk, targets func(talk) string, is func(*testing.T, talk) end) {
	node := needNode(t)
	var s scriptRows
	for _, k := range talks {
		s.add(t, k, targets(k), "/deflate?deflate="+url.QueryEscape(k.serverKnobs), k.clientKnobs)
	}
	b, err := json.Marshal(s.rows)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rows.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "deflate-client.js", file)
	cmd.Dir = nodeDir
	if err := eachLine(cmd, func(line string) { s.hear(t, line) }); err != nil {
		t.Errorf("deflate-client.js: %v", err)
	}
	s.judge(t, talks, func(t *testing.T, k talk) (end, end) { return wsIs(t, k.clientKnobs), is(t, k) })
}

// startNodeDeflate starts deflate-server.js.
func startNodeDeflate(t *testing.T) string {
	cmd := exec.Command(needNode(t), "deflate-server.js")
	cmd.Dir = nodeDir
	return start(t, cmd).url
}
