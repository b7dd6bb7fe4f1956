package web

import "testing"

func TestDropHelp(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "",
		"# HELP a Text.":   "",
		"# HELP a Text.\n": "",
		"# HELP a T.\n# TYPE a gauge\na 1\n# HELP b T.\n# TYPE b gauge\nb{x=\"# HELP \"} 1\n": "# TYPE a gauge\na 1\n# TYPE b gauge\nb{x=\"# HELP \"} 1\n",
		"# HELPER\n#\n\na 1": "# HELPER\n#\n\na 1",
	} {
		if have := string(dropHelp([]byte(text))); have != want {
			t.Errorf("%q: have %q, want %q", text, have, want)
		}
	}
}
