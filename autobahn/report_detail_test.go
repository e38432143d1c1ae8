package autobahn

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// golden compares b with a file of testdata/report, or writes it with -update.
func golden(t *testing.T, name string, b []byte) {
	t.Helper()
	path := filepath.Join("testdata", "report", name)
	if *update {
		require.NoError(t, os.WriteFile(path, b, 0o666))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), string(b))
}

// Files as the original writes them: with every field set, and of a connection that never opened.
func TestDetailFiles(t *testing.T) {
	golden(t, "full.json", appendJSON(nil, detail(fullResult(), "Fäst Server/2"), 0))
	golden(t, "unopened.json", appendJSON(nil, detail(aReport().Get("Fäst Server/2", "10.1.1"), "Fäst Server/2"), 0))
}

// A kind is what a field of a detail file may be; readers of the original's rely on it.
type kind string

const (
	kString     kind = "string"
	kStringNull kind = "string or null"
	kInt        kind = "int"
	kIntNull    kind = "int or null"
	kBool       kind = "bool"
	kList       kind = "list"
	kObject     kind = "object"
	kObjectNull kind = "object or null"
)

var detailFields = map[string]kind{
	"agent": kString, "id": kString, "description": kString, "expectation": kString, "case": kInt, "started": kString, "duration": kInt,
	"reportTime": kBool, "reportCompressionRatio": kBool, "behavior": kString, "behaviorClose": kString, "result": kString, "resultClose": kString,
	"expected": kObject, "received": kList, "expectedClose": kObject,
	"closedByMe": kBool, "failedByMe": kBool, "droppedByMe": kBool, "wasClean": kBool, "wasNotCleanReason": kStringNull,
	"wasServerConnectionDropTimeout": kBool, "wasOpenHandshakeTimeout": kBool, "wasCloseHandshakeTimeout": kBool,
	"localCloseCode": kIntNull, "remoteCloseCode": kIntNull, "localCloseReason": kStringNull, "remoteCloseReason": kStringNull,
	"isServer": kBool, "httpRequest": kString, "httpResponse": kString, "createStats": kBool, "createWirelog": kBool,
	"rxOctetStats": kObject, "txOctetStats": kObject, "rxFrameStats": kObject, "txFrameStats": kObject, "trafficStats": kObjectNull, "wirelog": kList,
}

var indexFields = map[string]kind{"behavior": kString, "behaviorClose": kString, "remoteCloseCode": kIntNull, "duration": kInt, "reportfile": kString}

// requireFields says that o has these fields, no others, and values of these kinds.
func requireFields(t *testing.T, fields map[string]kind, o map[string]any) {
	t.Helper()
	require.Equal(t, slices.Sorted(maps.Keys(fields)), slices.Sorted(maps.Keys(o)))
	for name, kind := range fields {
		var is string
		switch v := o[name].(type) {
		case nil:
			is = "null"
		case string:
			is = "string"
		case bool:
			is = "bool"
		case json.Number:
			_, err := v.Int64()
			require.NoError(t, err, name)
			is = "int"
		case []any:
			is = "list"
		case map[string]any:
			is = "object"
		}
		require.Contains(t, strings.Split(string(kind), " or "), is, name)
	}
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	o := map[string]any{}
	require.NoError(t, d.Decode(&o))
	require.False(t, d.More())
	return o
}

func TestDetailFields(t *testing.T) {
	results := aReport().Results(hostile)
	results = append(results, fullResult(), &Result{Case: &Case{}}, aReport().Get("Fäst Server/2", "10.1.1"))
	for _, r := range results {
		requireFields(t, detailFields, decode(t, appendJSON(nil, detail(r, r.Agent), 0)))
		requireFields(t, indexFields, decode(t, appendJSON(nil, indexEntry(r, "f"), 0)))
	}
}

func TestDetailNulls(t *testing.T) {
	r := fullResult()
	r.LocalClose, r.RemoteClose = nil, &CloseFrame{}
	r.WasNotCleanReason, r.Traffic, r.HTTPRequest = "", nil, ""
	d := detail(r, "a")
	for _, name := range []string{"localCloseCode", "localCloseReason", "remoteCloseCode", "remoteCloseReason", "wasNotCleanReason", "trafficStats"} {
		assert.Nil(t, d[name], name)
	}
	assert.Equal(t, "?", d["httpRequest"])
	r.RemoteClose = &CloseFrame{HasCode: true, Code: 1000, Reason: []byte{}}
	assert.Equal(t, "", detail(r, "a")["remoteCloseReason"], "empty is not none")
	r.RemoteClose.Reason = []byte("\xff" + strings.Repeat("a", 100))
	assert.Equal(t, "0xff"+strings.Repeat("61", 100), detail(r, "a")["remoteCloseReason"], "reasons are not cut")

	r.Traffic = &Traffic{}
	stats := detail(r, "a")["trafficStats"].(object)
	assert.Len(t, stats, 16)
	assert.Nil(t, stats["incomingCompressionRatio"], "of nothing there is no ratio")
	r.Opened = false
	assert.Equal(t, object{}, detail(r, "a")["expected"])
	assert.Equal(t, object{}, detail(r, "a")["expectedClose"])
}

func TestDetailNumbers(t *testing.T) {
	assert.Equal(t, 1, millis(500*time.Microsecond))
	assert.Equal(t, 0, millis(499*time.Microsecond))
	assert.Equal(t, 1<<31-1, millis(1<<62), "more than 32 bits hold")
	assert.Equal(t, any(60), seconds(time.Minute))
	assert.Equal(t, any(0.25), seconds(250*time.Millisecond))
}
