package autobahn

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// clientFile is as people have them, with most of what a file may say.
const clientFile = `{
	"options": {"failByDrop": false, "version": 17, "openHandshakeTimeout": 2.5, "autoPingSize": null},
	"outdir": "./reports/servers",
	"servers": [
		{"agent": "first", "url": "ws://localhost:9001", "options": {"version": 18, "failByDrop": true}},
		{"url": "wss://[::1]/chat?room=1", "origin": "http://a.b", "hostname": "c.d", "protocols": ["x", "y"]}
	],
	"webport": 8080,
	"cases": ["1.*", "2.1"],
	"exclude-cases": ["1.2.*"],
	"exclude-agent-cases": {"Old.*": ["6.*", "7.*"]}
}`

func TestParseClientConfig(t *testing.T) {
	c, err := ParseClientConfig("f.json", []byte(clientFile))
	require.NoError(t, err)
	require.Equal(t, "./reports/servers", c.OutDir)
	require.Equal(t, []string{"1.*", "2.1"}, c.Cases)
	require.Equal(t, []string{"1.2.*"}, c.ExcludeCases)
	require.Equal(t, map[string][]string{"Old.*": {"6.*", "7.*"}}, c.ExcludeAgentCases)
	global := DefaultOptions()
	global.Version, global.OpenHandshakeTimeout = 17, 2500*time.Millisecond
	require.Equal(t, global, c.Options)
	first := global // a server's options are on top of those for all
	first.Version, first.FailByDrop = 18, true
	require.Equal(t, []Target{
		{URL: "ws://localhost:9001", Agent: "first", Options: first},
		{URL: "wss://[::1]/chat?room=1", Origin: "http://a.b", Hostname: "c.d", Protocols: []string{"x", "y"}, Options: global},
	}, c.Targets)
}

func TestParseServerConfig(t *testing.T) {
	c, err := ParseServerConfig("f.json", []byte(`{"url": "wss://0.0.0.0:9002/", "key": "k.pem", "cert": "c.pem", "protocols": ["a"],
		"cases": ["*"], "options": {"versions": [13], "allowedOrigins": ["http://*.a.b"], "maxConnections": 5}}`))
	require.NoError(t, err)
	require.Equal(t, "./reports/clients", c.OutDir)
	require.Equal(t, "wss://0.0.0.0:9002/", c.URL)
	require.Equal(t, "k.pem", c.Key)
	require.Equal(t, "c.pem", c.Cert)
	o := DefaultOptions()
	o.Versions, o.AllowedOrigins, o.MaxConnections = []int{13}, []string{"http://*.a.b"}, 5
	require.Equal(t, o, c.Options)
}

func TestDefaultConfigs(t *testing.T) {
	c, err := ParseClientConfig("", []byte(DefaultClientConfig))
	require.NoError(t, err)
	require.Equal(t, []Target{{URL: "ws://127.0.0.1:9001", Options: DefaultOptions()}}, c.Targets)
	require.Equal(t, []string{"*"}, c.Cases)
	require.Equal(t, "./reports/servers", c.OutDir)
	s, err := ParseServerConfig("", []byte(DefaultServerConfig))
	require.NoError(t, err)
	require.Equal(t, "ws://127.0.0.1:9001", s.URL)
	require.Equal(t, []string{"*"}, s.Cases)
	require.Equal(t, "./reports/clients", s.OutDir)
}

