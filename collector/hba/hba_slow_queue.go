package hba

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A slowQueue asks for files and hands out the answers. Whoever wants something
// is called twice with it, and wants the same in the same order: first the
// questions are noted and no answer is known, then there are all answers there
// can be.
type slowQueue struct {
	files     []slowfile.File
	answers   []slowfile.Answer
	answering bool
	next      int
}

// ask notes a question.
func (q *slowQueue) ask(f slowfile.File, elem []string) {
	f.Path = strings.Join(elem, "/")
	q.files = append(q.files, f)
}

// answer returns the content of the next file, when it is known.
func (q *slowQueue) answer() ([]byte, bool) {
	q.next++
	b := q.answers[q.next-1].Content
	return b, b != nil
}

// raw returns the content of a file as it is, when it is known.
func (q *slowQueue) raw(f slowfile.File, elem ...string) ([]byte, bool) {
	if !q.answering {
		q.ask(f, elem)
		return nil, false
	}
	return q.answer()
}

// slowParsed returns what a file holds, when that is known. One that is empty
// holds nothing.
func slowParsed[T any](q *slowQueue, f slowfile.File, parse func([]byte) (T, bool), elem ...string) (v T, ok bool) {
	if !q.answering {
		f.Valid = func(b []byte) bool {
			b = scan.Trim(b)
			_, ok := parse(b)
			return ok || len(b) == 0
		}
		q.ask(f, elem)
		return v, false
	}
	b, ok := q.answer()
	if b = scan.Trim(b); !ok || len(b) == 0 {
		return v, false
	}
	return parse(b)
}
