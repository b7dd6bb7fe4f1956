package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A browser is a Chromium that the test drives by the DevTools protocol over two
// pipes: https://chromedevtools.github.io/devtools-protocol/.
type browser struct {
	t  *testing.T
	in *os.File

	mu       sync.Mutex
	lastID   int
	replies  map[int]chan reply
	messages []string             // errors and warnings of the console
	waiting  map[string]chan bool // for events, by their names
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// A tab is a page of a browser.
type tab struct {
	*browser
	session string
}

// newBrowser starts a browser that ends with the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	fromTest, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toTest, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t, "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{fromTest, toTest}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fromTest.Close()
	toTest.Close()
	b := &browser{t: t, in: in, replies: map[int]chan reply{}, waiting: map[string]chan bool{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.receive(out)
	}()
	t.Cleanup(func() {
		_, _ = fmt.Fprintf(in, `{"id":0,"method":"Browser.close"}`+"\x00")
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait()
		in.Close()
		out.Close()
	})
	return b
}

// receive takes the replies and the events of the browser until it ends.
func (b *browser) receive(out io.Reader) {
	var rest []byte
	buffer := make([]byte, 1<<20)
	for {
		n, err := out.Read(buffer)
		if err != nil {
			return
		}
		rest = append(rest, buffer[:n]...)
		for {
			text, more, ok := bytes.Cut(rest, []byte{0})
			if !ok {
				break
			}
			b.take(text)
			rest = bytes.Clone(more)
		}
	}
}

func (b *browser) take(text []byte) {
	var m struct {
		ID     int
		Method string
		Params json.RawMessage
		reply
	}
	if json.Unmarshal(text, &m) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.replies[m.ID]; c != nil {
		delete(b.replies, m.ID)
		c <- m.reply
		return
	}
	switch m.Method {
	case "Runtime.exceptionThrown", "Log.entryAdded":
		b.messages = append(b.messages, string(m.Params))
	case "Runtime.consoleAPICalled":
		if !bytes.Contains(m.Params, []byte(`"type":"log"`)) {
			b.messages = append(b.messages, string(m.Params))
		}
	}
	if c := b.waiting[m.Method]; c != nil {
		delete(b.waiting, m.Method)
		close(c)
	}
}

// call calls a method, and returns its result.
func (b *browser) call(session, method string, params map[string]any) json.RawMessage {
	b.t.Helper()
	b.mu.Lock()
	b.lastID++
	id, c := b.lastID, make(chan reply, 1)
	b.replies[id] = c
	b.mu.Unlock()
	request := map[string]any{"id": id, "method": method, "params": params}
	if params == nil {
		delete(request, "params")
	}
	if session != "" {
		request["sessionId"] = session
	}
	text, err := json.Marshal(request)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case r := <-c:
		if r.Error != nil {
			b.t.Fatalf("%s: %s", method, r.Error.Message)
		}
		return r.Result
	case <-time.After(time.Minute):
		b.t.Fatalf("%s: no answer", method)
	}
	return nil
}

// open opens an empty tab.
func (b *browser) open() *tab {
	b.t.Helper()
	var target struct{ TargetID string }
	var session struct{ SessionID string }
	b.decode(b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	b.decode(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &session)
	x := &tab{b, session.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		x.do(domain+".enable", nil)
	}
	return x
}

func (b *browser) decode(text json.RawMessage, into any) {
	b.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
}

// takeMessages returns the messages of the console since the last call.
func (b *browser) takeMessages() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := b.messages
	b.messages = nil
	return messages
}

func (x *tab) do(method string, params map[string]any) json.RawMessage {
	x.t.Helper()
	return x.call(x.session, method, params)
}

// load opens a page, and waits until it is complete.
func (x *tab) load(url string) {
	x.t.Helper()
	loaded := make(chan bool)
	x.mu.Lock()
	x.waiting["Page.loadEventFired"] = loaded
	x.mu.Unlock()
	x.do("Page.navigate", map[string]any{"url": url})
	select {
	case <-loaded:
	case <-time.After(time.Minute):
		x.t.Fatalf("%s does not load", url)
	}
}

// eval decodes the value of an expression, in spite of the page's policy.
func (x *tab) eval(expression string, into any) {
	x.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	x.decode(x.do("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}), &r)
	if r.ExceptionDetails != nil {
		x.t.Fatalf("%s:\n%s", r.ExceptionDetails.Exception.Description, expression)
	}
	x.decode(r.Result.Value, into)
}

// resize sets the size of the window and the color scheme.
func (x *tab) resize(width, height int, dark bool) {
	x.t.Helper()
	x.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	x.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
}

// press presses and releases a key.
func (x *tab) press(key string, code int) {
	x.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		x.do("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code})
	}
}

// typeText types a text where the focus is.
func (x *tab) typeText(text string) {
	x.t.Helper()
	x.do("Input.insertText", map[string]any{"text": text})
}

// picture returns a PNG of the page down to a height, at most.
func (x *tab) picture(maxHeight int) []byte {
	x.t.Helper()
	var size struct{ W, H int }
	x.eval("({W: innerWidth, H: document.documentElement.scrollHeight})", &size)
	var shot struct{ Data string }
	x.decode(x.do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true,
		"clip": map[string]any{"x": 0, "y": 0, "width": size.W, "height": min(size.H, maxHeight), "scale": 1}}), &shot)
	b, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		x.t.Fatal(err)
	}
	return b
}

// text returns the visible text of the page.
func (x *tab) text() string {
	x.t.Helper()
	var s string
	x.eval("document.body.innerText", &s)
	return strings.Join(strings.Fields(s), " ")
}
