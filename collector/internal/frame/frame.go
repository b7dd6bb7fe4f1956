// Package frame writes and reads messages between the exporter's processes: each is
// preceded by its length, which the reader bounds before it allocates anything. It
// knows nothing of what the messages mean.
package frame

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

const headerSize = 4 // bytes of the length, in network byte order

// Write writes a message in one call of w, which may be shared by several writers if it
// writes atomically.
func Write(w io.Writer, message []byte, limit int) error {
	if len(message) > limit {
		return fmt.Errorf("want a message of at most %d bytes, have %d", limit, len(message))
	}
	b := make([]byte, headerSize, headerSize+len(message))
	binary.BigEndian.PutUint32(b, uint32(len(message)))
	_, err := w.Write(append(b, message...))
	return err
}

// Read reads a message of at most limit bytes. At the end of r it returns io.EOF, and
// within a message io.ErrUnexpectedEOF.
func Read(r io.Reader, limit int) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if uint64(n) > uint64(limit) {
		return nil, fmt.Errorf("want a message of at most %d bytes, have %d", limit, n)
	}
	// The length is a claim: memory is allocated as the bytes arrive.
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(b) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// WriteJSON writes a value as a message in JSON.
func WriteJSON(w io.Writer, v any, limit int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Write(w, b, limit)
}

// ReadJSON reads a message in JSON into the value that v points to.
func ReadJSON(r io.Reader, v any, limit int) error {
	b, err := Read(r, limit)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
