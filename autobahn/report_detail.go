package autobahn

import (
	"encoding/hex"
	"math"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// indexEntry is what index.json says of a result.
func indexEntry(r *Result, file string) object {
	return object{
		"behavior":        string(r.Behavior),
		"behaviorClose":   string(r.BehaviorClose),
		"duration":        millis(r.Duration),
		"remoteCloseCode": closeCode(r.RemoteClose),
		"reportfile":      file,
	}
}

// detail is the JSON file of a result. Every field is there whatever the outcome was: readers of the original's files tell null from missing.
func detail(r *Result, agent string) object {
	expected, expectedClose := object{}, object{}
	if r.Opened { // the original learns what it expects when the connection opens
		expected, expectedClose = expectedEvents(r.Case), expectedEnd(r.Case)
	}
	return object{
		"agent":       agent,
		"id":          r.Case.ID,
		"case":        r.Number,
		"description": r.Case.Title,
		"expectation": r.Case.Expects,
		"isServer":    r.IsServer,

		"started":                r.Started.UTC().Format("2006-01-02T15:04:05.000Z"),
		"duration":               millis(r.Duration),
		"reportTime":             r.Case.ShowDuration,
		"reportCompressionRatio": r.Case.ShowRatio,

		"behavior":      string(r.Behavior),
		"behaviorClose": string(r.BehaviorClose),
		"result":        r.Reason,
		"resultClose":   r.ReasonClose,
		"expected":      expected,
		"received":      events(r.Received),
		"expectedClose": expectedClose,

		"closedByMe":                     r.ClosedByMe,
		"failedByMe":                     r.FailedByMe,
		"droppedByMe":                    r.DroppedByMe,
		"wasClean":                       r.WasClean,
		"wasNotCleanReason":              orNull(r.WasNotCleanReason),
		"wasServerConnectionDropTimeout": r.ServerDropTimeout,
		"wasOpenHandshakeTimeout":        r.OpenHandshakeTimeout,
		"wasCloseHandshakeTimeout":       r.CloseHandshakeTimeout,
		"localCloseCode":                 closeCode(r.LocalClose),
		"localCloseReason":               closeReason(r.LocalClose),
		"remoteCloseCode":                closeCode(r.RemoteClose),
		"remoteCloseReason":              closeReason(r.RemoteClose),

		"httpRequest":  orUnknown(r.HTTPRequest),
		"httpResponse": orUnknown(r.HTTPResponse),

		"createStats":   true,
		"createWirelog": true,
		"rxOctetStats":  r.RxOctets,
		"txOctetStats":  r.TxOctets,
		"rxFrameStats":  byOpcode(r.RxFrames),
		"txFrameStats":  byOpcode(r.TxFrames),
		"trafficStats":  trafficStats(r.Traffic),
		"wirelog":       wirelog(r.Log),
	}
}

func expectedEvents(c *Case) object {
	o := object{}
	for _, e := range c.Expect {
		o[string(e.Verdict)] = events(e.Events)
	}
	return o
}

func expectedEnd(c *Case) object {
	codes := []any{}
	for _, code := range c.Close.Codes {
		codes = append(codes, int(code))
	}
	o := object{"closedByMe": !c.Close.ByPeer, "closeCode": codes, "requireClean": c.Close.Clean}
	if c.InitiatorMatters {
		o["closedByWrongEndpointIsFatal"] = true
	}
	return o
}

func events(list []Event) []any {
	rows := []any{}
	for _, e := range list {
		switch e.Kind {
		case Message:
			rows = append(rows, []any{string(e.Kind), payloadText(e.Payload), e.Binary})
		case Timeout:
			rows = append(rows, []any{string(e.Kind), e.Tag})
		default:
			rows = append(rows, []any{string(e.Kind), payloadText(e.Payload)})
		}
	}
	return rows
}

func payloadText(p Payload) string { return octetsText(p.head(), p.Len) }

// head makes the octets of p that a report shows, not megabytes.
func (p Payload) head() []byte {
	return Payload{Unit: p.Unit, Len: min(p.Len, keptOctets)}.Bytes()
}

// closeCode and closeReason are null both if there was no Close and if it had none.
func closeCode(c *CloseFrame) any {
	if c == nil || !c.HasCode {
		return nil
	}
	return int(c.Code)
}

func closeReason(c *CloseFrame) any {
	if c == nil || c.Reason == nil {
		return nil
	}
	return octetsText(c.Reason, 0) // whole: no frame has room for a long one
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orUnknown(s string) string {
	if s == "" {
		return "?"
	}
	return s
}

func byOpcode(frames map[frame.Opcode]int) map[int]int {
	m := make(map[int]int, len(frames))
	for opcode, n := range frames {
		m[int(opcode)] = n
	}
	return m
}

func trafficStats(t *Traffic) any {
	if t == nil {
		return nil
	}
	o := object{"preopenOutgoingOctetsWireLevel": t.PreopenOutgoing, "preopenIncomingOctetsWireLevel": t.PreopenIncoming}
	for direction, v := range map[string]Volume{"outgoing": t.Outgoing, "incoming": t.Incoming} {
		o[direction+"OctetsWireLevel"] = v.WireLevel
		o[direction+"OctetsWebSocketLevel"] = v.WebSocketLevel
		o[direction+"OctetsAppLevel"] = v.AppLevel
		o[direction+"WebSocketFrames"] = v.Frames
		o[direction+"WebSocketMessages"] = v.Messages
		o[direction+"CompressionRatio"] = ratio(v.WebSocketLevel, v.AppLevel)
		o[direction+"WebSocketOverhead"] = ratio(v.WireLevel-v.WebSocketLevel, v.WebSocketLevel)
	}
	return o
}

func ratio(a, b int) any {
	if b == 0 {
		return nil
	}
	return float64(a) / float64(b)
}

// wirelog is the log in rows whose first element says what the others are.
func wirelog(log []LogEntry) []any {
	rows := []any{}
	for i := range log {
		e, kind := &log[i], string(log[i].Kind)
		switch e.Kind {
		case OctetsIn:
			rows = append(rows, []any{kind, []any{e.Len, octetsHex(e.Data, e.Len)}})
		case OctetsOut:
			rows = append(rows, []any{kind, []any{e.Len, octetsHex(e.Data, e.Len)}, e.Sync})
		case FrameIn:
			rows = append(rows, []any{kind, []any{e.Len, octetsText(e.Data, e.Len)}, int(e.Opcode), e.Fin, int(e.Rsv), e.Masked, maskHex(e)})
		case FrameOut:
			var chop any
			if e.Chop > 0 {
				chop = e.Chop
			}
			// The null in the middle is the length up to which the original repeats a payload. Here payloads are logged as they are sent.
			rows = append(rows, []any{kind, []any{e.Len, octetsText(e.Data, e.Len)}, int(e.Opcode), e.Fin, int(e.Rsv), maskHex(e), nil, chop, e.Sync})
		case WaitBegin:
			rows = append(rows, []any{kind, seconds(e.For), e.Tag})
		case WaitEnd:
			rows = append(rows, []any{kind, e.Tag})
		case FailSet, CloseSet:
			rows = append(rows, []any{kind, seconds(e.For)})
		case FailFired, CloseFired:
			rows = append(rows, []any{kind})
		case LogSwitch:
			rows = append(rows, []any{kind, e.On})
		}
	}
	return rows
}

func maskHex(e *LogEntry) any {
	if !e.Masked {
		return nil
	}
	return hex.EncodeToString(e.Mask[:])
}

// seconds is a number without a point if it is whole.
func seconds(d time.Duration) any {
	if d%time.Second == 0 {
		return int(d / time.Second)
	}
	return d.Seconds()
}

// millis rounds to the nearest. On a 32-bit machine it stops at 24 days.
func millis(d time.Duration) int {
	return int(min(d.Round(time.Millisecond).Milliseconds(), math.MaxInt32))
}
