package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestParseMdstat(t *testing.T) {
	unknown, zero := mdCount{}, mdCountOf(0)
	for _, c := range []struct {
		name, text string
		want       mdArray
		err        string // part of the error
	}{
		{
			"idle",
			"md0 : active raid1 sda[0] sdb[1]\n 1000 blocks super 1.2 [2/2] [UU]\n",
			mdArray{state: mdActive, active: mdCountOf(2), failed: zero, spare: zero, required: mdCountOf(2), blocks: mdCountOf(1000), synced: mdCountOf(1000)}, "",
		},
		{
			"a recovery, without a newline at the end",
			"md0 : active raid5 sdd[3] sdc[2](F) sdb[1](S)\n 1000 blocks [3/1] [U__]\n [>...]  recovery =  0.0% (0/500) finish=9.9min speed=0K/sec",
			mdArray{state: mdRecovering, active: mdCountOf(1), failed: mdCountOf(1), spare: mdCountOf(1), required: mdCountOf(3), blocks: mdCountOf(1000), synced: zero}, "",
		},
		{
			"a check without a bar, and a fraction without blanks",
			"md0 : active raid1 sda[0]\n 1000 blocks [2/1] [U_]\n\tcheck=1.0%(10/1000)\n",
			mdArray{state: mdCheck, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(2), blocks: mdCountOf(1000), synced: mdCountOf(10)}, "",
		},
		{
			"an activity of another node",
			"md0 : active raid1 sda[0]\n 1000 blocks [2/1] [U_]\n\treshape=REMOTE\n",
			mdArray{state: mdReshape, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(2), blocks: mdCountOf(1000), synced: unknown}, "",
		},
		{
			"a container",
			"md127 : inactive sda[1](S) sdb[0](S)\n 10402 blocks super external:imsm\n",
			mdArray{state: mdInactive, active: zero, failed: zero, spare: mdCountOf(2), required: zero, blocks: mdCountOf(10402), synced: mdCountOf(10402)}, "",
		},
		{
			"no disks",
			"md7 : inactive super non-persistent\n       \n",
			mdArray{state: mdInactive, active: zero, failed: zero, spare: zero, required: zero}, "",
		},
		{
			"broken without redundancy",
			"md5 : broken raid0 sda[0] sdb[1]\n 6000 blocks super 1.2 512k chunks\n",
			mdArray{state: mdBroken, active: mdCountOf(2), failed: zero, spare: zero, required: mdCountOf(2), blocks: mdCountOf(6000), synced: mdCountOf(6000)}, "",
		},
		{
			"no members",
			"md126 : active raid5 super 1.2 level 5, 64k chunk, algorithm 2 [4/0] [____]\n      \n",
			mdArray{state: mdActive, active: zero, failed: zero, spare: zero, required: mdCountOf(4)}, "",
		},
		{
			"no members, read-only",
			"md126 : active (read-only) raid1 super external:imsm [2/0] [__]\n",
			mdArray{state: mdActive, active: zero, failed: zero, spare: zero, required: mdCountOf(2)}, "",
		},
		{
			"no members and no redundancy",
			"md0 : active raid0 super 1.2 64k chunks\n",
			mdArray{state: mdActive, active: zero, failed: zero, spare: zero, required: unknown}, "",
		},
		{
			"no members and no numbers",
			"md0 : active raid1 super 1.2\n",
			mdArray{state: mdActive, active: unknown, failed: zero, spare: zero, required: unknown}, ":1: want an array followed by a line with its blocks",
		},
		{
			"a failed member without redundancy",
			"md0 : active raid0 sdb1[1] sda1[0](F)\n 6000 blocks 64k chunks\n",
			mdArray{state: mdActive, active: mdCountOf(1), failed: mdCountOf(1), spare: zero, required: mdCountOf(2), blocks: mdCountOf(6000), synced: mdCountOf(6000)}, "",
		},
		{
			"Linux 2.2",
			"md0 : active raid1 hdc1[1] hda1[0](F) 102208 blocks [2/1] [_U]\n",
			mdArray{state: mdActive, active: mdCountOf(1), failed: mdCountOf(1), spare: zero, required: mdCountOf(2), blocks: mdCountOf(102208), synced: mdCountOf(102208)}, "",
		},
		{
			"an unknown personality",
			"md0 : active raid99 sda[0]\n 1000 blocks 8+2\n",
			mdArray{state: mdActive, active: unknown, failed: zero, spare: zero, required: unknown, blocks: mdCountOf(1000), synced: mdCountOf(1000)}, ":2: want required and active disks",
		},
		{
			"an unknown activity",
			"md0 : active raid1 sda[0]\n 1000 blocks [1/1] [U]\n [>...] polish = 1% (10/1000)\n",
			mdArray{state: mdUnknown, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(1), blocks: mdCountOf(1000), synced: unknown}, ":3: want a known activity",
		},
		{
			"an unknown progress",
			"md0 : active raid1 sda[0]\n 1000 blocks [1/1] [U]\n resync = (10 of 1000)\n",
			mdArray{state: mdResync, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(1), blocks: mdCountOf(1000), synced: unknown}, ":3: want the progress",
		},
		{
			"an unknown state",
			"md0 : asleep raid1 sda[0]\n 1000 blocks [1/1] [U]\n",
			mdArray{state: mdUnknown, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(1), blocks: mdCountOf(1000), synced: mdCountOf(1000)}, ":1: want active",
		},
		{
			"no number of blocks",
			"md0 : active raid1 sda[0]\n many blocks [1/1] [U]\n",
			mdArray{state: mdActive, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(1), blocks: unknown, synced: unknown}, ":2: want a number of blocks",
		},
		{
			"brackets without disks",
			"md0 : active raid1 sda[0]\n 10 blocks [ ] [] [/] [1/1]\n",
			mdArray{state: mdActive, active: mdCountOf(1), failed: zero, spare: zero, required: mdCountOf(1), blocks: mdCountOf(10), synced: mdCountOf(10)}, "",
		},
	} {
		arrays, errs := parseMdstat([]byte("Personalities : [raid1]\n"+c.text), nil)
		if len(arrays) != 1 {
			t.Errorf("%s: %d arrays", c.name, len(arrays))
			continue
		}
		have := arrays[0]
		have.name, have.members, have.isStriped, have.headLine, have.hasSize, have.hasActivity = "", 0, false, 0, false, false
		if have != c.want {
			t.Errorf("%s: have %+v, want %+v", c.name, have, c.want)
		}
		want := c.err // its line is counted without Personalities
		for n := 3; n > 0; n-- {
			want = strings.Replace(want, fmt.Sprintf(":%d:", n), fmt.Sprintf(":%d:", n+1), 1)
		}
		if c.err == "" && len(errs) > 0 || c.err != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), want)) {
			t.Errorf("%s: errors %v, want %q", c.name, errs, want)
		}
	}
}

