package autobahn

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// A mode says for whom an option is.
type mode int

const (
	forClient mode = 1 << iota
	forServer
	forBoth = forClient | forServer
)

// String returns the mode's name on the command line.
func (m mode) String() string {
	if m == forClient {
		return "fuzzingclient"
	}
	return "fuzzingserver"
}

// maxSeconds is the longest time that a configuration may ask for: thirty years.
const maxSeconds = 1e9

// protocolOptions are the options that a configuration may set.
var protocolOptions = []struct {
	name string
	mode mode
	set  func(o *Options, n *node)
}{
	{"failByDrop", forBoth, func(o *Options, n *node) { n.boolean(&o.FailByDrop) }},
	{"utf8validateIncoming", forBoth, func(o *Options, n *node) { n.boolean(&o.UTF8ValidateIncoming) }},
	{"applyMask", forBoth, func(o *Options, n *node) { n.boolean(&o.ApplyMask) }},
	{"maxFramePayloadSize", forBoth, func(o *Options, n *node) { n.whole(&o.MaxFramePayloadSize, 0, math.MaxInt32) }},
	{"maxMessagePayloadSize", forBoth, func(o *Options, n *node) { n.whole(&o.MaxMessagePayloadSize, 0, math.MaxInt32) }},
	{"autoFragmentSize", forBoth, func(o *Options, n *node) { n.whole(&o.AutoFragmentSize, 0, math.MaxInt32) }},
	{"echoCloseCodeReason", forBoth, func(o *Options, n *node) { n.boolean(&o.EchoCloseCodeReason) }},
	{"openHandshakeTimeout", forBoth, func(o *Options, n *node) { n.seconds(&o.OpenHandshakeTimeout) }},
	{"closeHandshakeTimeout", forBoth, func(o *Options, n *node) { n.seconds(&o.CloseHandshakeTimeout) }},
	{"tcpNoDelay", forBoth, func(o *Options, n *node) { n.boolean(&o.TCPNoDelay) }},
	{"autoPingInterval", forBoth, func(o *Options, n *node) { n.seconds(&o.AutoPingInterval) }},
	{"autoPingTimeout", forBoth, func(o *Options, n *node) { n.seconds(&o.AutoPingTimeout) }},
	{"autoPingSize", forBoth, func(o *Options, n *node) { n.whole(&o.AutoPingSize, 4, 125) }},

	{"version", forClient, func(o *Options, n *node) { n.whole(&o.Version, 10, 18) }},
	{"acceptMaskedServerFrames", forClient, func(o *Options, n *node) { n.boolean(&o.AcceptMaskedServerFrames) }},
	{"maskClientFrames", forClient, func(o *Options, n *node) { n.boolean(&o.MaskClientFrames) }},
	{"serverConnectionDropTimeout", forClient, func(o *Options, n *node) { n.seconds(&o.ServerConnectionDropTimeout) }},

	{"versions", forServer, func(o *Options, n *node) { n.versions(&o.Versions) }},
	{"webStatus", forServer, func(o *Options, n *node) { n.boolean(&o.WebStatus) }},
	{"requireMaskedClientFrames", forServer, func(o *Options, n *node) { n.boolean(&o.RequireMaskedClientFrames) }},
	{"maskServerFrames", forServer, func(o *Options, n *node) { n.boolean(&o.MaskServerFrames) }},
	{"allowedOrigins", forServer, func(o *Options, n *node) {
		if n.value != nil {
			o.AllowedOrigins = n.texts()
		}
	}},
	{"maxConnections", forServer, func(o *Options, n *node) { n.whole(&o.MaxConnections, 0, math.MaxInt32) }},
}

// options stores what the object n says. A name that is not known is a mistake, since what it asks for would not happen.
func (n *node) options(o *Options, m mode) {
next:
	for _, f := range n.fields() {
		hint := ""
		for _, p := range protocolOptions {
			switch {
			case p.name == f.name && p.mode&m == 0:
				n.doc.fail(f.at, "%s: option %q is for %v only", n.name, f.name, p.mode)
				continue next
			case p.name == f.name:
				p.set(o, f.value)
				continue next
			case strings.EqualFold(p.name, f.name):
				hint = fmt.Sprintf("; the name is %q", p.name)
			}
		}
		n.doc.fail(f.at, "%s: there is no option %q%s", n.name, shorten(f.name), hint)
	}
}

// seconds stores a time, if there is one. It is given in seconds, and may be a fraction.
func (n *node) seconds(dst *time.Duration) {
	if n.value == nil {
		return
	}
	if v, ok := n.value.(json.Number); ok {
		if s, err := v.Float64(); err == nil && 0 <= s && s <= maxSeconds {
			*dst = time.Duration(math.Round(s * float64(time.Second)))
			if s > 0 && *dst == 0 {
				*dst = 1 // 0 would mean none
			}
			return
		}
	}
	n.expected(fmt.Sprintf("seconds, 0 to %.0f", maxSeconds))
}

// versions stores a list of values of Sec-WebSocket-Version, if there is one.
func (n *node) versions(dst *[]int) {
	if n.value == nil {
		return
	}
	var all []int
	for _, item := range n.list() {
		switch item.value {
		case json.Number("8"):
			all = append(all, 8)
		case json.Number("13"):
			all = append(all, 13)
		default:
			item.expected("8 or 13")
		}
	}
	if len(all) == 0 {
		n.expected("a list of 8 and 13")
	}
	*dst = all
}
