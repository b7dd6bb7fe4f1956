package output

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// number parses the output as one value. It needs no final newline: printf writes
// none, and a check that was killed has failed anyway.
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
		return fmt.Errorf("line 1: want one number, have %s", quote(text))
	}
	return r.addText(m, v)
}

// An exitCode is the position of a value of the format exit.
type exitCode int

func (c exitCode) String() string { return "exit code " + strconv.Itoa(int(c)) }

// exit adds the exit code, or its value in the enum, to each metric. It ignores the
// output.
func (r *run) exit(code int) error {
	if code < 0 {
		return errors.New("want an exit code, have none: the check did not exit")
	}
	for _, m := range r.p.metrics {
		if err := r.addText(m, value{at: exitCode(code), text: strconv.Itoa(code)}); err != nil {
			return err
		}
	}
	return nil
}
