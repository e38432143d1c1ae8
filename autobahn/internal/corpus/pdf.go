package corpus

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	pdfSize     = 1042328 // in octets
	pdfPictures = 805000  // of them, those that are pictures
)

// makePDF writes a PDF file: first pages with a picture each, whose octets are noise, as good as compressed; then plain text, and the table of where
// everything is.
func makePDF(r *rng) []byte {
	f := &pdf{rng: r, b: make([]byte, 0, pdfSize)}
	f.b = append(f.b, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"...)
	f.object("<< /Type /Catalog /Pages 2 0 R >>")
	f.object("<< /Type /Pages /Kids [ 4 0 R ] /Count 1 >>") // more are there than are shown
	f.object("<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>")
	for len(f.b) < pdfPictures {
		f.picture(r.between(2000, 7000))
	}
	p := &playwright{rng: r}
	var sentences []string
	for range 180 {
		sentences = append(sentences, latin1(upperFirst(p.clause())))
	}
	for f.left() > 4000 { // no text is longer
		f.text(sentences)
	}
	f.end()
	return f.b
}

type pdf struct {
	*rng
	b       []byte
	offsets []int // of the objects, from number 1 on
}

// object writes an object and returns its number.
func (f *pdf) object(body string) int {
	f.offsets = append(f.offsets, len(f.b))
	f.b = fmt.Appendf(f.b, "%d 0 obj\n%s\nendobj\n", len(f.offsets), body)
	return len(f.offsets)
}

// picture writes a page with a picture of n octets.
func (f *pdf) picture(n int) {
	page := len(f.offsets) + 1
	f.object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 595 842 ]\n"+
		"/Resources << /XObject << /Im0 %d 0 R >> /ProcSet [ /PDF /ImageC ] >> >>", page+1))
	f.offsets = append(f.offsets, len(f.b))
	f.b = fmt.Appendf(f.b, "%d 0 obj\n<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB\n"+
		"/BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\nstream\n",
		page+1, f.between(40, 90), f.between(40, 90), n)
	for ; n > 0; n -= 8 {
		var noise [8]byte
		binary.LittleEndian.PutUint64(noise[:], f.next())
		f.b = append(f.b, noise[:min(n, 8)]...)
	}
	f.b = append(f.b, "\nendstream\nendobj\n"...)
}

// text writes what a page says, which is not compressed: sentences in some order.
func (f *pdf) text(sentences []string) {
	var s strings.Builder
	s.WriteString("BT\n/F1 10 Tf\n14 TL\n72 770 Td\n")
	for range f.between(15, 40) {
		fmt.Fprintf(&s, "(%s.) Tj T*\n", pick(f.rng, sentences))
	}
	s.WriteString("ET")
	f.object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", s.Len(), s.String()))
}

// latin1 writes s with one octet for each character.
func latin1(s string) string {
	b := make([]byte, 0, len(s))
	for _, c := range s {
		b = append(b, byte(c))
	}
	return string(b)
}

// left returns how many octets there are until the table has to begin.
func (f *pdf) left() int {
	return pdfSize - len(f.b) - len(f.table(nil, 0)) - 20*len(f.offsets)
}

// end writes a comment that brings the file to its size, and the table of the objects.
func (f *pdf) end() {
	f.b = fmt.Appendf(f.b, "%%%s\n", strings.Repeat(".", f.left()-len("%\n")))
	f.b = append(f.b, f.table(f.offsets, len(f.b))...)
}

// table returns the end of the file with the given lines, 20 octets each. It begins at the given octet of the file.
func (f *pdf) table(offsets []int, at int) []byte {
	t := fmt.Appendf(nil, "xref\n0 %d\n%010d 65535 f \n", len(f.offsets)+1, 0)
	for _, o := range offsets {
		t = fmt.Appendf(t, "%010d 00000 n \n", o)
	}
	return fmt.Appendf(t, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%07d\n%%%%EOF\n", len(f.offsets)+1, at)
}
