package fuzz

// dice turn a string of octets into decisions. When it is used up they show 0, so that every string is one, and a
// longer one begins as its beginning does: that is what mutation by octets needs to be mutation by decisions.
type dice struct{ data []byte }

// empty reports whether nothing but 0 is to come.
func (d *dice) empty() bool { return len(d.data) == 0 }

func (d *dice) octet() byte {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

// below returns a number of [0, n), n >= 1. It takes one octet if n is at most 256, else two: n is at most 65536.
func (d *dice) below(n int) int {
	if n <= 256 {
		return int(d.octet()) % n
	}
	return (int(d.octet())<<8 | int(d.octet())) % n
}

// one reports true in one of n cases, and never when the octets are used up.
func (d *dice) one(n int) bool { return d.below(n) == n-1 }

// number returns any 64 bits, of up to eight octets.
func (d *dice) number() (n uint64) {
	for range d.below(9) {
		n = n<<8 | uint64(d.octet())
	}
	return n
}
