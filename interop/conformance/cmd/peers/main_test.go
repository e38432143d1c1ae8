package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/interop/conformance"
)

func TestSelected(t *testing.T) {
	all := len(conformance.Peers())
	for _, test := range []struct {
		names string
		n     int
		bad   string
	}{
		{"all", all, ""},
		{"ours, others", all, ""},
		{"ours", 4, ""},
		{"ours,gorilla", 5, ""},
		{"gorilla,gorilla", 1, ""},
		{"gorila", 0, `no peer "gorila"`},
		{"all,gorila", 0, `no peer "gorila"`},
		{"", 0, "no peers"},
	} {
		peers, err := selected(words(test.names))
		if test.bad == "" && (err != nil || len(peers) != test.n) {
			t.Errorf("%q: %d peers, want %d; %v", test.names, len(peers), test.n, err)
		}
		if test.bad != "" && (err == nil || !strings.Contains(err.Error(), test.bad)) {
			t.Errorf("%q: %v, want %s", test.names, err, test.bad)
		}
	}
}

// What cannot be run is an error, and not a bad verdict.
func TestRun(t *testing.T) {
	o := options{peers: "gorilla", cases: "1.1.1", limit: time.Minute}
	if good, err := run(t.Context(), o); err != nil || !good {
		t.Error(good, err)
	}
	for name, change := range map[string]func(*options){
		"a peer":  func(o *options) { o.peers = "nobody" },
		"a case":  func(o *options) { o.cases = "1.1.99" },
		"nothing": func(o *options) { o.exclude = "1.*" },
		"a table": func(o *options) { o.write = t.TempDir() + "/nowhere.md" },
		"time":    func(o *options) { o.limit = time.Nanosecond },
	} {
		bad := o
		change(&bad)
		if _, err := run(t.Context(), bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run(ended, o); err == nil {
		t.Error("it was cancelled, and no error")
	}
}
