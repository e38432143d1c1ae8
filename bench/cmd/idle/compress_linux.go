package main

import (
	"fmt"
	"strings"

	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/idlewire/idlewire/bench/internal/mode"
	"github.com/idlewire/idlewire/bench/internal/server"
)

// atOnce is how many messages are under way when every connection echoes one: what the server needs for those that are busy at the same time is
// not the connections' that are idle.
const atOnce = 16

// compare prints the table of the ways to compress; it is false if a server has failed.
func compare(kinds []server.Kind, modes []mode.Mode) (good bool) {
	fmt.Printf("Octets of memory of each of %d connections, after one message of %d octets each (the same, collected).\n\n| server |", *count, *payload)
	for _, m := range modes {
		fmt.Printf(" %s |", m.Title())
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("---|", len(modes)))
	good = true
	for _, k := range kinds {
		line := "| " + k.Name + " |"
		for _, m := range modes {
			text, ok := one(k, m)
			line += " " + text + " |"
			good = good && ok
		}
		fmt.Println(line)
	}
	line := "| *budget of idlewire* |"
	for _, m := range modes {
		line += fmt.Sprintf(" %d |", budget(m))
	}
	fmt.Println(line)
	return good
}

// budget is how many octets a connection may hold: what a plain one does, and with takeover its two windows and what says how much is in them.
func budget(m mode.Mode) int {
	const plain, windows = 224, 512
	if !m.Takeover {
		return plain
	}
	return 2*m.Window() + windows
}

// one does a cell.
func one(k server.Kind, m mode.Mode) (text string, good bool) {
	if why := k.Cannot(m); why != "" {
		return "cannot: " + why, true
	}
	note(k.Name, m.Title())
	r, err := measure(k, load.Options{Payload: *payload, Text: true, Mode: m, AtOnce: atOnce})
	if err != nil {
		return "failed: " + err.Error(), false
	}
	text = fmt.Sprintf("%d (%d)", r.used/r.n, r.col/r.n)
	if m.On {
		note(k.Name, fmt.Sprintf("compressed to %.3f", r.traffic.Ratio()))
	}
	for _, s := range r.left {
		text += fmt.Sprintf(", **left behind: %s**", s)
	}
	return text, len(r.left) == 0
}
