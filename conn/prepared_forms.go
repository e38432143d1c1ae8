package conn

import (
	"sync"
	"sync/atomic"

	"github.com/idlewire/idlewire/frame"
)

// forms are a prepared message in the compressed forms that connections have asked for: one for each MessageCompressor, of which there are as many as
// there are parameters in use.
type forms struct {
	all    atomic.Pointer[[]form]
	making sync.Mutex // held while one is made, so that none is made twice
}

type form struct {
	by   MessageCompressor
	wire []byte // a frame as servers send it; nil: it does not shrink
	head int
}

func (f *forms) find(by MessageCompressor) (form, bool) {
	if all := f.all.Load(); all != nil {
		for _, x := range *all {
			if x.by == by {
				return x, true
			}
		}
	}
	return form{}, false
}

// form returns m as by compresses it.
func (m *Prepared) form(by MessageCompressor) form {
	if x, ok := m.forms.find(by); ok {
		return x
	}
	m.forms.making.Lock()
	defer m.forms.making.Unlock()
	if x, ok := m.forms.find(by); ok {
		return x
	}
	x := form{by: by}
	if deflated, ok := by.Compress(nil, m.wire[m.head:]); ok {
		h := frame.Header{Length: int64(len(deflated)), Opcode: m.op, Fin: true, Rsv: frame.Rsv1}
		x.head = h.Size()
		x.wire = frame.Append(make([]byte, 0, x.head+len(deflated)), h, deflated)
	}
	var all []form
	if old := m.forms.all.Load(); old != nil {
		all = append(all, *old...)
	}
	all = append(all, x)
	m.forms.all.Store(&all)
	return x
}
