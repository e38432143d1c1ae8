package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/fuzz"
)

// Bounds of a file that is replayed.
const (
	maxFile   = 8 << 20
	maxLine   = 4 << 20
	maxStream = 64 << 20 // octets that it says are to be sent
	minRun    = 4096     // octets that are the same, and therefore written once
	maxTest   = 1 << 20  // octets that are sent: beyond that there is no Go test
)

// appendFile writes a finding as a text that -replay reads.
func appendFile(b *bytes.Buffer, f *finding, lim *limits) {
	say := func(format string, args ...any) {
		for line := range strings.SplitSeq(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n") {
			b.WriteString("# " + clean(line) + "\n")
		}
	}
	say("wsfuzz: %s", f.title())
	if s := sentence(f.section, f.rule); s != "" {
		say("%s", s)
	}
	if f.class == lesser && f.section != "7.1.1" {
		say("%s", failing)
	}
	p := f.play
	s := listing(p.role, p.to, p.stream)
	s.Cuts = p.cuts
	tight, _ := lim.setups(p.role, p.to)
	say("\nsession %d, %s: %s", f.plan.number, p.pace, s.String())
	if v := fuzz.Judge(tight, p.stream); v.State == fuzz.Failed {
		say("the reference: fails with %v", v.Fault)
	} else {
		say("the reference: %v", v.State)
	}
	if n := len(p.sent) - len(p.stream); p.closing && n > 0 {
		say("and then, by the player: %x", p.sent[len(p.stream):])
	}
	say("\ncame back, and then %v after %.1f s%s:", p.end, p.took.Seconds(), note(p.late))
	back := fuzz.Server
	if p.role == fuzz.Server {
		back = fuzz.Client
	}
	got := p.got[:min(len(p.got), 4096)]
	h := listing(back, p.from, got)
	say("%s", strings.Join(strings.SplitAfter(h.String(), "\n")[1:], ""))
	say("%x", got)
	fmt.Fprintf(b, "\nrole %v\npace %v\n", p.role, p.pace)
	if p.offer != "" {
		fmt.Fprintf(b, "offer %s\n", p.offer)
	}
	if p.afterIt {
		b.WriteString("talk-on\n")
	}
	if len(p.cuts) > 0 {
		fmt.Fprintf(b, "cuts %s\n", strings.Trim(fmt.Sprint(p.cuts), "[]"))
	}
	at := 0
	for i := range s.Frames {
		frame := s.Frames[i].Append(nil)
		head, octet, n := cutRun(frame)
		fmt.Fprintf(b, "send %s", hex.EncodeToString(head))
		if n > 0 {
			fmt.Fprintf(b, "\nsend %02x * %d", octet, n)
		} else if len(frame) < 64 {
			fmt.Fprintf(b, " # %s", clean(s.Frames[i].String()))
		}
		b.WriteByte('\n')
		at += len(frame)
	}
	if at < len(p.stream) {
		fmt.Fprintf(b, "send %x # no frame\n", p.stream[at:])
	}
}

// cutRun splits a frame in what has to be written out and the run of octets with which it ends.
func cutRun(frame []byte) (head []byte, octet byte, n int) {
	for n < len(frame) && frame[len(frame)-1-n] == frame[len(frame)-1] {
		n++
	}
	if n < minRun {
		return frame, 0, 0
	}
	return frame[:len(frame)-n], frame[len(frame)-1], n
}

func note(late string) string {
	if late == "" {
		return ""
	}
	return ", having waited in vain for " + late
}

// listing is a stream as a session.
func listing(role fuzz.Role, z *fuzz.Deflate, stream []byte) fuzz.Session {
	s := fuzz.Session{Setup: fuzz.Setup{Role: role, Deflate: z}}
	s.Frames, s.Tail = fuzz.Dissect(stream)
	return s
}

// clean makes what others wrote fit for a line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// readPlan reads a file that appendFile has written, or somebody by hand: all but "send" lines may be left out.
func readPlan(name string) (p *plan, role fuzz.Role, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	p = &plan{number: 1}
	in := bufio.NewScanner(io.LimitReader(file, maxFile))
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; in.Scan(); n++ {
		line, _, _ := strings.Cut(in.Text(), "#")
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		bad := func(what string) error { return fmt.Errorf("%s:%d: %s", filepath.Base(name), n, what) }
		switch word {
		case "":
		case "role":
			switch rest {
			case "server":
			case "client":
				role = fuzz.Client
			default:
				return nil, 0, bad("a role is server or client")
			}
		case "pace":
			for p.pace = 0; p.pace < paces && p.pace.String() != rest; p.pace++ {
			}
			if p.pace == paces {
				return nil, 0, bad("a pace is at-once, last-alone or in-step")
			}
		case "offer":
			p.offer = rest
		case "talk-on":
			p.afterIt = true
		case "cuts":
			for _, s := range strings.Fields(rest) {
				c, err := strconv.Atoi(s)
				if err != nil || c < 0 {
					return nil, 0, bad("cuts are numbers of octets")
				}
				p.cuts = append(p.cuts, c)
			}
		case "send":
			digits, times, many := strings.Cut(rest, "*")
			b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
			if err != nil {
				return nil, 0, bad("what is sent is pairs of hexadecimal digits")
			}
			n := 1
			if many {
				if n, err = strconv.Atoi(strings.TrimSpace(times)); err != nil || n < 1 || n > maxStream || n*len(b) > maxStream {
					return nil, 0, bad("octets are sent once or more, and not more than 64 MiB of them")
				}
			}
			p.stream = append(p.stream, bytes.Repeat(b, n)...)
			if len(p.stream) > maxStream {
				return nil, 0, bad("that is more than 64 MiB")
			}
		default:
			return nil, 0, bad("there is no " + strconv.Quote(clean(word)))
		}
	}
	if err := in.Err(); err != nil {
		return nil, 0, err
	}
	p.session = listing(role, nil, p.stream)
	p.session.Cuts = p.cuts
	return p, role, nil
}

// writeFinding writes the files of a finding into a directory: one to be replayed, and, of a server, a Go test.
func writeFinding(dir string, n int, f *finding, lim *limits) (string, error) {
	if f.play == nil {
		return "", nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	name := fmt.Sprintf("%03d_%v_%s", n, f.class, fileName(f.section+" "+f.rule+" "+f.kind))
	var b bytes.Buffer
	appendFile(&b, f, lim)
	if err := os.WriteFile(filepath.Join(dir, name+".wsfuzz"), b.Bytes(), 0o666); err != nil {
		return "", err
	}
	if f.play.role == fuzz.Server && f.class > slow && len(f.plan.stream) <= maxTest { // the test knows the RFC, and nothing of what else is wanted
		test, err := goTest(f, lim, strings.ReplaceAll(name, ".", "_"))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, ".", "_")+"_test.go"), test, 0o666); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, name+".wsfuzz"), nil
}

// fileName makes a name of a text.
func fileName(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	return strings.Trim(b.String(), "-.")
}