// TestMdstatMatchesProcfs compares with procfs, array by array, and lists the
// well-formed arrays that procfs rejects or parses differently.
func TestMdstatMatchesProcfs(t *testing.T) {
	var differences []string
	compared := 0
	for name, text := range mdstats(t) {
		for _, array := range mdArrays(text) {
			ours, errs := parseMdstat(array, nil)
			if len(errs) > 0 {
				continue
			}
			theirs, err := procfsMDStat(t, array)
			have, want := fmt.Sprint(ours), fmt.Sprint(err)
			if len(ours) == 1 && len(theirs) == 1 {
				a := ours[0]
				have = fmt.Sprint(a.name, a.state.String(), a.active, a.required, a.failed, a.spare, a.blocks, a.synced)
				want = formatProcfs(theirs[0])
			}
			if compared++; have != want {
				differences = append(differences, name+" "+ours[0].name)
				t.Logf("%s: have %s, procfs %s", name, have, want)
			}
		}
	}
	slices.Sort(differences)
	if want := []string{
		"mdadm.host@1 md43", // resync=REMOTE
		"mdadm.no-members-raid10.host@1 md127",
		"mdadm.no-members-raid10.host@1 md2",
		"mdadm.no-members.host@1 md126",
		"mdadm.replacement.host@1 md12",      // resync=REMOTE
		"mdadm.unknown-words.host@1 md6",     // recover=REMOTE
		"mdadm.unknown-words.host@1 md7",     // no disks
		"mdadm.unknown-words.host@1 md_home", // more blocks than 63 bits hold
	}; !slices.Equal(differences, want) || compared < 500 {
		t.Errorf("%d compared, %q differ, want %q", compared, differences, want)
	}
}

// mdArrays splits /proc/mdstat into one file for each array.
func mdArrays(text []byte) [][]byte {
	var all [][]byte
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, " : "); ok && line[0] != ' ' && name != "Personalities" {
			all = append(all, []byte("Personalities : [linear] [raid0] [raid1] [raid10] [raid6] [raid5] [raid4]\n"))
		}
		if len(all) > 0 && !isMdHeader([]byte(line)) {
			all[len(all)-1] = append(all[len(all)-1], line...)
		}
	}
	for i := range all {
		all[i] = append(all[i], "unused devices: <none>\n"...)
	}
	return all
}

func procfsMDStat(t *testing.T, text []byte) ([]procfs.MDStat, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mdstat"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := procfs.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs.MDStat()
}

func formatProcfs(s procfs.MDStat) string {
	state := s.ActivityState
	switch state {
	case "resyncing":
		state = "resync"
	case "checking":
		state = "check"
	case "reshaping":
		state = "reshape"
	}
	n := func(v int64) mdCount { return mdCountOf(uint64(v)) }
	return fmt.Sprint(s.Name, state, n(s.DisksActive), n(s.DisksTotal), n(s.DisksFailed), n(s.DisksSpare), n(s.BlocksTotal), n(s.BlocksSynced))
}

