package command

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// searchPath is the PATH of every command, whatever that of the exporter is.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment returns the complete environment of a command. Its own variables
// take precedence over those that every command gets, except for CHECK_NAME and
// CHECK_DEADLINE.
func environment(c Command, deadline time.Time) ([]string, error) {
	env := []string{"PATH=" + searchPath, "LANG=C.UTF-8"}
	for _, name := range []string{"TZ", "CREDENTIALS_DIRECTORY"} { // of LoadCredential= in systemd
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for _, v := range c.Env {
		name, _, ok := strings.Cut(v, "=")
		if !ok || name == "" || strings.ContainsRune(v, 0) {
			return nil, fmt.Errorf("environment: want NAME=value, have %q", v)
		}
		env = setVariable(env, name, v)
	}
	env = setVariable(env, "CHECK_NAME", "CHECK_NAME="+c.Name)
	return setVariable(env, "CHECK_DEADLINE", "CHECK_DEADLINE="+strconv.FormatInt(deadline.Unix(), 10)), nil
}

// setVariable replaces or appends a variable, NAME=value.
func setVariable(env []string, name, variable string) []string {
	for i, v := range env {
		if have, _, _ := strings.Cut(v, "="); have == name {
			env[i] = variable
			return env
		}
	}
	return append(env, variable)
}
