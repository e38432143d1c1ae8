package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/autobahn"
)

// flags are what the command line says.
type flags struct {
	mode      string
	spec      string // "": the file of the default name
	uri       string
	key, cert string
	ident     string
	versions  bool

	suite         string
	only, exclude []string
	parallel      int // 0: the default
	repeat        int
	seed          uint64
	trace         bool
	outDir        string // "": as the configuration says
	expect        string
	writeExpect   string
	junit         string

	driver  string // "": the default
	deflate string // "": the default
}

var errHelp = errors.New("help is wanted")

// modesOf says for which modes a flag is. The original's are not in it: it ignores them where they mean nothing, and scripts may count on that.
var modesOf = map[string][]string{
	"j": {"fuzzingclient"}, "repeat": {"fuzzingclient"},
	"only": {"fuzzingclient", "fuzzingserver"}, "exclude": {"fuzzingclient", "fuzzingserver"}, "cases": {"fuzzingclient", "fuzzingserver"},
	"seed": {"fuzzingclient", "fuzzingserver"}, "trace": {"fuzzingclient", "fuzzingserver"}, "outdir": {"fuzzingclient", "fuzzingserver"},
	"expect": {"fuzzingclient", "fuzzingserver"}, "write-expect": {"fuzzingclient", "fuzzingserver"}, "junit": {"fuzzingclient", "fuzzingserver"},
	"driver": {"echoserver", "testeeserver"}, "deflate": {"echoserver", "testeeserver", "echoclient", "testeeclient"},
}

// parse reads the command line. An error is what is wrong with it, in a line, or errHelp.
func (f *flags) parse(args []string) error {
	*f = flags{suite: "original", repeat: 1}
	fs := flag.NewFlagSet("wstest", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	text := func(dst *string, names ...string) {
		for _, name := range names {
			fs.StringVar(dst, name, *dst, "")
		}
	}
	text(&f.mode, "m", "mode")
	text(&f.spec, "s", "spec")
	text(&f.uri, "w", "wsuri")
	text(&f.key, "k", "key")
	text(&f.cert, "c", "cert")
	text(&f.ident, "i", "ident")
	text(&f.outDir, "outdir")
	text(&f.expect, "expect")
	text(&f.writeExpect, "write-expect")
	text(&f.junit, "junit")
	for _, name := range []string{"d", "debug", "trace"} {
		fs.BoolVar(&f.trace, name, false, "")
	}
	for _, name := range []string{"a", "autobahnversion", "version"} {
		fs.BoolVar(&f.versions, name, false, "")
	}
	for _, name := range []string{"u", "webport"} {
		fs.Func(name, "", func(s string) error { return number(s, 0, 65535, new(int)) })
	}
	fs.Func("j", "", func(s string) error { return number(s, 1, maxParallel, &f.parallel) })
	fs.Func("repeat", "", func(s string) error { return number(s, 1, math.MaxInt32, &f.repeat) })
	fs.Func("seed", "", func(s string) (err error) {
		if f.seed, err = strconv.ParseUint(s, 10, 64); err != nil || f.seed == 0 {
			return errors.New("expected a whole number, 1 or more")
		}
		return nil
	})
	fs.Func("only", "", patterns(&f.only))
	fs.Func("exclude", "", patterns(&f.exclude))
	fs.Func("cases", "", oneOf(&f.suite, "original", "extra", "all"))
	fs.Func("driver", "", oneOf(&f.driver, "loop", "portable", "blocking"))
	fs.Func("deflate", "", oneOf(&f.deflate, "off", "on", "takeover"))

	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return errHelp
	} else if err != nil {
		return fmt.Errorf("%w (-h helps)", err)
	}
	if f.versions {
		return nil
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("expected flags only, found %q (-h helps)", fs.Arg(0))
	}
	switch known := modes[f.mode]; {
	case f.mode == "":
		return errors.New("-m has to name a mode: fuzzingclient, fuzzingserver, echoserver or echoclient (-h helps)")
	case known == nil:
		return fmt.Errorf("there is no mode %q; there are fuzzingclient, fuzzingserver, echoserver and echoclient (-h helps)", f.mode)
	}
	var err error
	fs.Visit(func(set *flag.Flag) {
		if in := modesOf[set.Name]; in != nil && !slices.Contains(in, f.mode) && err == nil {
			err = fmt.Errorf("-%s has no meaning in mode %s (-h helps)", set.Name, f.mode)
		}
	})
	if err == nil && f.uri != "" {
		if err = autobahn.CheckURL(f.uri); err != nil {
			err = fmt.Errorf("-w: %w", err)
		}
	}
	return err
}

