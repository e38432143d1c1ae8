package autobahn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

func pageOf(t *testing.T, r *Report) string {
	t.Helper()
	b, err := page(r.snapshot(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	require.NoError(t, err)
	return string(b)
}

// pageJSON returns the content of a script element.
func pageJSON(t *testing.T, html, id string) string {
	t.Helper()
	_, rest, ok := strings.Cut(html, `<script type="application/json" id="`+id+`">`)
	require.True(t, ok, id)
	text, _, ok := strings.Cut(rest, "</script>")
	require.True(t, ok, id)
	return text
}

// Whatever a peer is called and sends stays text: the page has the elements that it has without peers, and the data come back as they were.
func TestPageHostile(t *testing.T) {
	html := pageOf(t, aReport())
	count := func(s string) int { return strings.Count(strings.ToLower(html), s) }
	assert.Equal(t, 4, count("<script"), "the data, two agents, the program")
	assert.Equal(t, 4, count("</script"))
	assert.Zero(t, count("<!--"))
	assert.False(t, strings.ContainsAny(html, "\x00\x1b"))
	assert.Contains(t, html, "<th>&lt;/script&gt;&lt;script&gt;alert(1)", "the table for browsers without scripts")

	var data pageData
	require.NoError(t, json.Unmarshal([]byte(pageJSON(t, html, "data")), &data))
	assert.Equal(t, hostile, data.Agents[0].Name)
	assert.Equal(t, hostile, data.Agents[0].Results[0].Reason)
	assert.Equal(t, hostile, data.Cases[0].Title)
	var details map[string]pageDetail
	require.NoError(t, json.Unmarshal([]byte(pageJSON(t, html, "agent-0")), &details))
	assert.Equal(t, fmt.Sprintf("%x", hostile), details["2.1"].Received.List[0].Hex)
	assert.Equal(t, fmt.Sprintf("%x", hostile), details["2.1"].Log[0][3])
	assert.Equal(t, hostile, details["2.1"].Log[1][2])
	assert.Equal(t, hostile, details["2.1"].Request)
	assert.Equal(t, fmt.Sprintf("%x", hostile), details["2.1"].Remote.Reason)
}

// A name that is a placeholder of the page is a name.
func TestPagePlaceholders(t *testing.T) {
	r := &Report{}
	r.Add(result("{{SCRIPT}}{{STYLE}}{{DATA}}", "1.1", OK, OK))
	html := pageOf(t, r)
	assert.Equal(t, 1, strings.Count(html, `"use strict"`))
	assert.Contains(t, pageJSON(t, html, "data"), "{{SCRIPT}}{{STYLE}}{{DATA}}")
}

// The policy names exactly what the page has, and the page asks for nothing else.
func TestPagePolicy(t *testing.T) {
	html := pageOf(t, aReport())
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatch(html)[1]
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(html)[1]
	script := regexp.MustCompile(`(?s)<script>(.*)</script>`).FindStringSubmatch(html)[1]
	assert.Contains(t, policy, "default-src 'none'")
	assert.Contains(t, policy, "style-src "+digest(style))
	assert.Contains(t, policy, "script-src "+digest(script))
	assert.NotContains(t, policy, "unsafe")
	for _, part := range []string{style, script, asset("page.html")} {
		assert.NotRegexp(t, `(?i)https?:|//[a-z]|url\(|@import|fetch\(|XMLHttpRequest|WebSocket\(|import\(|<link[^>]*stylesheet|src=`, part)
	}
	for _, markup := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"} {
		assert.NotContains(t, script, markup, "text of peers must not become markup")
	}
	assert.NotContains(t, html, "{{")
	assert.NotContains(t, html, "\r")
}

func TestPageData(t *testing.T) {
	r := aReport()
	late := fullResult()
	late.Agent, late.Case = "zzz", &Case{ID: "6.10.1", Number: 100}
	r.Add(late)
	html := pageOf(t, r)
	var data pageData
	require.NoError(t, json.Unmarshal([]byte(pageJSON(t, html, "data")), &data))
	var ids, sections []string
	for _, c := range data.Cases {
		ids = append(ids, c.ID)
	}
	for _, s := range data.Sections {
		sections = append(sections, s.ID)
	}
	assert.Equal(t, []string{"2.1", "6.4.1", "6.10.1", "10.1.1", "12.1.1"}, ids)
	assert.Equal(t, []string{"2", "6", "10", "12"}, sections)
	assert.Equal(t, newPageSection(section("6")), data.Sections[1])
	assert.Len(t, data.Sections[1].Parts, 23)
	has := func(agent int) (b []bool) {
		for _, r := range data.Agents[agent].Results {
			b = append(b, r != nil)
		}
		return b
	}
	assert.Equal(t, []bool{true, false, false, false, true}, has(0))
	assert.Equal(t, []bool{false, true, false, true, false}, has(1))
	assert.Equal(t, []bool{false, false, true, false, false}, has(2))
	assert.Equal(t, "2026-01-02T03:04:05Z", data.Generated)
	assert.Equal(t, "protocol error", data.Codes["1002"])
	assert.NotContains(t, data.Codes, "1016")
	full := data.Agents[1].Results[1]
	assert.Equal(t, pageResult{Behavior: NonStrict, Close: Unclean, Millis: 2013, Code: 1007.0, Reason: "late", Ratio: 1.0}, *full)
	want := data.Cases[1]
	assert.Equal(t, []int{1007, 1002}, want.Codes)
	assert.True(t, want.ByPeer)
	assert.Equal(t, 64*2, len(want.Want[1].Events.List[1].Hex))

	var details map[string]pageDetail
	require.NoError(t, json.Unmarshal([]byte(pageJSON(t, html, "agent-1")), &details))
	d := details["6.4.1"]
	assert.Equal(t, "f_st_server_2_case_6_4_1.json", d.File)
	assert.Equal(t, []string{"opening handshake", "closing handshake", "close of TCP by the server"}, d.Timeouts)
	assert.Equal(t, []any{"RO", 0.0, 293.0, fmt.Sprintf("%x", fullResult().Log[0].Data)}, d.Log[0])
	assert.Equal(t, []any{"TO", 1000.0, 3.0, "01ceba"}, d.Log[1])
	assert.Equal(t, []any{"TF", 0.0, 11.0, "cebacf8ccf83cebcceb50a", 1.0, false, 5.0, "37fa213d", 1.0}, d.Log[4])
	assert.Equal(t, []any{"RF", 0.0, 2.0, "03ef", 8.0, true, 0.0, nil, 0.0}, d.Log[7])
	assert.Equal(t, []any{"CT", 0.0, 1000.0, "A"}, d.Log[8])
	assert.Equal(t, []any{"KL", 0.0, 500.0}, d.Log[10])
	assert.Equal(t, []any{"KLE", 0.0}, d.Log[11])
	assert.Equal(t, []any{"WLM", 0.0, false}, d.Log[2])
}

// What a peer can make grow has its limit in the page.
func TestPageLimits(t *testing.T) {
	r := fullResult()
	r.Log, r.Received, r.RxOctets = nil, nil, map[int]int{}
	for i := range maxPageRows + 7 {
		r.Log = append(r.Log, LogEntry{Kind: FrameIn, At: time.Duration(i) * time.Microsecond, Len: 1 << 20, Data: make([]byte, 1000)})
	}
	for i := range maxPageEvents + 3 {
		r.Received = append(r.Received, Event{Kind: Message, Payload: Payload{Unit: []byte("*"), Len: 16<<20 + i}})
	}
	for i := range maxPageSizes + 5 {
		r.RxOctets[i] = 1
	}
	r.RxOctets[3000] = 2
	r.HTTPResponse = strings.Repeat("x", maxPageBlock+9)
	d := newPageDetail(r, "f")
	assert.Len(t, d.Log, maxPageRows)
	assert.Equal(t, 7, d.Skipped)
	assert.Equal(t, int64(d.At-1), d.Log[d.At-1][1])
	assert.Equal(t, int64(d.At+7), d.Log[d.At][1], "what is left out is in the middle")
	assert.Equal(t, int64(maxPageRows+6), d.Log[maxPageRows-1][1])
	assert.Len(t, d.Log[0][3], 2*keptOctets)
	assert.Len(t, d.Received.List, maxPageEvents)
	assert.Equal(t, 3, d.Received.More)
	assert.Len(t, d.Received.List[0].Hex, 2*keptOctets)
	assert.Len(t, d.RxOctets, maxPageSizes)
	assert.Equal(t, 6, d.RxMore)
	assert.Equal(t, 2, d.RxOctets[3000], "the frequent ones stay")
	assert.Equal(t, strings.Repeat("x", maxPageBlock)+" ... (9 octets more)", d.Response)
}

func TestShortMillis(t *testing.T) {
	for d, want := range map[time.Duration]float64{0: 0, 1234567: 1.23, 9_994_000: 9.99, 10_400_000: 10, time.Minute: 60000} {
		assert.Equal(t, want, shortMillis(d), d.String())
	}
}

// In a browser, if WSTEST_BROWSER names one that is Chromium: a link to a case opens it, with its frames decoded, and nothing of the peers' runs.
func TestPageInBrowser(t *testing.T) {
	browser := os.Getenv("WSTEST_BROWSER")
	if browser == "" {
		t.Skip("WSTEST_BROWSER is not set")
	}
	dir := t.TempDir()
	r := aReport()
	r.Get(hostile, "2.1").Log = append(r.Get(hostile, "2.1").Log, LogEntry{Kind: FrameIn, Opcode: frame.Close, Fin: true, Len: 6, Data: []byte("\x03\xebno<b")})
	require.NoError(t, r.Write(dir))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	page := "file://" + filepath.ToSlash(dir) + "/index.html#" + url.PathEscape(hostile) + "/2.1"
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", page).Output()
	require.NoError(t, err)
	dom := string(out)
	assert.Contains(t, dom, `<title>2.1 · &lt;/script&gt;&lt;script&gt;alert(1)`)
	assert.Contains(t, dom, "1003 unsupported data")
	assert.Contains(t, dom, "“no&lt;b”")
	assert.Contains(t, dom, `\u001b[2J\u202e`, "what a terminal or a reader would obey is shown")
	assert.Equal(t, 4, strings.Count(dom, "<script"))
}
