package landlock

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestAttributes compares the attributes of each version with the numbers of the
// kernel's documentation: a kernel rejects a bit that it does not know.
func TestAttributes(t *testing.T) {
	all := Denial{Files: ReadAccess | WriteAccess, TCP: true, Signals: true, AbstractSockets: true}
	const first = 0x1fff // all bits up to 12
	for version, want := range map[int]unix.LandlockRulesetAttr{
		0:  {},
		1:  {Handled_access_fs: first, Handled_access_net: 0, Scoped: 0},
		2:  {Handled_access_fs: first | 1<<13, Handled_access_net: 0, Scoped: 0},
		3:  {Handled_access_fs: first | 3<<13, Handled_access_net: 0, Scoped: 0},
		4:  {Handled_access_fs: first | 3<<13, Handled_access_net: 3, Scoped: 0},
		5:  {Handled_access_fs: first | 7<<13, Handled_access_net: 3, Scoped: 0},
		6:  {Handled_access_fs: first | 7<<13, Handled_access_net: 3, Scoped: 3},
		12: {Handled_access_fs: first | 7<<13, Handled_access_net: 3, Scoped: 3},
	} {
		if have := all.Attributes(version); have != want {
			t.Errorf("version %d: %x, want %x", version, have, want)
		}
	}
	if have := (Denial{Signals: true}).Attributes(6); have.Scoped != unix.LANDLOCK_SCOPE_SIGNAL {
		t.Errorf("%x", have)
	}
	if size := unsafe.Sizeof(unix.LandlockRulesetAttr{}); size%8 != 0 || size < 24 {
		t.Errorf("the attributes have %d bytes", size)
	}
}