// Every option is read, into a field of its own.
func TestConfigOptions(t *testing.T) {
	d := DefaultOptions()
	for text, want := range map[string]func(o *Options){
		`"failByDrop": true`:                   func(o *Options) { o.FailByDrop = true },
		`"utf8validateIncoming": false`:        func(o *Options) { o.UTF8ValidateIncoming = false },
		`"applyMask": false`:                   func(o *Options) { o.ApplyMask = false },
		`"maxFramePayloadSize": 1`:             func(o *Options) { o.MaxFramePayloadSize = 1 },
		`"maxMessagePayloadSize": 2147483647`:  func(o *Options) { o.MaxMessagePayloadSize = math.MaxInt32 },
		`"autoFragmentSize": 3`:                func(o *Options) { o.AutoFragmentSize = 3 },
		`"echoCloseCodeReason": true`:          func(o *Options) { o.EchoCloseCodeReason = true },
		`"openHandshakeTimeout": 0`:            func(o *Options) { o.OpenHandshakeTimeout = 0 },
		`"closeHandshakeTimeout": 0.25`:        func(o *Options) { o.CloseHandshakeTimeout = 250 * time.Millisecond },
		`"tcpNoDelay": false`:                  func(o *Options) { o.TCPNoDelay = false },
		`"autoPingInterval": 1e1`:              func(o *Options) { o.AutoPingInterval = 10 * time.Second },
		`"autoPingTimeout": 1e-12`:             func(o *Options) { o.AutoPingTimeout = 1 }, // 0 would be none
		`"autoPingSize": 125`:                  func(o *Options) { o.AutoPingSize = 125 },
		`"version": 10`:                        func(o *Options) { o.Version = 10 },
		`"acceptMaskedServerFrames": true`:     func(o *Options) { o.AcceptMaskedServerFrames = true },
		`"maskClientFrames": false`:            func(o *Options) { o.MaskClientFrames = false },
		`"serverConnectionDropTimeout": 2`:     func(o *Options) { o.ServerConnectionDropTimeout = 2 * time.Second },
		`"versions": [13, 8]`:                  func(o *Options) { o.Versions = []int{13, 8} },
		`"webStatus": false`:                   func(o *Options) { o.WebStatus = false },
		`"requireMaskedClientFrames": false`:   func(o *Options) { o.RequireMaskedClientFrames = false },
		`"maskServerFrames": true`:             func(o *Options) { o.MaskServerFrames = true },
		`"allowedOrigins": ["a", "b"]`:         func(o *Options) { o.AllowedOrigins = []string{"a", "b"} },
		`"maxConnections": 6`:                  func(o *Options) { o.MaxConnections = 6 },
		`"version": 18, "failByDrop": null`:    func(o *Options) {},
		`"failByDrop": 1, "failByDrop": true`:  nil, // the last one holds, and all are looked at
		`"failByDrop": true, "failByDrop": []`: nil,
	} {
		want, read := want, false
		for _, parse := range []func(string, []byte) (*Config, error){ParseClientConfig, ParseServerConfig} {
			c, err := parse("f", []byte(`{"url": "ws://a:1", "cases": [], "options": {`+text+`}}`))
			if err != nil {
				continue
			}
			o := d
			want(&o)
			require.Equal(t, o, c.Options, text)
			read = true
		}
		require.Equal(t, want != nil, read, text)
	}
}

// What some languages' JSON writers and editors do is taken.
func TestConfigLenient(t *testing.T) {
	c, err := ParseClientConfig("f", []byte("\ufeff"+`{"cases": {}, "exclude-agent-cases": [], "servers": {}, "options": [], "exclude-cases": null,
		"cases": ["3.1"]}`))
	require.NoError(t, err)
	require.Equal(t, []string{"3.1"}, c.Cases)
	require.Empty(t, c.Targets)
}

