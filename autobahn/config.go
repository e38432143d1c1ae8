package autobahn

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Config is what a configuration file of the original suite says: fuzzingclient.json (ParseClientConfig), or fuzzingserver.json
// (ParseServerConfig). README.md lists the fields.
type Config struct {
	OutDir            string              // where the reports go
	Cases             []string            // patterns of the cases to run; see Select
	ExcludeCases      []string            // patterns of those left out
	ExcludeAgentCases map[string][]string // and of those left out for some agents; see SkipAgents
	Options           Options             // of every connection; those of a Target have its own on top

	Targets []Target // the servers to test; of fuzzingclient.json. It may be empty

	URL       string // where to listen, and what the clients' Host has to name; of fuzzingserver.json
	Key, Cert string // names of PEM files for wss; "" if the file does not say; of fuzzingserver.json

	doc     *document
	casesAt []*node // where each of Cases stands
}

// DefaultClientConfig and DefaultServerConfig are what the files fuzzingclient.json and fuzzingserver.json say when nobody has written them.
const (
	DefaultClientConfig = `{
   "outdir": "./reports/servers",
   "servers": [{"url": "ws://127.0.0.1:9001"}],
   "cases": ["*"],
   "exclude-cases": [],
   "exclude-agent-cases": {}
}
`
	DefaultServerConfig = `{
   "url": "ws://127.0.0.1:9001",
   "outdir": "./reports/clients",
   "cases": ["*"],
   "exclude-cases": [],
   "exclude-agent-cases": {}
}
`
)

// maxConfig is the greatest configuration file that is read, in octets. The longest that make sense have some thousand.
const maxConfig = 1 << 20

// maxPattern is the longest pattern of cases or agents, in octets.
const maxPattern = 1000

// A ConfigError says what is wrong with a configuration file, and where.
type ConfigError struct {
	File         string // its name, as it was given
	Line, Column int    // from 1; the column counts characters
	Text         string // what is wrong, and what was expected
	Err          error  // what Text was made of; nil as a rule
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// Error returns file:line:column: text.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// ParseClientConfig reads b, the content of fuzzingclient.json. The name of the file is used in errors only, which are of type *ConfigError.
func ParseClientConfig(name string, b []byte) (*Config, error) {
	doc := &document{name: name, b: b}
	root := doc.parse()
	if doc.err != nil {
		return nil, doc.err
	}
	c := parseBoth(root, forClient)
	c.OutDir = "./reports/servers"
	root.child("outdir").text(&c.OutDir)
	named := map[string]string{} // agent: which server has that name
	for _, s := range root.child("servers").list() {
		t := Target{Options: c.Options}
		s.required("url", `"ws://127.0.0.1:9001"`).url(&t.URL, CheckURL)
		agent := s.child("agent")
		agent.text(&t.Agent)
		if other := named[t.Agent]; t.Agent != "" && other != "" {
			agent.expected("a name other than that of " + other) // in the reports one would take the other's place
		}
		named[t.Agent] = s.name
		s.child("origin").text(&t.Origin)
		s.child("hostname").text(&t.Hostname)
		t.Protocols = s.child("protocols").texts()
		s.child("options").options(&t.Options, forClient)
		c.Targets = append(c.Targets, t)
	}
	if doc.err != nil {
		return nil, doc.err
	}
	return c, nil
}

// ParseServerConfig reads b, the content of fuzzingserver.json, as ParseClientConfig does.
func ParseServerConfig(name string, b []byte) (*Config, error) {
	doc := &document{name: name, b: b}
	root := doc.parse()
	if doc.err != nil {
		return nil, doc.err
	}
	c := parseBoth(root, forServer)
	c.OutDir = "./reports/clients"
	root.child("outdir").text(&c.OutDir)
	root.required("url", `"ws://127.0.0.1:9001"`).url(&c.URL, checkServerURL)
	root.child("key").text(&c.Key)
	root.child("cert").text(&c.Cert)
	root.child("protocols").texts() // the original reads them, and never uses them
	if doc.err != nil {
		return nil, doc.err
	}
	return c, nil
}

// parseBoth reads what both files have.
func parseBoth(root *node, m mode) *Config {
	c := &Config{Options: DefaultOptions(), doc: root.doc}
	cases := root.required("cases", `["*"]`)
	c.Cases, c.casesAt = cases.patterns(), cases.list()
	c.ExcludeCases = root.child("exclude-cases").patterns()
	for _, f := range root.child("exclude-agent-cases").fields() {
		if c.ExcludeAgentCases == nil {
			c.ExcludeAgentCases = map[string][]string{}
		}
		if len(f.name) > maxPattern {
			root.doc.fail(f.at, "exclude-agent-cases: expected patterns of at most %d octets, found %d", maxPattern, len(f.name))
		}
		c.ExcludeAgentCases[f.name] = f.value.patterns()
	}
	root.child("options").options(&c.Options, m)
	return c
}

// Select returns the cases of all that the file selects, in order. An ID in "cases" that none of all has is a *ConfigError, with an *UnknownCaseError in it.
func (c *Config) Select(all []*Case) ([]*Case, error) {
	cases, err := Select(all, c.Cases, c.ExcludeCases)
	if unknown := (*UnknownCaseError)(nil); errors.As(err, &unknown) {
		at := c.casesAt[slices.Index(c.Cases, unknown.ID)]
		doc := *c.doc
		doc.fail(at.at, "%s%s", at.prefix(), strings.TrimPrefix(unknown.Error(), "autobahn: "))
		doc.err.Err = unknown
		return nil, doc.err
	}
	return cases, err
}

// CheckURL says what is wrong with the URL of a server to test, or nothing. Good is: scheme ws or wss, a host, maybe a port, path and query.
func CheckURL(raw string) error {
	_, err := parseURL(raw)
	return err
}

// checkServerURL is for the URL at which the runner is the server.
func checkServerURL(raw string) error {
	u, err := parseURL(raw)
	switch {
	case err != nil:
		return err
	case u.Port() == "":
		return fmt.Errorf("expected a URL with a port, such as ws://127.0.0.1:9001, found %q", raw)
	case u.RawQuery != "" || u.ForceQuery:
		return fmt.Errorf("expected a URL without a query, found %q", raw)
	}
	return nil
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("expected a URL such as ws://127.0.0.1:9001, found %q", raw)
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		return nil, fmt.Errorf("expected a URL that begins with ws:// or wss://, found %q", raw)
	case u.Hostname() == "":
		return nil, fmt.Errorf("expected a URL with a host, found %q", raw)
	case u.User != nil:
		return nil, fmt.Errorf("expected a URL without a user, found %q", raw)
	case u.Fragment != "" || strings.HasSuffix(raw, "#"): // RFC 6455, 3: "Fragment identifiers are meaningless [...] and MUST NOT be used"
		return nil, fmt.Errorf("expected a URL without a fragment, found %q", raw)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n > 65535 {
			return nil, fmt.Errorf("expected a port up to 65535, found %q", raw)
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return nil, fmt.Errorf("expected a port behind the colon, found %q", raw)
	}
	return u, nil
}
