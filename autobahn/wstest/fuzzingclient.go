package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"

	"github.com/idlewire/idlewire/autobahn"
)

// fuzzingClient tests servers.
func (c *command) fuzzingClient(ctx context.Context) (int, error) {
	config, err := c.clientConfig()
	if err != nil {
		return badInput, err
	}
	selected, cases, err := c.selectCases(config)
	if err != nil {
		return badInput, err
	}
	out, err := c.openOutput(config, selected, cases)
	if err != nil {
		return badInput, err
	}
	skip := autobahn.SkipAgents(config.ExcludeAgentCases)
	c.say("testing %s with %s, reports in %s", count(len(config.Targets), "server"), count(len(cases), "case"), out.dir)
	p := newProgress(c, cases)
	run := autobahn.Client{
		Targets: config.Targets,
		Cases:   cases,
		Skip: func(agent string, k *autobahn.Case) bool {
			if !skip(agent, k) {
				return false
			}
			p.leaveOut("", k)
			return true
		},
		Parallel: c.parallel,
		Repeat:   c.repeat,
		Seed:     c.seed,
		TLS:      &tls.Config{InsecureSkipVerify: true}, // as the original: servers under test sign their certificates themselves
		Started: func(t *autobahn.Target, k *autobahn.Case) {
			peer := t.URL
			if t.Agent != "" {
				peer = t.Agent
			}
			p.started(peer, k)
		},
		Finished: p.finished,
	}
	report, err := run.Run(ctx)
	p.end()
	named := 0
	for _, agent := range report.Agents() {
		named += len(report.Results(agent))
	}
	if n, _ := p.tally(); named < n[good]+n[notOK] {
		c.say("servers have the same name, and the later one's results replace the earlier one's; give each an \"agent\" in the configuration")
	}
	status := allGood
	if !p.good() {
		status = notGood
	}
	switch {
	case ctx.Err() != nil:
		c.say("interrupted")
		return out.finish(report, false, notGood, nil)
	case err != nil:
		return out.finish(report, false, badInput, err)
	}
	return out.finish(report, true, status, nil)
}

// clientConfig returns the configuration, with at least one server.
func (c *command) clientConfig() (*autobahn.Config, error) {
	content := autobahn.DefaultClientConfig
	if c.uri != "" {
		content = "" // the file that would be created would not be about this server
	}
	name, b, err := c.readSpec("fuzzingclient.json", content)
	if c.uri != "" && c.spec == "" && errors.Is(err, fs.ErrNotExist) {
		name, b, err = "", []byte(`{"cases": ["*"]}`), nil
	}
	if err != nil {
		return nil, err
	}
	config, err := autobahn.ParseClientConfig(name, b)
	if err != nil {
		return nil, err
	}
	switch {
	case len(config.Targets) == 0 && c.uri == "":
		return nil, fmt.Errorf("%s: expected servers, or a URL with -w", name)
	case len(config.Targets) == 0:
		config.Targets = []autobahn.Target{{URL: c.uri, Options: config.Options}}
	case c.uri != "":
		c.say("%s names servers, so %s, which -w names, is not tested", name, c.uri)
	}
	return config, nil
}