func TestParseRaidDisks(t *testing.T) {
	for _, c := range []struct {
		text string
		want mdCount
		ok   bool
	}{
		{"2", mdCountOf(2), true}, {"11 (10)", mdCountOf(11), true}, {"0", mdCount{}, true}, {"", mdCount{}, true},
		{"two", mdCount{}, false}, {"2 of 3", mdCount{}, false}, {"-1", mdCount{}, false}, {"(10)", mdCount{}, false},
	} {
		if have, err := parseRaidDisks([]byte(c.text)); have != c.want || (err == nil) != c.ok {
			t.Errorf("%q: %v, %v", c.text, have, err)
		}
	}
}

// mdstats returns /proc/mdstat of all recorded hosts, and a generated one.
func mdstats(t testing.TB) map[string][]byte {
	t.Helper()
	texts := map[string][]byte{}
	files, err := filepath.Glob(testdata + "/mdadm*.host")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := golden.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range a.Entries {
			if e.Path == "proc/mdstat" && e.Kind == golden.File {
				texts[fmt.Sprintf("%s@%d", filepath.Base(file), e.Moment)] = e.Data
			}
		}
	}
	texts["generated"] = []byte(mdstatOf(500))
	return texts
}

// mdstatOf generates a /proc/mdstat of n arrays that combine all kinds of
// lines.
func mdstatOf(n int) string {
	firstLines := []string{
		"active raid1 sda[0] sdb[1]", "active (auto-read-only) raid6 nvme0n1p1[0] nvme1n1p1[1](W) sdc[2](F) sdd[3](S) sde[4](J)",
		"active (read-only) raid10 dm-1[1] dm-0[0]", "active raid4 sdaa[0] sdab[2](S)(R) sdac[1]",
	}
	sizes := []string{
		"[2/2] [UU]", "super 1.2 [3/2] [U_U]", "super 1.2 level 5, 512k chunk, algorithm 2 [16/15] [UUUUUUUUUUUUUUU_]",
		"super 1.2 128K chunks 2 far-copies [4/0] [____]", "super external:/md127/0 [2/2] [UU]",
	}
	activities := []string{
		"", "\tresync=DELAYED\n      ", "\tresync=PENDING\n      ",
		"[>....................]  recovery =  0.0% (0/9) finish=0.0min speed=0K/sec\n      ",
		"[====>................]  resync = 22.5% (88888/99999) finish=12.5min speed=4321K/sec\n      ",
		"[===================>.]  check = 99.9% (99998/99999) finish=0.0min speed=4321K/sec\n      ",
		"[=>...................]  reshape =  8.7% (88/999) finish=1.1min speed=1K/sec\n      ",
	}
	bitmaps := []string{"", "bitmap: 1/1 pages [4KB], 65536KB chunk\n"}
	var b strings.Builder
	b.WriteString("Personalities : [raid0] [raid1] [raid10] [raid6] [raid5] [raid4]\n")
	for i := range n {
		fmt.Fprintf(&b, "md%d : %s\n      %d blocks %s\n      %s%s\n", i, firstLines[i%len(firstLines)], i*1000003,
			sizes[i/len(firstLines)%len(sizes)], activities[i%len(activities)], bitmaps[i/3%len(bitmaps)])
	}
	b.WriteString("unused devices: <none>\n")
	return b.String()
}

// FuzzMdstat checks that the parser does not panic, does not list an array
// twice, and does not depend on the previous content of the memory that it
// reuses.
func FuzzMdstat(f *testing.F) {
	for _, text := range mdstats(f) {
		f.Add(text)
	}
	f.Add([]byte("md0 : active raid1 a[0]\n [ blocks [\n[ = (/)\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		arrays, errs := parseMdstat(text, nil)
		memory, _ := parseMdstat([]byte(mdstatOf(5)), nil)
		again, errsAgain := parseMdstat(text, memory)
		if !slices.Equal(arrays, again) || len(errs) != len(errsAgain) {
			t.Errorf("with reused memory %+v, without %+v", again, arrays)
		}
		seen := map[string]bool{}
		for _, a := range arrays {
			if seen[a.name] {
				t.Errorf("%q is listed twice", a.name)
			}
			seen[a.name] = true
			if a.state > mdBroken {
				t.Errorf("%q is in state %d", a.name, a.state)
			}
		}
	})
}

func BenchmarkParseMdstat(b *testing.B) {
	text := []byte(mdstatOf(64))
	arrays, _ := parseMdstat(text, nil)
	b.ReportAllocs()
	for b.Loop() {
		arrays, _ = parseMdstat(text, arrays)
	}
}

func BenchmarkMdadm(b *testing.B) {
	n := golden.NewWorkbench(b, mdadm.Build, nil)
	n.Proc("mdstat", mdstatOf(64))
	for i := range 64 {
		n.Sys(fmt.Sprintf("block/md%d/md/raid_disks", i), "2\n")
		n.Sys(fmt.Sprintf("block/md%d/md/degraded", i), "0\n")
	}
	n.Steady()
}
