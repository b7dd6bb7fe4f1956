package firmware

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/gate"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A tree is a sysfs with ports of qla2xxx, and a clock that never stands still.
type tree struct {
	t     *testing.T
	root  string
	clock atomic.Int64 // nanoseconds
	*host.Host
	Shared
}

func newTree(t *testing.T) *tree {
	t.Helper()
	r := &tree{t: t, root: t.TempDir()}
	r.Host = &host.Host{Sys: host.NewTree(r.root).Attributes(), Now: func() time.Time {
		return time.Unix(1e9, r.clock.Add(int64(time.Microsecond)))
	}}
	return r
}

func (r *tree) put(path, content string) {
	r.t.Helper()
	path = filepath.Join(r.root, path)
	testfile.Write(r.t, path, content)
}

// The files of a port that a test can hold up. The rest of its statistics are
// ordinary files.
func statisticsFile(name string) string { return "class/fc_host/" + name + "/statistics/tx_frames" }
func slowFile(name string) string       { return "class/scsi_host/" + name + "/thermal_temp" }

// port puts a port of a function.
func (r *tree) port(name, function string) fcstat.Port {
	for _, pattern := range fcstat.Reads() {
		if strings.Contains(pattern, "/statistics/") {
			r.put("class/fc_host/"+name+"/statistics/"+filepath.Base(pattern), "0x64\n")
		}
	}
	r.put("class/fc_host/"+name+"/port_state", "Online\n")
	r.put("class/scsi_host/"+name+"/state", "running\n")
	r.put("class/scsi_host/"+name+"/device/sfp", strings.Repeat("\x00", 512))
	r.put(slowFile(name), "47\n")
	return fcstat.Port{State: "Online", Host: &scsihost.Host{
		Name: name, Physical: name, Driver: "qla2xxx", PCI: function, Dir: "devices/pci0000:3a/" + function + "/" + name,
	}}
}

// A pair has the families of one hba collector.
type pair struct {
	out        *metric.Sink
	statistics *Statistics
	slow       *Slow
}

// pair builds the families, as a start or a reload does.
func (r *tree) pair(timeout time.Duration, slow SlowOptions) *pair {
	m, o := metric.NewSet(), DefaultStatistics()
	if err := o.timeout.Set(timeout.String()); err != nil {
		r.t.Fatal(err)
	}
	o.minInterval = 0
	if slow.interval == 0 {
		slow.interval = 1
	}
	return &pair{metric.NewSink(m), NewStatistics(m, o, r.Of(r.Host)), NewSlow(m, slow, o, r.Of(r.Host))}
}

// update reads all ports once, and returns what is emitted and reported.
func (p *pair) update(ports ...fcstat.Port) string {
	p.out.Reset(metric.Text)
	var hosts []*scsihost.Host
	for _, port := range ports {
		hosts = append(hosts, port.Host)
	}
	a := attr.Reader{Out: p.out}
	p.statistics.Update(context.Background(), p.out, ports)
	p.slow.Update(context.Background(), a, &Devices{Hosts: hosts})
	p.statistics.EmitHealth(a, hosts, p.slow)
	text := string(p.out.AppendText(nil, nil, nil))
	errs, _ := p.out.Errors()
	for _, err := range errs {
		text += "error: " + err.Error() + "\n"
	}
	return text
}

// A firmware counts the reads of a function that are outstanding.
type firmware struct {
	outstanding atomic.Int32
	statistics  atomic.Int32 // reads so far
	slow        atomic.Int32
}

// serve makes a file a FIFO and answers its reads until stopped. A read is
// outstanding while the function's readers ask for more, twice.
func (f *firmware) serve(r *tree, name, content string, reads, asks *atomic.Int32, stopped *atomic.Bool) (stop func()) {
	path := filepath.Join(r.root, name)
	next := path + ".next"
	replace := func() {
		if err := unix.Mkfifo(next, 0o644); err != nil {
			r.t.Error(err)
		}
		if err := os.Rename(next, path); err != nil {
			r.t.Error(err)
		}
	}
	replace()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			fifo, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0) // waits for a read
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				r.t.Error(err)
				return
			}
			if stopped.Load() {
				r.put(name+".next", content)
				if err := os.Rename(next, path); err != nil {
					r.t.Error(err)
				}
				_, _ = unix.Write(fifo, []byte(content))
				_ = unix.Close(fifo)
				return
			}
			if n := f.outstanding.Add(1); n != 1 {
				r.t.Errorf("%s: %d reads are outstanding", name, n)
			}
			reads.Add(1)
			replace() // or the same read would be seen again
			for before := asks.Load(); asks.Load() < before+2 && !stopped.Load(); {
				runtime.Gosched()
			}
			f.outstanding.Add(-1)
			_, _ = unix.Write(fifo, []byte(content))
			_ = unix.Close(fifo)
		}
	}()
	return func() {
		for { // the file may be replaced meanwhile
			select {
			case <-done:
				return
			default:
			}
			if fifo, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
				_ = unix.Close(fifo)
			}
			runtime.Gosched()
		}
	}
}

