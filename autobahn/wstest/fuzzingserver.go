package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/autobahn"
)

// fuzzingServer tests clients.
func (c *command) fuzzingServer(ctx context.Context) (int, error) {
	name, b, err := c.readSpec("fuzzingserver.json", autobahn.DefaultServerConfig)
	if err != nil {
		return badInput, err
	}
	config, err := autobahn.ParseServerConfig(name, b)
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
	u, err := url.Parse(config.URL)
	if err != nil {
		return badInput, err
	}
	ln, err := c.serverListener(u, ":"+u.Port(), config.Key, config.Cert) // on all interfaces, as the original
	if err != nil {
		return badInput, err
	}
	skip := autobahn.SkipAgents(config.ExcludeAgentCases)
	c.say("testing clients with %s at %s, reports in %s", count(len(cases), "case"), u, out.dir)
	p := newProgress(c, cases)
	s := autobahn.Server{
		URL:     config.URL,
		Cases:   cases,
		Options: config.Options,
		Skip: func(agent string, k *autobahn.Case) bool {
			if !skip(agent, k) {
				return false
			}
			p.leaveOut(agent, k)
			return true
		},
		Seed:     c.seed,
		Reports:  func(r *autobahn.Report) error { return r.Write(out.dir) },
		Started:  p.started,
		Finished: p.finished,
	}
	report, err := s.Serve(ctx, ln)
	p.end()
	status := allGood
	if !p.good() || !complete(report, cases, skip) {
		status = notGood
	}
	return out.finish(report, err == nil, status, err)
}

// complete reports whether each agent has a result of every case that it is not excluded from: what was not asked for was not shown.
func complete(report *autobahn.Report, cases []*autobahn.Case, skip func(string, *autobahn.Case) bool) bool {
	for _, agent := range report.Agents() {
		for _, k := range cases {
			if report.Get(agent, k.ID) == nil && !skip(agent, k) {
				return false
			}
		}
	}
	return true
}

// serverListener listens for the clients of u, at an address, with TLS if its scheme is wss. The flags -k and -c go before key and cert.
// If the address has port 0 the system chooses one, and u gets it.
func (c *command) serverListener(u *url.URL, address, key, cert string) (net.Listener, error) {
	if c.key != "" {
		key = c.key
	}
	if c.cert != "" {
		cert = c.cert
	}
	var config *tls.Config
	if u.Scheme == "wss" {
		if key == "" || cert == "" {
			return nil, errors.New("wss needs a key and a certificate: -k and -c")
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("reading key and certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	}
	ln, err := c.listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if a, ok := ln.Addr().(*net.TCPAddr); ok && strings.HasSuffix(address, ":0") {
		u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(a.Port))
	}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	return ln, nil
}
