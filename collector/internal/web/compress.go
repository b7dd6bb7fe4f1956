package web

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/hostexporter/host_exporter/collector/internal/textgzip"
)

// A compressor compresses responses. It is safe for concurrent use.
type compressor struct {
	textgzipUse sync.Mutex
	textgzip    *textgzip.Encoder

	gzip sync.Pool // of *gzip.Writer; for responses at the same time
	zstd sync.Pool // of *zstd.Encoder
}

// zstdWindow is the maximum distance of repetitions in bytes. The default is four
// megabytes, which the encoder allocates.
const zstdWindow = 128 << 10

// maxTextgzip is the maximum length of a text for package textgzip. Of a longer
// one, HELP lines are a small part, and codes for each block make it a fifth
// smaller.
const maxTextgzip = 512 << 10

func newCompressor() *compressor {
	c := &compressor{textgzip: textgzip.New()}
	c.gzip.New = func() any {
		// For an exposition this level compresses as well as the fastest level
		// with state, takes a tenth of the memory, and its tables fit in the
		// CPU's cache.
		w, _ := gzip.NewWriterLevel(nil, gzip.StatelessCompression) // fails only for an unknown level
		return w
	}
	c.zstd.New = func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
		return w
	}
	return c
}

// compress writes text to body in an encoding that the client accepts, and sets
// the headers for it. It reports whether there is such an encoding.
func (c *compressor) compress(body *[]byte, text []byte, header http.Header, accept []string) bool {
	header.Add("Vary", "Accept-Encoding")
	first, fast := "zstd", header.Get("Content-Type") == textFormat && len(text) <= maxTextgzip
	if fast {
		first = "gzip" // less than half of the CPU time of zstd, and 5 % longer
	}
	switch encoding(accept, first) {
	case "gzip":
		header.Set("Content-Encoding", "gzip")
		if fast && c.textgzipUse.TryLock() {
			defer c.textgzipUse.Unlock()
			*body = c.textgzip.Append((*body)[:0], text)
			return true
		}
		w := c.gzip.Get().(*gzip.Writer)
		defer c.gzip.Put(w)
		out := bytes.NewBuffer((*body)[:0])
		w.Reset(out)
		_, _ = w.Write(text) // a bytes.Buffer does not fail
		_ = w.Close()
		*body = out.Bytes()
	case "zstd":
		header.Set("Content-Encoding", "zstd")
		w := c.zstd.Get().(*zstd.Encoder)
		defer c.zstd.Put(w)
		*body = w.EncodeAll(text, (*body)[:0])
	default:
		return false
	}
	return true
}