// TestOneReadPerFunction has many collectors, which come and go, ask for
// statistics and slow values of the same functions: no function has two reads
// outstanding, and both kinds go on.
func TestOneReadPerFunction(t *testing.T) {
	const want = 20 // of each kind on each function
	r := newTree(t)
	ports := []fcstat.Port{r.port("host3", "0000:3b:00.0"), r.port("host4", "0000:3b:00.1"), r.port("host5", "0000:3b:00.1"), r.port("host6", "0000:af:00.0")}
	functions := map[string]*firmware{}
	var asks atomic.Int32
	var stopped atomic.Bool
	var stops []func()
	for _, p := range ports {
		f := functions[p.PCI]
		if f == nil {
			f = new(firmware)
			functions[p.PCI] = f
		}
		stops = append(stops,
			f.serve(r, statisticsFile(p.Name), "0x64\n", &f.statistics, &asks, &stopped),
			f.serve(r, slowFile(p.Name), "47\n", &f.slow, &asks, &stopped),
			f.serve(r, "class/scsi_host/"+p.Name+"/device/sfp", strings.Repeat("\x00", 512), &f.slow, &asks, &stopped))
	}
	enough := func() bool {
		for name, f := range functions {
			statistics, slow := f.statistics.Load(), f.slow.Load()
			if max(statistics, slow) > 50*want && min(statistics, slow) < want {
				t.Errorf("%s: %d reads of statistics, %d of slow values", name, statistics, slow)
				return true
			}
			if min(statistics, slow) < want {
				return false
			}
		}
		return true
	}
	var askers sync.WaitGroup
	for i := range 8 {
		askers.Go(func() {
			for !enough() {
				p := r.pair(time.Millisecond, SlowOptions{sfp: true, temperature: true}) // a reload
				for range 5 {
					p.update(slices.Concat(ports[i%len(ports):], ports[:i%len(ports)])...)
					asks.Add(1)
				}
			}
		})
	}
	askers.Wait()
	stopped.Store(true)
	for _, stop := range stops {
		stop()
	}
	for name, f := range functions {
		t.Logf("%s: %d reads of statistics, %d of slow values", name, f.statistics.Load(), f.slow.Load())
	}
}

// TestTurns: while both kinds want the same function, each waits for one turn of
// the other.
func TestTurns(t *testing.T) {
	r := newTree(t)
	ports := []fcstat.Port{r.port("host3", "0000:3b:00.0"), r.port("host4", "0000:3b:00.0")}
	synctest.Test(t, func(t *testing.T) {
		g := new(gate.Gate)
		statistics, slow := fcstat.New(r.Host, g), slowfile.New(r.Host, g)
		read := make(chan string)
		end := make(chan struct{})
		var files []slowfile.File
		for _, p := range []string{"device/sfp", "state", "thermal_temp"} { // in the order of a pass
			files = append(files, slowfile.File{Host: ports[0].Host, Path: "class/scsi_host/host3/" + p, Valid: func([]byte) bool {
				read <- p
				<-end
				return true
			}})
		}
		go slow.Read(t.Context(), slowfile.Limits{Interval: time.Minute}, files, map[string]slowfile.Answer{})
		passes := 0
		pass := func(ports ...fcstat.Port) {
			go func() {
				for _, a := range statistics.Read(t.Context(), fcstat.Limits{Timeout: time.Hour}, ports, nil) {
					if a.Pass == nil || a.Err != nil {
						t.Errorf("%+v", a)
					}
					passes++
				}
			}()
			synctest.Wait() // until it waits for its turn
		}
		for i, want := range []string{"device/sfp", "state", "thermal_temp"} {
			if file := <-read; file != want {
				t.Fatalf("%s is read, want %s", file, want)
			}
			if pass(ports[i%2]); passes != i {
				t.Fatalf("%d passes before %s was read", passes, want)
			}
			end <- struct{}{}
			if synctest.Wait(); passes != i+1 {
				t.Fatalf("%d passes after %s was read, want %d", passes, want, i+1)
			}
		}
		// Both ports are read again. A counter that fell makes each pass pause in
		// the middle of its turn: one slow file is read between the two.
		for _, p := range ports {
			r.put(statisticsFile(p.Name), "0x1\n")
		}
		r.clock.Add(int64(10 * time.Minute))
		pass(ports...)
		go slow.Read(t.Context(), slowfile.Limits{Interval: time.Minute}, files, map[string]slowfile.Answer{})
		<-read
		if passes != 3 { // the caller of the first still waits for the second
			t.Errorf("%d passes", passes)
		}
		age := statistics.Read(t.Context(), fcstat.Limits{MinInterval: time.Hour}, ports, nil)
		if age[0].Age >= time.Minute || age[1].Age < time.Minute {
			t.Errorf("the passes are %v and %v old, want one new one", age[0].Age, age[1].Age)
		}
		synctest.Wait() // until the second pass waits for its turn
		end <- struct{}{}
		<-read
		if synctest.Wait(); passes != 5 {
			t.Errorf("%d passes, want 5", passes)
		}
		end <- struct{}{}
		<-read
		end <- struct{}{}
	})
}

