package web

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A compressor compresses responses. It is safe for concurrent use.
type compressor struct {
	gzip sync.Pool // of *gzip.Writer
	zstd sync.Pool // of *zstd.Encoder
}

func newCompressor() *compressor {
	c := &compressor{}
	c.gzip.New = func() any {
		// For an exposition this level compresses as well as the fastest level
		// with state, takes a tenth of the memory, and its tables fit in the
		// CPU's cache.
		w, _ := gzip.NewWriterLevel(nil, gzip.StatelessCompression) // fails only for an unknown level
		return w
	}
	c.zstd.New = func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		return w
	}
	return c
}

// compress writes text to body in an encoding that the client accepts, and sets
// the headers for it. Both buffers keep their memory; without an encoding they
// are swapped.
func (c *compressor) compress(body, text *[]byte, header http.Header, accept []string) {
	header.Add("Vary", "Accept-Encoding")
	switch encoding(accept) {
	case "gzip":
		header.Set("Content-Encoding", "gzip")
		w := c.gzip.Get().(*gzip.Writer)
		defer c.gzip.Put(w)
		out := bytes.NewBuffer((*body)[:0])
		w.Reset(out)
		_, _ = w.Write(*text) // a bytes.Buffer does not fail
		_ = w.Close()
		*body = out.Bytes()
	case "zstd":
		header.Set("Content-Encoding", "zstd")
		w := c.zstd.Get().(*zstd.Encoder)
		defer c.zstd.Put(w)
		*body = w.EncodeAll(*text, (*body)[:0])
	default:
		*body, *text = *text, *body
	}
}
