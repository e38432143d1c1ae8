package autobahn

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Write writes the report into the folder dir, and makes it if need be, with its parents: a JSON file for each result, index.html for people, and
// index.json. Files of these names are replaced, others left alone. Each file appears whole or not at all, the index last: who reads one while
// another run writes, or after a run was killed, finds nothing half done. An error names the file.
func (r *Report) Write(dir string) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("autobahn: making the report's folder: %w", err)
	}
	s := r.snapshot()
	index := object{}
	for _, a := range s {
		entries := object{}
		for _, result := range a.results {
			name := a.fileOf(result)
			if err := writeFile(dir, name, appendJSON(nil, detail(result, a.name), 0)); err != nil {
				return err
			}
			entries[result.Case.ID] = indexEntry(result, name)
		}
		index[a.name] = entries
	}
	html, err := page(s, time.Now())
	if err != nil {
		return fmt.Errorf("autobahn: making index.html: %w", err)
	}
	if err := writeFile(dir, "index.html", html); err != nil {
		return err
	}
	return writeFile(dir, "index.json", appendJSON(nil, index, 0))
}

// agentResults is the part of a report that is about one agent.
type agentResults struct {
	name    string    // the agent's; made UTF-8, and unlike the others still
	prefix  string    // of the names of its files, likewise
	results []*Result // in order
}

func (r *Report) snapshot() []agentResults {
	agents := r.Agents()
	names := distinct(agents, func(agent string) string { return strings.ToValidUTF8(agent, "\uFFFD") })
	prefixes := distinct(agents, cleanName)
	s := make([]agentResults, len(agents))
	for i, agent := range agents {
		s[i] = agentResults{names[i], prefixes[i], r.Results(agent)}
	}
	return s
}

func (a *agentResults) fileOf(r *Result) string {
	return a.prefix + "_case_" + strings.ReplaceAll(r.Case.ID, ".", "_") + ".json"
}

// maxFilePrefix bounds what an agent's name, which a client may choose, contributes to a file name, in octets.
const maxFilePrefix = 100

// cleanName is the name of an agent in file names: lower case, trimmed, and every character that is neither letter nor digit of ASCII a "_".
func cleanName(agent string) string {
	clean := strings.TrimSpace(strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return ' '
	}, strings.ToLower(agent)))
	return strings.ReplaceAll(clean[:min(len(clean), maxFilePrefix)], " ", "_")
}

// distinct maps names by f and numbers what is no longer unique: "ws 1" and "WS-1" are ws_1 and ws_1_2. (The original lets them overwrite each other.)
func distinct(names []string, f func(string) string) []string {
	out, taken := make([]string, len(names)), map[string]bool{}
	for i, name := range names {
		name = f(name)
		out[i] = name
		for n := 2; taken[out[i]]; n++ {
			out[i] = name + "_" + strconv.Itoa(n)
		}
		taken[out[i]] = true
	}
	return out
}

// writeFile writes a file of the folder dir by way of a temporary one.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if err := replaceFile(path, data); err != nil {
		return fmt.Errorf("autobahn: writing %s: %w", path, err)
	}
	return nil
}

func replaceFile(path string, data []byte) error {
	f, err := createTemp(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// createTemp creates a file beside path. os.CreateTemp would make it unreadable for others, as reports must not be.
func createTemp(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(fmt.Sprintf("%s.%08x.tmp", path, rand.Uint32()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}
