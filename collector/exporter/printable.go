package exporter

import (
	"bytes"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// NewPrintableWriter returns a writer for what people read on a terminal: it
// drops the characters that control one, which names of files and devices, and
// the output of checks, may have. Line breaks and tabs stay. It is for concurrent use:
// a command and its log write to one terminal.
func NewPrintableWriter(out io.Writer) io.Writer { return &printableWriter{out: out} }

type printableWriter struct {
	out io.Writer

	mu  sync.Mutex
	cut []byte // the beginning of a character that the next call continues
}

func (w *printableWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.cut, b...)
	end := len(text)
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if tail := text[len(text)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				end -= i
			}
			break
		}
	}
	var printable []byte
	for rest := text[:end]; len(rest) > 0; {
		i := bytes.IndexAny(rest, "\n\t")
		if i < 0 {
			printable = append(printable, metric.Printable(string(rest))...)
			break
		}
		printable = append(append(printable, metric.Printable(string(rest[:i]))...), rest[i])
		rest = rest[i+1:]
	}
	w.cut = bytes.Clone(text[end:])
	if _, err := w.out.Write(printable); err != nil {
		return 0, err
	}
	return len(b), nil
}