// maxParallel bounds -j: more connections do not make a run faster, and a machine has only so many ports.
const maxParallel = 1000

func number(s string, low, high int, dst *int) error {
	n, err := strconv.Atoi(s)
	switch {
	case (err != nil || n < low) && high == math.MaxInt32:
		return fmt.Errorf("expected a whole number, %d or more", low)
	case err != nil || n < low || n > high:
		return fmt.Errorf("expected a whole number from %d to %d", low, high)
	}
	*dst = n
	return nil
}

// patterns reads a list with commas; another list adds to it.
func patterns(dst *[]string) func(string) error {
	return func(s string) error {
		for p := range strings.SplitSeq(s, ",") {
			if p = strings.TrimSpace(p); p != "" {
				*dst = append(*dst, p)
			}
		}
		if len(*dst) == 0 {
			return errors.New("expected case patterns, such as 1.*,2.10")
		}
		return nil
	}
}

func oneOf(dst *string, words ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("expected %s or %s", strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
		}
		*dst = s
		return nil
	}
}

// version names what runs.
func version() string {
	v := "built from source"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return fmt.Sprintf("wstest of idlewire (%s), %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

const help = `Usage: wstest -m MODE [flags]

Tests WebSocket implementations: what they do with each rule of RFC 6455 and RFC 7692. Nothing has to be installed but what is to be tested.

    wstest -m echoserver -w ws://127.0.0.1:9001      a server to try it on; then, beside it:
    wstest -m fuzzingclient -w ws://127.0.0.1:9001   tests the server, and writes ./reports/servers/index.html

Modes:
  fuzzingclient    be a client that tests servers
  fuzzingserver    be a server that tests clients
  echoserver       be a server to be tested: idlewire's own
  echoclient       be a client to be tested, by a fuzzingserver: idlewire's own

Flags of the original suite:
  -m, --mode MODE        what to be; required
  -s, --spec FILE        the configuration; - is standard input. Without it fuzzingclient.json or fuzzingserver.json, which is created if it is
                         not there
  -w, --wsuri URL        fuzzingclient: the server to test, if the configuration names none; without -s the configuration may be missing, then.
                         echoserver: where to listen. echoclient: the fuzzingserver. Default: ws://127.0.0.1:9001
  -k, --key FILE         the server's private key, in PEM, for wss; and
  -c, --cert FILE        its certificate
  -i, --ident NAME       echoclient: its name in the reports
  -u, --webport PORT     accepted, and ignored: there is no web server for driving a browser
  -d, --debug            the same as --trace
  -a, --version          print versions

Which cases (fuzzingclient, fuzzingserver):
  --only PATTERNS        of the cases that the configuration selects only these, such as 1.*,6.4.1
  --exclude PATTERNS     none of these
  --cases SET            what the configuration selects from: original (517 cases, the default), extra (sections 20 and up: what the original
                         does not test), or all

How they run:
  -j N                   fuzzingclient: so many connections at a time; 1 is one after the other, as the original does. The default is chosen
                         so that verdicts stay what they are alone
  --repeat N             fuzzingclient: each case so many times; the worst result stands
  --seed N               masking keys and data of this seed, to have the same run again
  --trace                what was on the wire, decoded, to standard error when a case has ended

What comes out (exit status 0: every case is good; 1: not so, or interrupted; 2: bad input, in one line on standard error):
  --outdir DIR           for the reports, in place of the configuration's
  --expect FILE          be content if the verdicts are those of FILE, and with nothing else
  --write-expect FILE    write the verdicts to FILE
  --junit FILE           write them as JUnit XML, for CI systems

The echo server:
  --driver DRIVER        loop (event loops, the default where the system has them), portable (the same over goroutines) or blocking (net/http,
                         a goroutine per connection)

The echo server, and the echo client:
  --deflate HOW          permessage-deflate: off, on (no message refers to another), or takeover (they do, both ways, where the other side
                         wants it; the default)

Ctrl-C ends a run: what has been found is reported. Again: at once.
`
