package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"math/rand/v2"
)

// errHelp says that help was asked for, and given.
var errHelp = flag.ErrHelp

// flags are what the user wants.
type flags struct {
	url, listen, replay, dir string
	seed                     uint64
	duration, patience       time.Duration
	sessions                 int64
	parallel                 int
	maxMessage, maxFragments int64
	minMessage, minFragments int64
	echo, deflate, verbose   bool
	strict, compress         bool
	slow                     time.Duration
	first                    bool
	errOut                   io.Writer
	outMu                    sync.Mutex // guards the two outputs
}

func (f *flags) parse(args []string, help io.Writer) error {
	set := flag.NewFlagSet("wsfuzz", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.url, "url", "", "`URL` of the server to be tested: ws://host:port/path, or wss://, whose certificate is not verified")
	set.StringVar(&f.listen, "listen", "", "test clients instead, that come to this `URL`, ws://host:port, or wss:// with a certificate that it makes itself; each connection is a session")
	set.StringVar(&f.replay, "replay", "", "play this `file` once, and print what comes of it")
	set.StringVar(&f.dir, "o", "", "`directory` for findings: each becomes a file for -replay, and, of a server, a Go test")
	set.Uint64Var(&f.seed, "seed", 0, "`number` from which the sessions come; 0: any, and it is printed")
	set.DurationVar(&f.duration, "duration", 0, "`time` after which it ends; 0: by -sessions, or by Ctrl-C")
	set.Int64Var(&f.sessions, "sessions", 0, "`number` of sessions after which it ends; 0: by -duration, or by Ctrl-C")
	set.IntVar(&f.parallel, "j", 4, "`number` of connections at a time, 1 to 256")
	set.DurationVar(&f.patience, "timeout", 2*time.Second, "`time` without an octet after which something did not come; it is then tried again, alone, with five times as much")
	set.Int64Var(&f.maxMessage, "max-message", 0, "the server's limit in `octets` of a message, and longer ones have to fail; 0: it is not known, and found out as far as it matters")
	set.Int64Var(&f.maxFragments, "max-fragments", 0, "the server's limit for the `number` of fragments of a message, likewise")
	set.Int64Var(&f.minMessage, "min-message", 0, "`octets` of a message that the server has to take at least; up to 16 MiB they are sent to it")
	set.Int64Var(&f.minFragments, "min-fragments", 0, "`number` of fragments of a message that it has to take at least, likewise, up to 20000")
	set.DurationVar(&f.slow, "slow", 0, "an answer later than that `time` is a finding; 0: none is for being late. Those suspected are asked again, alone")
	set.BoolVar(&f.strict, "strict", false, "what the RFC leaves open, or says SHOULD for, counts as well: see WSFUZZ.md")
	set.BoolVar(&f.compress, "compress", false, "the server is there to compress: it has to agree to permessage-deflate, and to make use of it")
	set.BoolVar(&f.echo, "echo", true, "messages come back; if not, only pongs, Closes and failures are judged")
	set.BoolVar(&f.deflate, "deflate", true, "offer permessage-deflate (or agree to it), and use what is agreed on")
	set.BoolVar(&f.first, "first", false, "end with the first finding")
	set.BoolVar(&f.verbose, "v", false, "print a line for each session")
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(help, helpText)
		set.SetOutput(help)
		set.PrintDefaults()
		return errHelp
	case err != nil:
		return err
	case set.NArg() > 0:
		return fmt.Errorf("there is no argument %q (-h helps)", clean(set.Arg(0)))
	case (f.url == "") == (f.listen == ""):
		return errors.New("either -url or -listen says who is tested (-h helps)")
	case f.parallel < 1 || f.parallel > 256:
		return errors.New("-j is from 1 to 256")
	case f.patience < time.Millisecond || f.patience > 10*time.Minute:
		return errors.New("-timeout is from 1ms to 10m")
	case f.minMessage < 0 || f.minFragments < 0 || f.minFragments > 1<<30 || f.maxMessage > 0 && f.minMessage > f.maxMessage || f.maxFragments > 0 && f.minFragments > f.maxFragments:
		return errors.New("-min-message and -min-fragments are not negative, nor more than -max-message and -max-fragments")
	case f.slow < 0 || f.slow >= f.patience:
		return errors.New("-slow is not negative, and less than -timeout")
	case f.compress && !f.deflate:
		return errors.New("-compress does not go with -deflate=false")
	case f.duration < 0 || f.sessions < 0 || f.maxMessage < 0 || f.maxFragments < 0 || f.maxFragments > 1<<30:
		return errors.New("-duration, -sessions, -max-message and -max-fragments are not negative, nor fragments more than 2^30")
	}
	for f.seed == 0 {
		f.seed = uint64(rand.Uint32())
	}
	return nil
}

const helpText = `Wsfuzz says things to a WebSocket server that it has to understand, and others that it has to refuse, and judges the answers by RFC 6455 and RFC 7692.

    wsfuzz -url ws://127.0.0.1:9001/ -duration 1m -o findings
    wsfuzz -url ws://127.0.0.1:9001/ -replay findings/001_broken_5.2-rsv.wsfuzz

The status is 0 if nothing was found, 1 if something was, 2 if the flags are wrong or there is no server. What is only odd does not count, but with -strict.

`

// wanted is what the flags say that the endpoint is held to.
func (f *flags) wanted() wants {
	w := wants{echo: f.echo, strict: f.strict, compress: f.compress, slow: f.slow}
	w.limits.message.good, w.limits.message.bad, w.atMessage = limit(commonMessage, f.minMessage, f.maxMessage)
	w.limits.fragments.good, w.limits.fragments.bad, w.atParts = limit(commonFragments, f.minFragments, f.maxFragments)
	return w
}

// limit returns what an endpoint has to take, and beyond what it must not, of what the user says and what is common.
func limit(common, least, most int64) (good, bad int64, said bool) {
	switch {
	case most > 0:
		return most, most, true
	case least > 0:
		return max(least, common), 0, true
	}
	return common, 0, false
}
