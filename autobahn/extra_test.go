package autobahn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/stretchr/testify/assert"
)

// correctEnd is an end that keeps to the RFCs, for a case.
func correctEnd(t testing.TB, c *Case, role testee.Role) end {
	switch {
	case c.Opening == nil:
		return openEnd(testee.Correct, role)
	case c.Opening.Deflate != nil:
		return openSqueezing(role, c)
	case role == testee.Server:
		return openServer(testee.Correct)
	}
	return openClient(t, testee.Correct)
}

// eachExtra calls f for each case and each role of the peer that it is for.
func eachExtra(f func(c *Case, role testee.Role)) {
	for _, c := range ExtraCases() {
		if c.For != Clients {
			f(c, testee.Server)
		}
		if c.For != Servers {
			f(c, testee.Client)
		}
	}
}

// takesLong says of which cases one run is enough.
func takesLong(c *Case) bool {
	n, octets := len(c.Steps), 0
	for _, st := range c.Steps {
		octets += st.Payload.Len
		if st.Fragment > 0 {
			n += st.Payload.Len / st.Fragment
		}
	}
	return n > 2000 || octets > 1<<20 || c.bulky()
}

// notStrict are the cases that package handshake, which is the opening handshake of the correct end, does not take as strictly, or as liberally, as it might; and fragments,
// of which it takes any number.
var notStrict = idSet("20.1.10 20.1.17 20.2.1 20.2.9 20.12.16 20.14.28 24.1.10-11")

// informational are those that only show something of it.
var informational = idSet("20.12.22-27")

// An endpoint that keeps to the RFCs is good in all cases, however its octets are cut.
func TestExtraCorrect(t *testing.T) {
	for i, deliver := range []delivery{atOnce, manyPieces} {
		eachExtra(func(c *Case, role testee.Role) {
			if i > 0 && takesLong(c) {
				return
			}
			want := OK
			switch {
			case notStrict[c.ID]:
				want = NonStrict
			case informational[c.ID]:
				want = Informational
			}
			r := joinEnd(t, c, role == testee.Server, correctEnd(t, c, role), deliver)
			assert.Equal(t, []Verdict{want, OK}, []Verdict{r.Behavior, r.BehaviorClose}, "%s %s, %s: %s; %s", c.ID, c.Title, role, r.Reason, r.ReasonClose)
			assert.NotEmpty(t, r.Reason, c.ID)
			assert.NotEmpty(t, r.ReasonClose, c.ID)
		})
	}
}

// The cases that turn red with an end that is wrong are those that are named, and no others.
func TestExtraWrong(t *testing.T) {
	for _, w := range wrongEnds() {
		t.Run(strings.ReplaceAll(w.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			want, got := idSet(w.red), map[string]bool{}
			eachExtra(func(c *Case, role testee.Role) {
				if role != w.role || takesLong(c) || !matchers(strings.Fields(w.in), false).match(c.ID) {
					return
				}
				if r := joinEnd(t, c, role == testee.Server, w.make(t, c), atOnce); !r.Good() {
					got[c.ID] = true
				}
			})
			assert.Equal(t, idSpans(want), idSpans(got))
			assert.NotEmpty(t, want)
		})
	}
}

// idSet reads IDs as idSpans writes them.
func idSet(spans string) map[string]bool {
	set := map[string]bool{}
	for _, s := range strings.Fields(spans) {
		part, last, row := strings.Cut(s, "-")
		if !row {
			set[s] = true
			continue
		}
		i := strings.LastIndexByte(part, '.') + 1
		for n := idNumber(part[i:]); n <= idNumber(last); n++ {
			set[fmt.Sprint(part[:i], n)] = true
		}
	}
	return set
}

// idSpans writes IDs in order, rows of them as 20.1.2-9.
func idSpans(set map[string]bool) string {
	var in []*Case
	for _, c := range ExtraCases() {
		if set[c.ID] {
			in = append(in, c)
		}
	}
	var spans []string
	for len(in) > 0 {
		n := 1
		part := in[0].ID[:strings.LastIndexByte(in[0].ID, '.')+1]
		for n < len(in) && in[n].Number == in[n-1].Number+1 && strings.HasPrefix(in[n].ID, part) {
			n++
		}
		s := in[0].ID
		if n > 1 {
			s += "-" + strings.TrimPrefix(in[n-1].ID, part)
		}
		spans, in = append(spans, s), in[n:]
	}
	return strings.Join(spans, " ")
}

// The words of a row are there, and what is not OK is said with its section; each part names what the RFC requires.
func TestExtraWords(t *testing.T) {
	titles, numbers := map[string]string{}, len(Cases())
	section := regexp.MustCompile(`^(RFC (9110|9112|7692|3629) )?[1-9]\d*(\.\d+)*$`)
	for _, c := range ExtraCases() {
		numbers++
		assert.Equal(t, numbers, c.Number, c.ID)
		for _, s := range []string{c.Title, c.Expects} {
			assert.Regexp(t, `^[A-Z0-9].*[^. ]$`, s, c.ID)
			assert.NotContains(t, s, "<", c.ID)
		}
		assert.LessOrEqual(t, len(c.Title), 140, c.ID)
		assert.Empty(t, titles[c.Title], "%s is called like it", c.ID)
		titles[c.Title] = c.ID
		for _, s := range strings.Split(c.RFC, ", ") {
			assert.Regexp(t, section, s, c.ID)
		}
		reasoned := regexp.MustCompile(`\(.*\d+(\.\d+)*.*\)$`)
		check := func(v Verdict, why string) {
			if v == OK {
				assert.Empty(t, why, c.ID)
				return
			}
			assert.Regexp(t, reasoned, why, c.ID)
			assert.Contains(t, c.Expects, string(v)+" if ", c.ID)
			assert.Contains(t, c.Expects, why, c.ID)
		}
		best := Failed
		if c.Opening != nil {
			for _, a := range c.Opening.Answers {
				check(a.Verdict, a.Why)
			}
			assert.True(t, c.For == Clients || len(c.Opening.Answers) > 0, c.ID)
			assert.True(t, c.For != Both || c.Opening.Deflate != nil, c.ID)
		}
		for _, o := range c.Outcomes {
			check(o.Verdict, o.Why)
			if o.Verdict == OK {
				best = OK
			}
		}
		assert.Equal(t, OK, best, c.ID)
	}
	for _, s := range ExtraSections() {
		assert.NotEmpty(t, s.Title)
		for _, p := range s.Parts {
			assert.NotEmpty(t, p.Title, p.ID)
			assert.Regexp(t, `\b(MUST|SHOULD)\b`, p.Requires, p.ID)
			assert.True(t, slices.IsSortedFunc(p.Cases, func(a, b *Case) int { return compareIDs(a.ID, b.ID) }))
			for _, c := range p.Cases {
				assert.True(t, strings.HasPrefix(c.ID, p.ID+"."), c.ID)
			}
		}
	}
}