func TestConfigErrors(t *testing.T) {
	client := func(fields string) string { return "{\"cases\": [\"*\"],\n  " + fields + "\n}" }
	server := func(url string) string { return "{\"cases\": [],\n\"url\": " + url + "}" }
	for _, row := range []struct{ file, want string }{
		{"", "f:1:1: this is not JSON: unexpected end of JSON input"},
		{"{\n \"cases\": [\"*\"", "f:2:15: this is not JSON: unexpected end of JSON input"},
		{"{\n \"ü\": [1,]}", "f:2:10: this is not JSON: invalid character ']' looking for beginning of value"},
		{"{} x", "f:1:4: this is not JSON: invalid character 'x' after top-level value"},
		{"// a\n{}", "f:1:1: this is not JSON: invalid character '/' looking for beginning of value"},
		{"[1]", "f:1:1: expected an object, found a list"},
		{"7", "f:1:1: expected an object, found 7"},
		{" {}", `f:1:2: expected a field "cases", such as ["*"]`},
		{client(`"cases": "*"`), `f:2:12: cases: expected a list, found "*"`},
		{client(`"cases": ["1.*", 2]`), "f:2:20: cases[1]: expected a string, found 2"},
		{client(`"exclude-cases": [["x"]]`), "f:2:21: exclude-cases[0]: expected a string, found a list"},
		{client(`"exclude-agent-cases": ["a"]`), "f:2:26: exclude-agent-cases: expected an object, found a list"},
		{client(`"exclude-agent-cases": {"a": "1.*"}`), `f:2:32: exclude-agent-cases.a: expected a list, found "1.*"`},
		{client(`"cases": ["1.*", "` + strings.Repeat("*", maxPattern+1) + `"]`), `f:2:20: cases[1]: expected a pattern of at most 1000 octets, found "` + strings.Repeat("*", 60) + `..."`},
		{client(`"exclude-agent-cases": {"` + strings.Repeat("a", maxPattern+1) + `": []}`), "f:2:27: exclude-agent-cases: expected patterns of at most 1000 octets, found 1001"},
		{client(`"outdir": 3.5`), "f:2:13: outdir: expected a string, found 3.5"},
		{client(`"servers": {"url": "ws://a"}`), "f:2:14: servers: expected a list, found an object"},
		{client(`"servers": ["ws://a"]`), `f:2:15: servers[0]: expected an object, found "ws://a"`},
		{client(`"servers": [{"agent": "a"}]`), `f:2:15: servers[0]: expected a field "url", such as "ws://127.0.0.1:9001"`},
		{client(`"servers": [{"url": "ws://a"}, {"url": null}]`), `f:2:34: servers[1]: expected a field "url", such as "ws://127.0.0.1:9001"`},
		{client(`"servers": [{"url": "ws://a"}, {"url": "ws://b"}, {"agent": "x", "url": "ws://c"}, {"url": "ws://d", "agent": "x"}]`),
			`f:2:113: servers[3].agent: expected a name other than that of servers[2], found "x"`},
		{client(`"servers": [{"url": true}]`), "f:2:23: servers[0].url: expected a string, found true"},
		{client(`"servers": [{"url": "http://a"}]`), `f:2:23: servers[0].url: expected a URL that begins with ws:// or wss://, found "http://a"`},
		{client(`"servers": [{"url": "ws://a/#b"}]`), `f:2:23: servers[0].url: expected a URL without a fragment, found "ws://a/#b"`},
		{client(`"servers": [{"url": "ws://:80/"}]`), `f:2:23: servers[0].url: expected a URL with a host, found "ws://:80/"`},
		{client(`"servers": [{"url": "ws://a:b"}]`), `f:2:23: servers[0].url: expected a URL such as ws://127.0.0.1:9001, found "ws://a:b"`},
		{client(`"servers": [{"url": "ws://a:70000"}]`), `f:2:23: servers[0].url: expected a port up to 65535, found "ws://a:70000"`},
		{client(`"servers": [{"url": "ws://a:"}]`), `f:2:23: servers[0].url: expected a port behind the colon, found "ws://a:"`},
		{client(`"servers": [{"url": "ws://u:p@a"}]`), `f:2:23: servers[0].url: expected a URL without a user, found "ws://u:p@a"`},
		{client(`"servers": [{"url": "ws://a", "options": {"x": 1}}]`), `f:2:45: servers[0].options: there is no option "x"`},
		{client(`"options": {"failbydrop": true}`), `f:2:15: options: there is no option "failbydrop"; the name is "failByDrop"`},
		{client(`"options": {"webStatus": true}`), `f:2:15: options: option "webStatus" is for fuzzingserver only`},
		{client(`"options": {"failByDrop": "no"}`), `f:2:29: options.failByDrop: expected true or false, found "no"`},
		{client(`"options": {"version": 9}`), "f:2:26: options.version: expected a whole number from 10 to 18, found 9"},
		{client(`"options": {"version": 18.0}`), "f:2:26: options.version: expected a whole number from 10 to 18, found 18.0"},
		{client(`"options": {"autoPingSize": 126}`), "f:2:31: options.autoPingSize: expected a whole number from 4 to 125, found 126"},
		{client(`"options": {"autoFragmentSize": -1}`), "f:2:35: options.autoFragmentSize: expected a whole number, 0 or more, found -1"},
		{client(`"options": {"autoFragmentSize": 2147483648}`), "f:2:35: options.autoFragmentSize: expected a whole number, 0 or more, found 2147483648"},
		{client(`"options": {"autoPingInterval": -0.5}`), "f:2:35: options.autoPingInterval: expected seconds, 0 to 1000000000, found -0.5"},
		{client(`"options": {"autoPingInterval": 1e10}`), "f:2:35: options.autoPingInterval: expected seconds, 0 to 1000000000, found 1e10"},
		{client("\"outdir\": \"a\x01\""), "f:2:15: this is not JSON: invalid character '\\x01' in string literal"},
		{client(`"servers": [{"agent\n\u001b[31m": "", "url": 3}], "options": {"a\nb": 3}`), "f:2:48: servers[0].url: expected a string, found 3"},
		{client(`"options": {"a\nb": 3}`), `f:2:15: options: there is no option "a\nb"`},
		{client(`"exclude-agent-cases": {"a\nb": 3}`), "f:2:35: exclude-agent-cases.a?b: expected a list, found 3"},
		{strings.Repeat(" ", maxConfig) + "{}", "f:1:1: expected at most 1048576 octets, found 1048578"},

		{`{"cases": ["*"]}`, `f:1:1: expected a field "url", such as "ws://127.0.0.1:9001"`},
		{server(`"ws://a"`), `f:2:8: url: expected a URL with a port, such as ws://127.0.0.1:9001, found "ws://a"`},
		{server(`"ws://a:1?b"`), `f:2:8: url: expected a URL without a query, found "ws://a:1?b"`},
		{server(`"ws://a:1", "key": 1`), "f:2:27: key: expected a string, found 1"},
		{server(`"ws://a:1", "options": {"version": 18}`), `f:2:32: options: option "version" is for fuzzingclient only`},
		{server(`"ws://a:1", "options": {"versions": [13, 14]}`), "f:2:49: options.versions[1]: expected 8 or 13, found 14"},
		{server(`"ws://a:1", "options": {"versions": []}`), "f:2:44: options.versions: expected a list of 8 and 13, found a list"},
	} {
		parse := ParseClientConfig
		if strings.Contains(row.want, `field "url"`) && !strings.Contains(row.want, "servers") || strings.HasPrefix(row.file, "{\"cases\": [],\n") {
			parse = ParseServerConfig
		}
		c, err := parse("f", []byte(row.file))
		require.Nil(t, c)
		var typed *ConfigError
		require.ErrorAs(t, err, &typed, row.want)
		require.Equal(t, row.want, err.Error())
	}
}

