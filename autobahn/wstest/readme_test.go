package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn"
)

// The command lines that the documents show are ones that the program takes.
func TestDocumentedCommands(t *testing.T) {
	n := 0
	for _, name := range []string{"../README.md", "../example-workflow.yml", "help"} {
		text := help
		if name != "help" {
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			text = string(b)
		}
		for line := range strings.SplitSeq(text, "\n") {
			m := regexp.MustCompile(`^ {4,}(?:\$ )?(?:go run \./autobahn/)?wstest (-m [^&#]*)`).FindStringSubmatch(line)
			if m == nil {
				continue
			}
			n++
			args := strings.Fields(regexp.MustCompile(`  +[a-z].*`).ReplaceAllString(strings.ReplaceAll(m[1], "'", ""), ""))
			require.NoError(t, new(flags).parse(args), line)
		}
	}
	require.Greater(t, n, 10)
}

// README.md has every option, and the default that it says.
func TestDocumentedOptions(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(b), "| option | default | |\n|---|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	n := 0
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(line, "|")
		for _, name := range regexp.MustCompile("[a-zA-Z0-9]+").FindAllString(cells[1], -1) {
			n++
			text := []byte(`{"url": "ws://a:1", "cases": [], "options": {"` + name + `": ` + strings.ReplaceAll(cells[2], "`", "") + `}}`)
			c, err := autobahn.ParseClientConfig("f", text)
			if err != nil {
				c, err = autobahn.ParseServerConfig("f", text)
			}
			require.NoError(t, err, line)
			require.Equal(t, autobahn.DefaultOptions(), c.Options, line)
		}
	}
	require.Equal(t, 23, n)
}
