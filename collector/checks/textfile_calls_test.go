package checks

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// scrapesVariable is the environment variable with the number of scrapes that
// TestTextfileCallsWithStrace makes when it is traced.
const scrapesVariable = "HOST_EXPORTER_TEXTFILE_SCRAPES"

// TestTextfileCallsWithStrace counts the system calls that have the name of a file: one
// for each file and scrape, once the files have been read. Package growth does not see
// them, because package trust makes them. It needs strace.
func TestTextfileCallsWithStrace(t *testing.T) {
	const files = 50
	if n, err := strconv.Atoi(os.Getenv(scrapesVariable)); err == nil {
		scrapeTextfiles(t, files, n)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip(err)
	}
	count := func(scrapes int) int {
		log := filepath.Join(t.TempDir(), "log")
		cmd := exec.Command(strace, "-f", "-qq", "-o", log, os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), scrapesVariable+"="+strconv.Itoa(scrapes))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out) // it may not trace
		}
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), `.prom", `)
	}
	few, many := count(10), count(30)
	if have := many - few; have != 20*files {
		t.Errorf("%d calls in 20 scrapes of %d files, want one for each (%d in 10, %d in 30)", have, files, few, many)
	}
}

func scrapeTextfiles(t *testing.T, files, scrapes int) {
	b := newTextfileBench(t)
	for i := range files {
		b.write(t, fmt.Sprintf("job%d.prom", i), fmt.Sprintf("job%d 1\n", i))
	}
	for range scrapes {
		b.out.Reset(metric.Text)
		if err := b.Update(context.Background(), b.out); err != nil {
			t.Fatal(err)
		}
	}
}
