package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestFrames(t *testing.T) {
	var b bytes.Buffer
	for _, message := range []string{"", "a", "four"} {
		if err := Write(&b, []byte(message), 4); err != nil {
			t.Fatal(err)
		}
	}
	if want := "\x00\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x00\x04four"; b.String() != want {
		t.Errorf("have %q, want %q", b.String(), want)
	}
	for _, want := range []string{"", "a", "four"} {
		if have, err := Read(&b, 4); err != nil || string(have) != want {
			t.Errorf("have %q, %v, want %q", have, err, want)
		}
	}
	if _, err := Read(&b, 4); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if err := Write(&b, []byte("fives"), 4); err == nil || b.Len() > 0 {
		t.Errorf("a message above the limit: %v, %d bytes", err, b.Len())
	}
}

func TestReadRejects(t *testing.T) {
	for input, want := range map[string]error{
		"\x00\x00":              io.ErrUnexpectedEOF,
		"\x00\x00\x00\x04abc":   io.ErrUnexpectedEOF,
		"\x00\x00\x00\x05abcde": nil, // above the limit
		"\xff\xff\xff\xff":      nil,
	} {
		b, err := Read(bytes.NewReader([]byte(input)), 4)
		if err == nil || b != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: have %q, %v", input, b, err)
		}
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, map[string]int{"a": 1}, 100); err != nil {
		t.Fatal(err)
	}
	var have map[string]int
	if err := ReadJSON(&b, &have, 100); err != nil || have["a"] != 1 {
		t.Errorf("%v, %v", have, err)
	}
	if err := Write(&b, []byte("{"), 100); err != nil {
		t.Fatal(err)
	}
	if err := ReadJSON(&b, &have, 100); err == nil {
		t.Error("want an error for half a document")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01a"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := bytes.NewReader(input)
		for {
			b, err := Read(r, 16)
			if len(b) > 16 {
				t.Fatalf("%d bytes", len(b))
			}
			if err != nil {
				return
			}
		}
	})
}
