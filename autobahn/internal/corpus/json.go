package corpus

import (
	"fmt"
	"strings"
)

// jsonSize is in octets.
const jsonSize = 194056

// makeJSON writes the log of a weather station: readings that are all alike but for a number or two.
func makeJSON(r *rng) []byte {
	b := make([]byte, 0, jsonSize)
	b = append(b, `{
  "format": "JSON",
  "level": "BCEFGHKMRTUX",
  "readings": [
`...)
	temp, wind := 125, 410
	for id := 100000; len(b) < jsonSize-400; id++ {
		if r.chance(70) {
			temp = (temp + r.between(-9, 9) + 400) % 400
		}
		if r.chance(80) {
			wind = max(10, wind+r.between(-30, 30))
		}
		b = fmt.Appendf(b, `    {
      "id": %d,
      "station": "Pegel Nordhafen",
      "place": {
        "north": 53.54,
        "east": 9.98
      },
      "wind": %d,
      "warm": %d.%d,
      "clock": "quartz",
      "good": %v
    },
`,
			id, wind, temp/10, temp%10, r.chance(75))
	}
	b = append(b, `    {
      "end": "`...)
	const last = `"
    }
  ]
}
`
	b = append(b, strings.Repeat(".", jsonSize-len(b)-len(last))...)
	return append(b, last...)
}
