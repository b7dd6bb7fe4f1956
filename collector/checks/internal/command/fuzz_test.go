package command

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzProcess checks lines of /proc/PID/stat, whose name a process can choose.
func FuzzProcess(f *testing.F) {
	f.Add("4242 (name (of) it) S 1 4242 4242 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 33 0 0", "a")
	f.Add("", ") S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7 (")
	f.Add("1 ()", "\n")
	f.Add("2()\x00 2 0 1 4 0 0 0 0 0 0 0 0 0 0 1 0 3 0 0", "a") // no letter for the state
	f.Fuzz(func(t *testing.T, line, name string) {
		if p, ok := parseProcess([]byte(line)); ok && !isStateLetter(p.state) {
			t.Errorf("%q: have %+v", line, p)
		}
		// A name ends at the last parenthesis, whatever it has in it.
		whole := fmt.Sprintf("17 (%s) S 3 4 5%s 99 0 0", name, strings.Repeat(" 0", 15))
		p, ok := parseProcess([]byte(whole))
		if want := (process{pid: 17, parent: 3, group: 4, start: 0, state: 'S', name: name}); !ok || p.pid != 17 || p.parent != 3 || p.group != 4 || p.state != 'S' || p.name != want.name {
			t.Errorf("%q: have %+v, %v", whole, p, ok)
		}
	})
}
