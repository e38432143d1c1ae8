package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/idlewire/idlewire/autobahn"
)

// writeTrace writes what was on the wire in a case. -> is what the runner sent, <- what came.
func writeTrace(w io.Writer, r *autobahn.Result) {
	b := bufio.NewWriter(w)
	defer b.Flush()
	fmt.Fprintf(b, "== %s %s: %s\n", r.Case.ID, clean(r.Agent), clean(r.Case.Title))
	request, response := "->", "<-"
	if r.IsServer {
		request, response = response, request
	}
	header(b, request, r.HTTPRequest)
	header(b, response, r.HTTPResponse)
	for _, e := range r.Log {
		fmt.Fprintf(b, "%9.3f ms %s\n", float64(e.At)/float64(time.Millisecond), e)
	}
	fmt.Fprintf(b, "          = %s\n", clean(words(r)))
}

// header writes one of the opening handshake's.
func header(w io.Writer, arrow, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSuffix(line, "\r"); line != "" {
			fmt.Fprintf(w, "             %s %s\n", arrow, clean(line))
		}
	}
}
