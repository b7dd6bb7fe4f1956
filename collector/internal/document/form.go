package document

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Public is a text of the program, such as the name of a key that it knows. A
// finding has it in both forms.
type Public string

// A wanted error says what is wanted apart from what the document has.
type wanted interface {
	error
	Wanted() string
}

// unquoted returns the text of a finding without what the document has: without the
// end of "want X, have Y", and with an ellipsis for texts that are not Public.
func unquoted(format string, args []any) string {
	format, _, _ = strings.Cut(format, ", have %")
	public := make([]any, 0, len(args))
	for _, arg := range args[:min(strings.Count(format, "%"), len(args))] {
		switch a := arg.(type) {
		case int, time.Duration, Public:
			public = append(public, a)
		case error:
			public = append(public, describeError(a))
		default:
			public = append(public, ellipsis{})
		}
	}
	return strings.TrimPrefix(fmt.Sprintf(format, public...), "…: ")
}

func describeError(err error) string {
	if w, ok := errors.AsType[wanted](err); ok {
		return "want " + w.Wanted()
	}
	return "the value is not valid"
}

// An ellipsis stands for a part of the document, with any verb.
type ellipsis struct{}

func (ellipsis) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "…") }

// Detail returns the text of an error, in the form with what the document has if it
// is of a document.
func Detail(err error) string {
	if d, ok := errors.AsType[interface {
		error
		Detail() string
	}](err); ok {
		return strings.Replace(err.Error(), d.Error(), d.Detail(), 1)
	}
	return err.Error()
}
