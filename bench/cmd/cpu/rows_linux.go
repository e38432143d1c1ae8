package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/idlewire/idlewire/bench/internal/load"
)

// A row is one kind of work.
type row struct {
	key      string
	text     string
	kind     kind
	conns    int
	payload  int
	inFlight int
	budget   float64
}

type kind int

const (
	echo kind = iota
	churn
	broadcast
)

var rows = []row{
	{"small", "echo, 100 conns, 64 B, one in flight", echo, 100, 64, 1, 1.04},
	{"thousand", "echo, 1 000 conns, 512 B", echo, 1000, 512, 1, 1.08},
	{"tenthousand", "echo, 10 000 conns, 128 B", echo, 10_000, 128, 1, 1.05},
	{"pipelined", "echo, 100 conns, 64 B, 32 in flight", echo, 100, 64, 32, 1.12},
	{"16k", "echo, 50 conns, 16 KiB", echo, 50, 16 << 10, 1, 1.08},
	{"1m", "echo, 10 conns, 1 MiB", echo, 10, 1 << 20, 1, 0.75},
	{"churn", "connect + upgrade + close", churn, 32, 64, 1, 1.06},
	{"broadcast", "broadcast of 128 B to 10 000, per delivery", broadcast, 10_000, 128, 1, 1.08},
}

func chooseRows(list string) ([]row, error) {
	if list == "all" {
		return rows, nil
	}
	var rs []row
	for key := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(rows, func(r row) bool { return r.key == strings.TrimSpace(key) })
		if i < 0 {
			return nil, fmt.Errorf("no row is called %q; -h lists them", key)
		}
		rs = append(rs, rows[i])
	}
	return rs, nil
}

// mode is what the floor is told.
func (r row) mode() string { return [...]string{"echo", "close", "broadcast"}[r.kind] }

// options are the client's.
func (r row) options(floor bool) load.Options {
	o := load.Options{Payload: r.payload, InFlight: r.inFlight, Floor: floor}
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
