package command

import (
	"strings"
	"sync"
)

// vault remembers the values of secrets that were looked up, so that they can be taken out of texts. Safe for concurrent use.
type vault struct {
	mu     sync.Mutex
	values []string
}

// keep remembers a value. One of fewer than 4 bytes is not looked for: it would be found everywhere.
func (v *vault) keep(value string) {
	if len(value) < 4 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values = append(v.values, value)
}

// redact puts *** in place of every value that it remembers.
func (v *vault) redact(text string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, value := range v.values {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}
