package output

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// number reads the one value that the whole output is. A final newline is not
// asked for: printf leaves it out, and a check that is killed has failed anyway.
func (r *run) number(text string) error {
	m := r.p.metrics[0]
	text = strings.TrimSpace(text)
	v := value{at: position{1, 1}, text: text}
	if m.Enum != nil {
		return r.addText(m, v)
	}
	v.text, v.unit = cutUnit(text)
	if _, ok := parseNumber(v.text); !ok {
		if text == "" {
			return errors.New("want a number, have no output")
		}
		return fmt.Errorf("line 1: want one number, have %s", quoted(text))
	}
	return r.addText(m, v)
}

// An exitCode is where the value of format exit was seen.
type exitCode int

func (c exitCode) String() string { return "exit code " + strconv.Itoa(int(c)) }

// exit has the exit code as the value of each metric, or what its enum makes of
// it. What is printed does not matter.
func (r *run) exit(code int) error {
	if code < 0 {
		return errors.New("the check did not exit by itself, it has no exit code")
	}
	for _, m := range r.p.metrics {
		if err := r.addText(m, value{at: exitCode(code), text: strconv.Itoa(code)}); err != nil {
			return err
		}
	}
	return nil
}
