package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

// assets/uPlot.* are of uPlot 1.6.32 (MIT, https://github.com/leeoniya/uPlot), as
// npm has them in dist.
//
//go:embed assets pages
var embedded embed.FS

// assetTypes are the content types of the assets, by the end of their names.
var assetTypes = map[string]string{
	".js":      "text/javascript; charset=utf-8",
	".css":     "text/css; charset=utf-8",
	".svg":     "image/svg+xml",
	".LICENSE": "text/plain; charset=utf-8",
}

// assetsPath is the path below which the assets are.
const assetsPath = "/assets/"

// assets are the scripts, style sheets and pictures of the pages. Their URLs have a
// hash of the content, so that a browser may keep them for ever. They are read when
// the first page needs them.
type assets struct {
	load func() map[string]string // URL by the name of the file
}

func newAssets() *assets {
	return &assets{sync.OnceValue(func() map[string]string {
		urls := map[string]string{}
		entries, _ := fs.ReadDir(embedded, "assets") // embedded: it exists
		for _, e := range entries {
			content, _ := embedded.ReadFile("assets/" + e.Name())
			sum := sha256.Sum256(content)
			urls[e.Name()] = assetsPath + hex.EncodeToString(sum[:6]) + "/" + e.Name()
		}
		return urls
	})}
}

// url returns the URL of an asset. An asset that does not exist has none.
func (a *assets) url(name string) string { return a.load()[name] }

// handler returns the handler of the assets. A URL with another hash, of another
// version of the exporter, is not found.
func (a *assets) handler(ws *writers) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		if a.url(name) != r.URL.Path {
			w.Header().Set("Cache-Control", "no-store")
			fail(w, http.StatusNotFound, "no such asset in this version: load the page again")
			return
		}
		content, err := embedded.ReadFile("assets/" + name)
		if err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.Header().Set("Content-Type", assetTypes[name[strings.LastIndexByte(name, '.'):]])
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		ws.write(w, http.StatusOK, content)
	}
}
