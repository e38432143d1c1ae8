package testee

// A Group is faults that have something in common.
type Group struct {
	Title string
	Kinds []*Kind
}

// Groups returns the Kinds that are Correct but for one thing. The slice is the caller's, what is in it is not.
func Groups() []Group {
	return []Group{
		{"Frames", frameFaults},
		{"Fragments", fragmentFaults},
		{"Pings and pongs", pingFaults},
		{"UTF-8", textFaults},
		{"The closing handshake", closeFaults},
		{"Failing the connection", failFaults},
		{"TCP", dropFaults},
		{"Echoes", echoFaults},
		{"Lengths and limits", sizeFaults},
		{"Frames that are sent", sendFaults},
		{"Compression", deflateFaults},
		{"The opening handshake", openingFaults},
	}
}

// Faults returns the Kinds of all Groups. The slice is the caller's, the Kinds are not.
func Faults() (kinds []*Kind) {
	for _, g := range Groups() {
		kinds = append(kinds, g.Kinds...)
	}
	return kinds
}
