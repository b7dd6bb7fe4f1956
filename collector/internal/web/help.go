package web

import "bytes"

// dropHelp removes the HELP lines of a text in place.
func dropHelp(text []byte) []byte {
	rest, kept := text, text[:0]
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		if !bytes.HasPrefix(rest, []byte("# HELP ")) {
			kept = append(kept, rest[:end]...)
		}
		rest = rest[end:]
	}
	return kept
}
