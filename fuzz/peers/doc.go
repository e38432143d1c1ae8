// Package peers compares other WebSocket libraries with the reference of package fuzz: gorilla/websocket, coder/websocket, lxzan/gws and lesismal/nbio. It is a
// module of its own, so that nobody depends on them who depends on this library.
//
// Each is set up as its documentation shows, over a connection in memory. What it leaves to the program (whether text is UTF-8 in gorilla and coder) its adapter does.
// Its quirks are data, beside the adapter.
package peers

import "github.com/idlewire/idlewire/fuzz"

// A Peer is a library and what is known of it.
type Peer struct {
	Adapter fuzz.Adapter
	Quirks  []fuzz.Quirk
}

// All are the peers, by name.
func All() []Peer {
	return []Peer{
		{gorilla{}, gorillaQuirks},
		{coder{}, coderQuirks},
		{newGws(), gwsQuirks},
		{nbio{}, nbioQuirks},
	}
}
