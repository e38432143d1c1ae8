package autobahn

import (
	"maps"
	"slices"
	"sync"
)

// A Report is results, by agent and case. The zero Report is empty. It may be used by several goroutines.
type Report struct {
	mu      sync.Mutex                    // guards results
	results map[string]map[string]*Result // agent, case ID

	writing sync.Mutex // held by Write: two of them at a time would mix their files
}

// Add adds a result, in place of an earlier one of the same agent and case. The report keeps it: it must not be changed from now on.
func (r *Report) Add(result *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results == nil {
		r.results = map[string]map[string]*Result{}
	}
	if r.results[result.Agent] == nil {
		r.results[result.Agent] = map[string]*Result{}
	}
	r.results[result.Agent][result.Case.ID] = result
}

// remove takes a result out, if it has not been replaced.
func (r *Report) remove(result *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	results := r.results[result.Agent]
	if results[result.Case.ID] != result {
		return
	}
	delete(results, result.Case.ID)
	if len(results) == 0 {
		delete(r.results, result.Agent)
	}
}

// Agents returns the names of the agents that have a result, sorted.
func (r *Report) Agents() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.results))
}

// Results returns the results of an agent in the order of the cases: by the numbers of their IDs. The slice is the caller's, the results are not.
func (r *Report) Results(agent string) []*Result {
	r.mu.Lock()
	results := slices.Collect(maps.Values(r.results[agent]))
	r.mu.Unlock()
	slices.SortFunc(results, func(a, b *Result) int { return compareIDs(a.Case.ID, b.Case.ID) })
	return results
}

// Get returns the result of an agent in a case, or nil if there is none.
func (r *Report) Get(agent, id string) *Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results[agent][id]
}

// Good reports whether every result is good, as [Result.Good] says, and there is one at all: a run that judged nothing shows nothing.
func (r *Report) Good() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	some := false
	for _, results := range r.results {
		for _, result := range results {
			if !result.Good() {
				return false
			}
			some = true
		}
	}
	return some
}