// hang makes the next read of a file hang until answer is called.
func (r *tree) hang(name, content string) (answer func()) {
	r.t.Helper()
	path := filepath.Join(r.root, name)
	if err := os.Remove(path); err != nil {
		r.t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o644); err != nil {
		r.t.Fatal(err)
	}
	return func() {
		r.t.Helper()
		fifo, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			r.t.Fatal(err)
		}
		r.put(name+".next", content)
		if err := os.Rename(path+".next", path); err != nil {
			r.t.Fatal(err)
		}
		if _, err := fifo.WriteString(content); err != nil {
			r.t.Error(err)
		}
		if err := fifo.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

// TestHungReadHoldsUpBothKinds has a read of each kind hang, over reloads that
// leave its own kind out: the other kind is never read meanwhile, and the hung
// read shows as stuck.
func TestHungReadHoldsUpBothKinds(t *testing.T) {
	for _, c := range []struct {
		hung, other      string
		content, waiting string
	}{
		{slowFile("host3"), statisticsFile("host3"), "47\n", "0x64\n"},
		{statisticsFile("host3"), slowFile("host3"), "0x64\n", "47\n"},
	} {
		t.Run(filepath.Base(c.hung), func(t *testing.T) {
			r := newTree(t)
			port := r.port("host3", "0000:3b:00.0")
			answer := r.hang(c.hung, c.content)
			both := SlowOptions{temperature: true, interval: collect.Duration(time.Minute)}
			first := r.pair(time.Millisecond, SlowOptions{temperature: c.hung == slowFile("host3"), interval: both.interval})
			first.statistics.options.mode = "none"
			if c.hung == statisticsFile("host3") {
				first.statistics.options.mode = "auto"
			}
			for !strings.HasSuffix(r.outstanding(port), c.hung) {
				first.update(port)
			}
			goroutines := 0
			_ = r.hang(c.other, c.waiting) // a read of it would hang, too, and be seen
			for i := range 30 {
				r.clock.Add(int64(15 * time.Second))
				text := r.pair(time.Millisecond, both).update(port)
				if i < 2 {
					goroutines = runtime.NumGoroutine()
					continue
				}
				if !strings.Contains(text, `node_hba_read_stuck{scsi_host="host3"} 1`) || !strings.Contains(text, c.hung+": no answer yet") {
					t.Fatalf("update %d:\n%s", i, text)
				}
				if strings.Contains(text, c.other) {
					t.Fatalf("update %d: the other kind is read:\n%s", i, text)
				}
			}
			if n := runtime.NumGoroutine(); n > goroutines {
				t.Errorf("%d goroutines, %d at first", n, goroutines)
			}
			if fd, err := unix.Open(filepath.Join(r.root, c.other), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != unix.ENXIO {
				t.Errorf("the other kind is read: %v, %v", fd, err)
			}
			if err := os.Remove(filepath.Join(r.root, c.other)); err != nil {
				t.Fatal(err)
			}
			r.put(c.other, c.waiting)
			answer()
			p := r.pair(time.Minute, both)
			for !strings.Contains(p.update(port), `node_hba_read_stuck{scsi_host="host3"} 0`) {
				runtime.Gosched()
			}
			r.clock.Add(int64(10 * time.Minute)) // the back-off of the hung read
			for text := ""; !strings.Contains(text, "node_hba_temperature_celsius") || !strings.Contains(text, "node_hba_fc_requests_total") || strings.Contains(text, "error:"); {
				text = p.update(port)
			}
			if n := r.Of(r.Host).Slow.Health(port.Host).Failures[failure.Timeout]; n > 1 {
				t.Errorf("the slow read was late %d times", n)
			}
		})
	}
}

// outstanding returns the file of a port's function that is being read.
func (r *tree) outstanding(port fcstat.Port) string {
	return r.Of(r.Host).gate.Outstanding(port.Function())
}

func TestReadersAreSharedByHost(t *testing.T) {
	var s Shared
	a, b := &host.Host{}, &host.Host{}
	if first := s.Of(a); s.Of(a) != first || s.Of(b) == first {
		t.Error("hosts do not have one Readers each")
	}
}
