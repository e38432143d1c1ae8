package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/idlewire/idlewire/bench/internal/mode"
)

// A row is one kind of work.
type row struct {
	key      string
	text     string
	kind     kind
	conns    int
	payload  int
	inFlight int
	budget   float64 // of the floor's cost; with compression, of uWebSockets'
	deflate  mode.Mode
}

type kind int

const (
	echo kind = iota
	churn
	broadcast
)

var rows = []row{
	{key: "small", text: "echo, 100 conns, 64 B, one in flight", conns: 100, payload: 64, budget: 1.04},
	{key: "thousand", text: "echo, 1 000 conns, 512 B", conns: 1000, payload: 512, budget: 1.08},
	{key: "tenthousand", text: "echo, 10 000 conns, 128 B", conns: 10_000, payload: 128, budget: 1.05},
	{key: "pipelined", text: "echo, 100 conns, 64 B, 32 in flight", conns: 100, payload: 64, inFlight: 32, budget: 1.12},
	{key: "16k", text: "echo, 50 conns, 16 KiB", conns: 50, payload: 16 << 10, budget: 1.08},
	{key: "1m", text: "echo, 10 conns, 1 MiB", conns: 10, payload: 1 << 20, budget: 0.75},
	{key: "churn", text: "connect + upgrade + close", kind: churn, conns: 32, payload: 64, budget: 1.06},
	{key: "broadcast", text: "broadcast of 128 B to 10 000, per delivery", kind: broadcast, conns: 10_000, payload: 128, budget: 1.08},
	{key: "json", text: "echo, 100 conns, 1 KiB of JSON, no takeover", conns: 100, payload: 1 << 10, deflate: noTakeover, budget: 1},
	{key: "json-takeover", text: "echo, 100 conns, 1 KiB of JSON, takeover", conns: 100, payload: 1 << 10, deflate: takeover, budget: 1},
	{key: "json16k", text: "echo, 50 conns, 16 KiB of JSON, no takeover", conns: 50, payload: 16 << 10, deflate: noTakeover, budget: 1},
	{key: "json16k-takeover", text: "echo, 50 conns, 16 KiB of JSON, takeover", conns: 50, payload: 16 << 10, deflate: takeover, budget: 1},
}

var (
	noTakeover = mode.Mode{On: true, Bits: mode.MaxBits}
	takeover   = mode.Mode{On: true, Takeover: true, Bits: mode.MaxBits}
)

// chooseRows returns the rows of a list of keys separated by commas; "all" is every one without compression, "compress" every one with.
func chooseRows(list string) (rs []row, err error) {
	for key := range strings.SplitSeq(list, ",") {
		key = strings.TrimSpace(key)
		found := false
		for _, r := range rows {
			if r.key == key || key == "all" && !r.deflate.On || key == "compress" && r.deflate.On {
				rs, found = append(rs, r), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no row is called %q; -h lists them", key)
		}
	}
	return rs, nil
}

// mode is what the floor is told.
func (r row) mode() string { return [...]string{"echo", "close", "broadcast"}[r.kind] }

// options are the client's.
func (r row) options(floor bool) load.Options {
	o := load.Options{Payload: r.payload, InFlight: r.inFlight, Floor: floor, Mode: r.deflate}
	if r.kind == broadcast {
		o.Path = "/broadcast"
	}
	return o
}

// sizes are how many octets the floor waits for, and how many it sends.
func (r row) sizes() (in, out int) {
	if r.kind == churn {
		return 8, 4 // a Close frame with a code, masked and not
	}
	return load.ReadSize(r.payload), load.WriteSize(r.payload)
}

// begin opens the connections and sets them to work, for long enough that the server has grown what it wants to grow. It asks members, if that is not
// nil, how many the server has in its room.
func (r row) begin(cl *load.Client, d time.Duration, members func() (int64, error)) error {
	if r.kind == churn {
		_, err := r.run(cl, d)
		return err
	}
	if err := cl.Open(r.conns); err != nil {
		return err
	}
	if r.kind == broadcast && members != nil {
		for range 1000 {
			if n, err := members(); err != nil || n == int64(r.conns) {
				break
			}
			if err := cl.Idle(10 * time.Millisecond); err != nil {
				return err
			}
		}
	}
	_, err := r.run(cl, d)
	return err
}

// most is how many operations are enough, whatever the clock says.
const most = 20_000_000

// run lets the work go on for so long and returns how many operations were done. When it begins and when it ends nothing is under way, but for the few
// connections of a churn, so the server's time during the call is the time for these operations.
func (r row) run(cl *load.Client, d time.Duration) (int, error) {
	switch r.kind {
	case churn:
		return cl.Churn(r.conns, d, min(most, maxChurn))
	case broadcast:
		return cl.Broadcast(d, most)
	}
	return cl.Echo(d, most)
}

// maxChurn bounds the connections of one measurement, so that the ports that linger in TIME_WAIT do not run out.
const maxChurn = 20_000
