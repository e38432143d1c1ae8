package fuzz

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// howMany is a number from the environment.
func howMany(t *testing.T, name string, usual int) int {
	if text := os.Getenv(name); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, name)
		return n
	}
	return usual
}

// differ plays IDLEWIRE_SESSIONS sessions, from IDLEWIRE_FROM on.
func differ(t *testing.T, a Adapter, quirks []Quirk) {
	d := &Differential{Adapter: a, Quirks: quirks}
	tally := d.Run(howMany(t, "IDLEWIRE_FROM", 0), howMany(t, "IDLEWIRE_SESSIONS", 1000))
	t.Logf("%s: %v", a.Name(), tally)
	require.Zero(t, tally.Unexplained)
}

// Our own machine has no quirks, nor has the reference by itself, early or late.
func TestDifferentialOurs(t *testing.T) {
	differ(t, Protocol{}, nil)
	differ(t, Protocol{Parts: true}, nil)
	differ(t, Reference{}, nil)
	differ(t, Reference{Late: true}, nil)
}

// Every rule has its sentence, and every sentence a rule.
func TestRulesHaveSentences(t *testing.T) {
	text, err := os.ReadFile("reference.go")
	require.NoError(t, err)
	more, err := os.ReadFile("reference_inflate.go")
	require.NoError(t, err)
	rules := map[string]bool{}
	for _, rule := range []string{AfterFinal, EmptyFragments, EmptyMessages, FinalAtOnce, LongControls, LongTail, Panics, Truncated, WholeFrames, Registered(1012), Registered(1013), Registered(1014)} {
		rules[rule] = true
	}
	for _, m := range regexp.MustCompile(`(?:Code\w+, "[\w. ]+"|bad\(|"RFC 7692 6.1"), ?"([^"]+)"\)|bad\("([^"]+)"\)`).FindAllStringSubmatch(string(text)+string(more), -1) {
		rules[m[1]+m[2]] = true
	}
	require.Greater(t, len(rules), 35)
	for rule := range rules {
		require.NotEmpty(t, Rules[rule].Sentence, rule)
	}
	for rule := range Rules {
		require.True(t, rules[rule], "%s is no rule", rule)
	}
}

// A deaf adapter is the reference with one rule put aside, or with another code, or it hangs itself.
type deaf struct {
	Reference
	rule string
	code uint16
}

func (a deaf) Play(s Setup, pieces [][]byte) (Outcome, error) {
	stream := slices.Concat(pieces...)
	except := []string{a.rule}
	if a.code != 0 {
		except = nil
	}
	v := judge(s, stream, lateness{}, except)
	got := Outcome{Events: v.Events, Failed: v.State == Failed, Code: v.Fault.Code}
	if a.code != 0 && v.Fault.Rule == a.rule {
		got.Code = a.code
	}
	if a.rule == "panic" && got.Failed {
		panic("at the disco")
	}
	return got, nil
}

// A rule that is not kept is found with a small example, whatever the rule; and is explained when it is known, and by nothing else.
func TestDifferentialFinds(t *testing.T) {
	for _, rule := range []string{anyRsv, NotMinimal, "control frame in fragments", "frame from a client is not masked", "text is not UTF-8",
		"code above 4999", Registered(1013), AfterFinal, "panic"} {
		d := &Differential{Adapter: deaf{rule: rule}}
		v := finding(d)
		require.NotNil(t, v, rule)
		require.Nil(t, v.Quirk)
		most := 300
		if v.Session.Deflate != nil {
			most = 2000 // what is compressed falls apart when something is left out
		}
		require.Less(t, len(v.Stream), most, "%v", v)
		require.Contains(t, v.String(), fmt.Sprintf("octets: %x", v.Stream[:min(len(v.Stream), 512)]))
		if rule == "panic" {
			continue
		}
		d.Quirks = []Quirk{{Rule: "reserved opcode"}, {Rule: rule, Code: 1011}}
		require.Nil(t, d.Play(&v.Session, v.Stream).Quirk)
		d.Quirks = append(d.Quirks, Quirk{Rule: rule})
		require.Equal(t, &d.Quirks[2], d.Play(&v.Session, v.Stream).Quirk, "%v", v)
		require.Contains(t, d.Play(&v.Session, v.Stream).String(), Rules[rule].Sentence[:20])
	}
	d := &Differential{Adapter: deaf{rule: "text is not UTF-8", code: 1003}}
	v := finding(d)
	d.Quirks = []Quirk{{Rule: "text is not UTF-8", Code: 1002}, {Rule: "text is not UTF-8"}}
	require.Nil(t, d.Play(&v.Session, v.Stream).Quirk)
	d.Quirks = append(d.Quirks, Quirk{Rule: "text is not UTF-8", Code: 1003})
	require.Equal(t, &d.Quirks[2], d.Play(&v.Session, v.Stream).Quirk)
}

// finding returns a small unexplained divergence.
func finding(d *Differential) *Divergence {
	for from := 0; from < 20000; from += 100 {
		if t := d.Run(from, 100); len(t.Findings) > 0 {
			return t.Findings[0]
		}
	}
	return nil
}
