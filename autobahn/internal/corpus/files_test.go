package corpus

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each is a file of its kind, whatever the seed.
var seeds = []uint64{0, 1, 2, 3, 1<<64 - 1}

func TestJSONIsJSON(t *testing.T) {
	for _, seed := range seeds {
		var document struct {
			Format   string
			Readings []struct {
				ID      int
				Station string
			}
		}
		require.NoError(t, json.Unmarshal(Get("json", seed).data, &document))
		require.Equal(t, "JSON", document.Format)
		require.Greater(t, len(document.Readings), 800)
		require.Equal(t, 100001, document.Readings[1].ID)
	}
}

func TestBitmapIsBMP(t *testing.T) {
	for _, seed := range seeds {
		b := Get("bitmap", seed).data
		require.Equal(t, "BM", string(b[:2]))
		word := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
		require.Equal(t, len(b), word(2))
		pixels := word(10)
		require.Equal(t, 40, word(14))
		require.Equal(t, len(b)-pixels, word(18)*word(22), "width and height, one octet a pixel, and no row needs padding")
		require.Zero(t, word(18)%4)
		require.Equal(t, 1|8<<16, word(26), "a plane of 8 bits a pixel")
		require.Equal(t, pixels, 14+40+4*word(46), "a palette of so many colours lies between")
		require.Equal(t, []byte{255, 255, 255, 0}, b[pixels-4:pixels])
		dark, bright := 0, 0
		for _, grey := range b[pixels:] {
			if grey < 128 {
				dark++
			} else {
				bright++
			}
		}
		require.Greater(t, min(dark, bright), 1<<14, "there is something to see")
	}
}

func TestPDFFindsItsObjects(t *testing.T) {
	for _, seed := range seeds {
		b := Get("pdf", seed).data
		require.True(t, bytes.HasPrefix(b, []byte("%PDF-1.4\n")))
		lines := strings.Split(string(b[len(b)-40:]), "\n")
		require.Equal(t, []string{"startxref", "%%EOF", ""}, []string{lines[len(lines)-4], lines[len(lines)-2], lines[len(lines)-1]})
		at, err := strconv.Atoi(lines[len(lines)-3])
		require.NoError(t, err)
		var n int
		_, err = fmt.Sscanf(string(b[at:at+20]), "xref\n0 %d\n", &n)
		require.NoError(t, err)
		require.Greater(t, n, 300)
		table := b[at+len(fmt.Sprintf("xref\n0 %d\n", n)):]
		for i := 1; i < n; i++ {
			var offset int
			_, err = fmt.Sscanf(string(table[20*i:20*i+20]), "%d 00000 n \n", &offset)
			require.NoError(t, err)
			require.True(t, bytes.HasPrefix(b[offset:], fmt.Appendf(nil, "%d 0 obj\n", i)), "object %d at %d", i, offset)
		}
		require.True(t, bytes.HasPrefix(table[20*n:], []byte("trailer\n")))
	}
}

// Tags that are opened are closed, in order.
func TestHTMLIsNested(t *testing.T) {
	for _, seed := range seeds {
		page := string(Get("html", seed).data)
		_, page, _ = strings.Cut(page, "<body>")
		page, _, ok := strings.Cut(page, "</body>\n</html>\n")
		require.True(t, ok)
		var open []string
		rows := 0
		for {
			_, rest, ok := strings.Cut(page, "<")
			if !ok {
				break
			}
			if strings.HasPrefix(rest, "!--") {
				_, page, ok = strings.Cut(rest, "-->")
				require.True(t, ok)
				continue
			}
			tag, rest, ok := strings.Cut(rest, ">")
			require.True(t, ok)
			name, _, _ := strings.Cut(tag, " ")
			if closed, end := strings.CutPrefix(name, "/"); end {
				require.NotEmpty(t, open)
				require.Equal(t, open[len(open)-1], closed)
				open = open[:len(open)-1]
			} else {
				open = append(open, name)
			}
			if name == "tr" {
				rows++
			}
			page = rest
		}
		require.Empty(t, open)
		require.Greater(t, rows, 600)
	}
}

func TestProseHasLines(t *testing.T) {
	for _, seed := range seeds {
		s := string(Get("prose", seed).data)
		require.True(t, strings.HasSuffix(s, "...\n"))
		require.Greater(t, strings.Count(s, ". Auftritt\n"), 20)
		for _, c := range "äöüß„“»«–" {
			require.Contains(t, s, string(c))
		}
	}
}