func TestConfigSelect(t *testing.T) {
	c, err := ParseClientConfig("f", []byte("{\n \"cases\": [\"1.1.*\", \"10.1.1\", \"2.3\"], \"exclude-cases\": [\"1.1.2*\", \"8.8\"]}"))
	require.NoError(t, err)
	cases, err := c.Select(Cases())
	require.NoError(t, err)
	var ids []string
	for _, k := range cases {
		ids = append(ids, k.ID)
	}
	require.Equal(t, []string{"1.1.1", "1.1.3", "1.1.4", "1.1.5", "1.1.6", "1.1.7", "1.1.8", "2.3", "10.1.1"}, ids)

	c, err = ParseClientConfig("f", []byte("{\n \"cases\": [\"1.*\", \"2.12\"]}"))
	require.NoError(t, err)
	_, err = c.Select(Cases())
	var typed *ConfigError
	require.ErrorAs(t, err, &typed)
	require.Equal(t, [2]int{2, 19}, [2]int{typed.Line, typed.Column})
	require.Regexp(t, `^f:2:19: cases\[1\]: there is no case "2.12"`, err.Error())
	var unknown *UnknownCaseError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "2.12", unknown.ID)
}

// Whatever the file is, the parser returns, and an error is one line and points into the file.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{clientFile, DefaultClientConfig, DefaultServerConfig, "", "\ufeff", "[", `{"a":}`, `{"cases":["` + "\xff" + `"],"options":{"x":NaN}}`,
		strings.Repeat("[", 10001), `{"options":{"versions":[8,{}]},"url":"wss://a:1","cases":[[]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		few := []*Case{{ID: "1.1.1"}}
		for _, parse := range []func(string, []byte) (*Config, error){ParseClientConfig, ParseServerConfig} {
			c, err := parse("f", b)
			require.Equal(t, before, b)
			if err == nil {
				if _, err := c.Select(few); err == nil {
					continue
				} else if e, ok := err.(*ConfigError); ok {
					require.Contains(t, c.Cases, e.Err.(*UnknownCaseError).ID)
				}
				continue
			}
			require.Nil(t, c)
			e, ok := err.(*ConfigError)
			require.True(t, ok, "%T", err)
			require.NotContains(t, e.Error(), "\n")
			lines := bytes.Split(bytes.TrimPrefix(b, bom), []byte("\n"))
			require.True(t, 1 <= e.Line && e.Line <= len(lines), "%v", e)
			require.True(t, 1 <= e.Column && e.Column <= utf8.RuneCount(lines[e.Line-1])+1, "%v", e)
		}
	})
}

// A configuration of 1 MiB takes memory in proportion, however it is nested.
func TestConfigDeep(t *testing.T) {
	const deep = 9000 // encoding/json takes 10000
	text := `{"cases": [], "unknown": ` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ParseClientConfig("f", []byte(text))
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
}
