package autobahn

import "sync"

// A Report is results, by agent and case. It may be used by several goroutines.
type Report struct {
	mu      sync.Mutex
	results map[string]map[string]*Result // agent, case ID
}

// Add adds a result, in place of an earlier one of the same agent and case.
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
