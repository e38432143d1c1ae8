package corpus

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Stale are the files below root that are named as though they were made here, and are none of these.
func Stale(root string, files map[string][]byte) (stale []string, err error) {
	var dirs []string
	for name := range files {
		if dir := path.Dir(name); dir != "fuzz/corpus" && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		entries, err := fs.ReadDir(os.DirFS(root), dir)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if _, ok := files[name]; !ok && slices.ContainsFunc(Prefixes, func(p string) bool { return strings.HasPrefix(e.Name(), p) }) {
				stale = append(stale, name)
			}
		}
	}
	return stale, nil
}
