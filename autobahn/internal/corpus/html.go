package corpus

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	htmlSize = 263647 // in octets
	htmlLen  = 263620 // in code points
)

// makeHTML writes a page of tables that are all alike. At its beginning are a style sheet and a list of what follows.
func makeHTML(r *rng) []byte {
	p := &playwright{rng: r}
	page := bytes.NewBuffer(make([]byte, 0, htmlSize))
	page.WriteString(htmlHead)
	const middle, end = "        </ul>\n", "    </body>\n</html>\n"
	const least = len("<!--\n-->\n") + (htmlSize-htmlLen)*len("·")
	var sections bytes.Buffer
	for i := 1000; ; i++ {
		town := p.town()
		entry := fmt.Sprintf(htmlEntry, i, town)
		section := fmt.Sprintf(htmlSection, i, town, r.below(9), r.below(100), pick(r, []string{"rising", "falling", "steady", "rising fast"}))
		if page.Len()+sections.Len()+len(entry)+len(middle)+len(section)+least+len(end) > htmlSize {
			break
		}
		page.WriteString(entry)
		sections.WriteString(section)
	}
	page.WriteString(middle)
	sections.WriteTo(page)
	// A comment brings the page to its length, first in octets that are no characters of their own, then in characters.
	page.WriteString("<!--")
	extra := htmlSize - htmlLen - (page.Len() - utf8.RuneCount(page.Bytes()))
	page.WriteString(strings.Repeat("·", extra))
	page.WriteString(strings.Repeat(".", htmlSize-page.Len()-len("\n-->\n")-len(end)))
	page.WriteString("\n-->\n")
	page.WriteString(end)
	return page.Bytes()
}

// town makes up a name of letters without dots.
func (p *playwright) town() string {
	name := upperFirst(p.stem()) + pick(p.rng, []string{"au", "berg", "dorf", "feld", "hausen", "stadt"})
	return strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss").Replace(name)
}

const htmlEntry = `            <li class="toctree-l2 entry">
                <a class="reference internal" href="#gauge-%d" title="Gauge at %s">%[2]s</a> <span class="small">updated every hour</span>
            </li>
`

const htmlSection = `        <div class="section" id="gauge-%[1]d">
            <h2>%[2]s <a class="headerlink" href="#gauge-%[1]d" title="Permalink to this headline">&para;</a></h2>
            <table border="1" class="docutils">
                <tbody valign="top">
                    <tr class="row-odd"><td>Water level</td><td><tt class="literal">%[3]d.%02[4]d m</tt> above datum</td></tr>
                    <tr class="row-even"><td>Trend</td><td><em>%[5]s</em></td></tr>
                </tbody>
            </table>
        </div>
`

const htmlHead = `<!DOCTYPE html>
<html lang="en">
    <head>
        <meta charset="utf-8" />
        <title>River gauges – levels and trends</title>
        <style>
            body { font: 15px/1.5 "Liberation Sans", Arial, sans-serif; margin: 0 auto; max-width: 60em; color: #223; background: #fdfdfb; }
            h1, h2 { font-weight: normal; border-bottom: 1px solid #c8d0d8; letter-spacing: -0.01em; }
            h2 > .headerlink { visibility: hidden; text-decoration: none; }
            h2:hover > .headerlink { visibility: visible; }
            table.docutils { border-collapse: collapse; width: calc(100% - 2*8px); box-shadow: 0 1px 3px rgba(20, 40, 60, .25); }
            td + td { text-align: right; font-variant-numeric: tabular-nums; }
            tr.row-odd { background: #eef3f7; } tr.row-even { background: #fff; }
            tt.literal { font-family: Menlo, Consolas, monospace; }
            li.entry { list-style: none; padding: 2px 0; }
            a[href^="#"]:focus { outline: 2px dashed #7a5; }
            .small { font-size: 80%; opacity: .7; }
            @media print { ul.contents { display: none; } body { max-width: none; } }
        </style>
        <script>
            window.onhashchange = function () {
                var id = location.hash.replace(/^#gauge-(\d+)$/, '$1'), old = document.querySelector('.section.current');
                if (old && old.id !== id) { old.className = old.className.replace(/ current\b/g, ''); }
                var now = document.getElementById('gauge-' + id);
                if (now) { now.className += ' current'; history.replaceState({ id: +id | 0, seen: ~~(Date.now() / 1000) }, ''); }
            };
        </script>
    </head>
    <body>
        <h1>River gauges</h1>
        <p>Every gauge reports its level once an hour, in metres above its own datum; a level marked “rising fast” grew by more than 5 % since the hour
            before. Questions &amp; corrections: write to Jürgen Kühn or Zoë Quast at the Yard, Wing X, or phone the night desk. Names are spelt without dots.</p>
        <ul class="contents">
`
