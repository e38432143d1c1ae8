//go:build !unix

package netpoll

import "runtime/metrics"

// cpuTime is what the garbage collector has used, in seconds, as the runtime estimates it.
func cpuTime() float64 {
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}
