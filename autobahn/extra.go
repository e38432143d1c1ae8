package autobahn

// ExtraCases returns the cases that go beyond the original's, sections 20 and up, in order. Their Number is 0.
func ExtraCases() []*Case { return nil }
